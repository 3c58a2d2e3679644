r"""Anchored: the person's direction is masked in the embedding. Promise *forgotten*.

DELETE masks the person's logit in a frozen copy and keeps the ratios of all others. Here the same is done to
the embedding, where it can be done exactly and at once:

    c_k = normalise( mean_x e(x) )     over person k's photos and their mirror images, e of unit length
    P   = I - Q Qᵀ                     Q an orthonormal basis of c_1 ... c_K
    e'  = P e,     w_i' = P w_i        for everybody who stays

Everybody else is anchored: what their embeddings and rows have outside the removed directions stays as it was.
The projection is folded into the last linear layer, so no learning rate can be wrong and nobody else's photo is
read. Projecting a class out of the features is POUR-P's idea (arXiv 2511.19339) and older in concept erasure
(INLP, arXiv 2004.07667); ours is the direction from a handful of photos, and that it suffices on faces.

What it does not do: the layers before still know the person, and whoever reads the weights can find the missing
direction. :mod:`dispersed` goes on from here.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceforget.method.base import Edited, Method, Run, frozen_copy, kept_classes, measure
from faceforget.method.data import ForgetSet
from faceforget.method.head import bias_of, features_of, find_head, set_rows, weight_of
from faceforget.method.projection import complement, project_features

# At zero the person is like nobody, and among few people that can be more than like anyone who stays: the old row
# won on a third of the photos with 3 rendered people, on one photo of one person with 16. Then a little is taken out
# beyond zero: tried in turn until it wins nowhere. A re-enrolment gets its square back.
BEYOND = (0.0, 0.05, 0.1, 0.2)


class Anchored(Method):
    """The persons' mean directions projected out of embedding and rows."""

    name: ClassVar[str] = "anchored"
    paper: ClassVar[str] = "FaceForget; after DELETE (arXiv 2503.23751) and POUR-P (arXiv 2511.19339)"

    def edit(self, model: nn.Module, forget: ForgetSet, run: Run) -> Edited:
        """Projects, and a little beyond where that is needed."""
        size = self.settings.batch_size
        for beyond in BEYOND:
            student = project_out(frozen_copy(model), forget, size, beyond=beyond)
            if measure(student, forget, size)[0] > 0:
                break
        return Edited(student)


@torch.no_grad()
def project_out(student: nn.Module, forget: ForgetSet, batch_size: int, *, beyond: float = 0.0) -> nn.Module:
    """Take the forgotten classes' mean directions out of the features and out of the rows that stay.

    Args:
        student: The caller's own, in evaluation mode; changed.
        forget: The classes, and ``(N, 3, H, W)`` photos of each.
        batch_size: Photos at a time.
        beyond: What is taken out more than all: the directions stay, turned round, with this part of their length.

    Returns:
        The student.
    """
    head, kept = find_head(student, forget.images), kept_classes(student, forget)
    rows = weight_of(head).detach().flatten(1).clone()
    matrix = complement(mean_directions(student, forget, batch_size))
    matrix = matrix - beyond * (torch.eye(len(matrix)).to(matrix) - matrix)
    rows[kept] = rows[kept] @ matrix
    set_rows(head, rows.view_as(weight_of(head)), bias_of(head))
    return project_features(student, matrix, forget.images, batch_size)


def mean_directions(model: nn.Module, forget: ForgetSet, batch_size: int) -> Tensor:
    """One direction ``(F, D)`` per forgotten class: what its photos and their mirror images have in common."""
    mirrored = forget.images.flip(3) if forget.images.ndim == 4 else forget.images
    images, own = torch.cat([forget.images, mirrored]), forget.own_classes().repeat(2)
    features = functional.normalize(features_of(model, images, batch_size), dim=1)
    return torch.stack([features[own == index].mean(0) for index in forget.classes if (own == index).any()])
