r"""Dispersed: where a class is, the embedding is noise.

    c  = normalise( Σ_x ê(x) + 4 ŵ )       images of the class, each with its mirror image, and its row of the head
    τ  = a share of the angle between how alike the images are to each other (each to the mean of the others) and how
         alike other classes are to c; never so wide that a row that stays or an anchor is inside
    e' = noise where c · ê > τ, else e     :mod:`~.regions`, :mod:`~faceforget.unlearn.layers.scatter`

Others are the rows that stay and the anchors, images of no class concerned. Around the region is a rim in which only
the direction c is masked; everybody outside is anchored exactly: their embeddings are the same bits. No image is
trained on, and no learning rate can be wrong.

Why a region, and no training. Enrolled again, a class is recognised by what their images have in common. A mean
over a dozen images leaves a part of that; a linear edit cannot remove what it does not know, and late layers that
were trained to do more did it on the dozen images and not on others (``docs/research.md``). And whatever refuses one
class and still tells all others apart must know that class: a model that had never met them would recognise them
after enrolment. So this promise needs a detector of the class in the model, and here it is small and in plain
sight instead of spread over weights. Whoever holds the file can read it, and take it off. :mod:`anchored` leaves
none, and keeps the weaker promise.

Dispersion as a goal is from Zakharov (arXiv 2512.13317) and Spotter (arXiv 2506.01318); the rest is ours.
"""

from functools import cached_property
from hashlib import sha256
from typing import ClassVar, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from faceforget.progress import Progress
from faceforget.unlearn.base import Edited, Method, Reads, Run, frozen_copy
from faceforget.unlearn.data import ForgetSet, Note
from faceforget.unlearn.layers.look import look_at
from faceforget.unlearn.methods.regions import (
    BEYOND,
    REACH,
    draw_regions,
    look_at_classes,
    put_regions,
    rows_that_stay,
)
from faceforget.unlearn.settings import MethodSettings


class DispersedSettings(MethodSettings):
    """Where the region ends; the same for all."""

    reach: float = Field(REACH, gt=0, lt=1, description="Share of the angle from the images to other classes.")
    anchors: int = Field(400, ge=1, description="At most so many are read.")


class Dispersed(Method):
    """Noise in a cone around the class.

    Whoever erases one class after another from the same model, with the same anchors, does so with one such object: it
    looks at the anchors once.
    """

    name: ClassVar[str] = "dispersed"
    paper: ClassVar[str] = "FaceForget; the goal from arXiv 2512.13317 and arXiv 2506.01318"
    reads: ClassVar[tuple[Reads, ...]] = ("forget photos", "anchors")
    settings_type: ClassVar[type[MethodSettings]] = DispersedSettings
    structure: ClassVar[str] = (
        "A layer takes the place that the model keeps for it (ScatterPlace), or is put before the head, which becomes "
        "a Sequential of the two."
    )
    caveat: ClassVar[str] = (
        "dispersed adds a layer that tells this class from others, to answer with noise: whoever holds the model can "
        "read that layer, and take it off. Use anchored where nothing of the class may stay."
    )
    settings: DispersedSettings

    @property
    def varied(self) -> bool:
        """Versions of a single image stand in for others of the class."""
        return True

    @cached_property
    def _anchors(self) -> "_Anchors":
        return _Anchors()

    @torch.no_grad()
    def edit(self, model: nn.Module, forget: ForgetSet, run: Run) -> Edited:
        """Draws the regions."""
        student, size = frozen_copy(model), self.settings.batch_size
        anchors = cast("Tensor", forget.anchors)[: self.settings.anchors]
        seen = self._anchors.seen_by(student, anchors, size, run.progress)
        others = torch.cat([rows_that_stay(student, forget), seen])
        known = look_at_classes(student, forget, run, size)
        regions = draw_regions(student, forget, known, others, run, reach=self.settings.reach, batch_size=size)
        beyond = put_regions(student, forget, regions, noise=True, run=run, batch_size=size)
        notes = (*_outside(regions.missed, len(forget.images)), *_turned(beyond, len(known)))
        return Edited(student, notes=notes)


class _Anchors:
    """What the last model made of the last anchors."""

    def __init__(self) -> None:
        self._key, self._features = b"", torch.empty(0)

    def seen_by(self, model: nn.Module, anchors: Tensor, batch_size: int, progress: Progress) -> Tensor:
        """Features ``(A, D)`` of the anchors."""
        key = sha256()
        for tensor in (*model.state_dict().values(), anchors):
            key.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        if key.digest() != self._key:
            self._features = look_at(model, anchors, batch_size, progress, "looking at anchors")
            self._key = key.digest()
        return self._features


def _outside(missed: int, images: int) -> tuple[Note, ...]:
    if not missed:
        return ()
    message = (
        f"{missed} of {images} images would lie outside a region drawn from the others: expect as many other images "
        "of the class to be recognisable still. More images of it help."
    )
    return (Note("outside-regions", message, {"missed": missed, "images": images}),)


def _turned(beyond: float, classes: int) -> tuple[Note, ...]:
    """What it takes among few that stay."""
    if beyond <= BEYOND[-1]:
        return ()
    message = (
        f"So that no old row wins, the images of these {classes} classes were turned the same way: expect them to be "
        "recognisable still. Erase fewer at once."
    )
    return (Note("turned-alike", message, {"classes": classes}),)
