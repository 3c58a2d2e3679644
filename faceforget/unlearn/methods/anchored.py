r"""Anchored: the direction of a class is masked in the embedding.

DELETE masks the class's logit in a frozen copy and keeps the ratios of all others. Here the same is done to
the embedding, where it can be done exactly and at once:

    c_k = normalise( Σ_x ê(x) + 4 ŵ_k )    class k's images, each with its mirror image, and row; all of unit length
    P   = I - Q Qᵀ                         Q an orthonormal basis of c_1 ... c_K
    e'  = P e,     w_i' = P w_i            for every class that stays

Everybody else is anchored: what their embeddings and rows have outside the removed directions stays as it was.
The projection is folded into the last linear layer, so no learning rate can be wrong and no image of another is
read. Projecting a class out of the features is POUR-P's idea (arXiv 2511.19339) and older in concept erasure
(INLP, arXiv 2004.07667); ours is the direction from a handful of images, and that it suffices on faces.

Many classes at once are many directions, and masking these costs all others: with 20 of 128, the TAR of strangers'
faces fell by two to three points. Then each class's direction is masked only in a cone around that class, which no
other comes near (:mod:`~faceforget.unlearn.methods.regions`). That costs the others nothing, and leaves a layer that
can be read and taken off.

What neither does: the layers before still know the class, and whoever reads the weights can find the missing
direction. :mod:`dispersed` keeps more.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
from pydantic import Field
from torch import nn

from faceforget.unlearn.base import Edited, Method, Run, frozen_copy, kept_classes
from faceforget.unlearn.data import ForgetSet, Note
from faceforget.unlearn.layers.head import bias_of, find_head, set_rows, weight_of
from faceforget.unlearn.layers.projection import complement, project_features
from faceforget.unlearn.measures import measure
from faceforget.unlearn.methods.regions import (
    BEYOND,
    REACH,
    Known,
    draw_regions,
    everywhere,
    has_regions,
    look_at_classes,
    put_regions,
    rows_that_stay,
)
from faceforget.unlearn.settings import MethodSettings


class AnchoredSettings(MethodSettings):
    """How many directions all others can do without."""

    everywhere: float = Field(
        0.05, ge=0, le=1, description="Up to this share of the embedding's directions are masked everywhere."
    )


class Anchored(Method):
    """The classes' directions projected out of embedding and rows; of many classes, only around each."""

    name: ClassVar[str] = "anchored"
    paper: ClassVar[str] = "FaceForget; after DELETE (arXiv 2503.23751) and POUR-P (arXiv 2511.19339)"
    settings_type: ClassVar[type[MethodSettings]] = AnchoredSettings
    structure: ClassVar[str] = (
        "Of more classes at once than `everywhere` says, and where neither the head nor the layer before it is linear, "
        "a layer is put before the head, which becomes a Sequential of the two."
    )
    settings: AnchoredSettings

    @property
    def varied(self) -> bool:
        """Versions of a single image stand in for others of the class."""
        return True

    @torch.no_grad()
    def edit(self, model: nn.Module, forget: ForgetSet, run: Run) -> Edited:
        """Projects, and a little beyond where that is needed."""
        size, student = self.settings.batch_size, frozen_copy(model)
        known, rows = look_at_classes(student, forget, run, size), rows_that_stay(student, forget)
        if len(forget.classes) > max(1, self.settings.everywhere * rows.shape[1]):
            regions = draw_regions(student, forget, known, rows, run, reach=REACH, batch_size=size)
            put_regions(student, forget, regions, noise=False, run=run, batch_size=size)
            return Edited(student, notes=(_note(len(forget.classes)),))
        if has_regions(student):  # its input must stay as it is: it looks for other classes there
            put_regions(student, forget, everywhere(known), noise=False, run=run, batch_size=size)
            return Edited(student)
        for beyond in BEYOND:
            student = project_out(frozen_copy(model), forget, known, size, beyond=beyond)
            if measure(student, forget, size)[0] > 0:
                break
        return Edited(student)


def _note(classes: int) -> Note:
    message = (
        f"{classes} classes at once are masked only where they are, by a layer that tells them from others: whoever "
        "holds the model can read that layer, and take it off. Erase fewer at a time to do without it."
    )
    return Note("masked-in-regions", message, {"classes": classes})


@torch.no_grad()
def project_out(
    student: nn.Module, forget: ForgetSet, known: Sequence[Known], batch_size: int, *, beyond: float = 0.0
) -> nn.Module:
    """Take the forgotten classes' directions out of the features and out of the rows that stay.

    Args:
        student: The caller's own, in evaluation mode; changed.
        forget: The classes, and ``(N, 3, H, W)`` images of each.
        known: What the student knows of them.
        batch_size: Images at a time.
        beyond: What is taken out more than all: the directions stay, turned round, with this part of their length.

    Returns:
        The student.
    """
    head, kept = find_head(student, forget.images), kept_classes(student, forget)
    rows = weight_of(head).detach().flatten(1).clone()
    matrix = complement(torch.stack([one.direction for one in known]))
    matrix = matrix - beyond * (torch.eye(len(matrix)).to(matrix) - matrix)
    rows[kept] = rows[kept] @ matrix
    set_rows(head, rows.view_as(weight_of(head)), bias_of(head))
    return project_features(student, matrix, forget.images, batch_size, into_head=True)
