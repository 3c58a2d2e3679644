r"""Dispersed: where the person is, the embedding is noise. Promise *unrecognisable*.

    c  = normalise( mean_x ê(x) )          over the person's photos and their mirror images
    τ  = halfway in angle between how alike the photos are to each other (each to the mean of the others) and how
         alike other people are to c; never so wide that a row that stays or an anchor is inside
    e' = noise where c · ê > τ, else e     :mod:`faceforget.scatter`

Others are the rows that stay and the anchors, faces of nobody concerned. Around the region is a rim in which only
the direction c is masked; everybody outside is anchored exactly: their embeddings are the same bits. Nobody's photo is
trained on, and no learning rate can be wrong.

Why a region, and no training. Enrolled again, a person is recognised by what their photos have in common. A mean
over a dozen photos leaves a part of that; a linear edit cannot remove what it does not know, and late layers that
were trained to do more did it on the dozen photos and not on others (``docs/research.md``). And whatever refuses one
person and still tells all others apart must know that person: a model that had never met them would recognise them
after enrolment. So this promise needs a detector of the person in the model, and here it is small and in plain
sight instead of spread over weights. Whoever holds the file can read it, and take it off. :mod:`anchored` leaves
none, and keeps the weaker promise.

Dispersion as a goal is from Zakharov (arXiv 2512.13317) and Spotter (arXiv 2506.01318); the rest is ours.
"""

from typing import ClassVar, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from faceforget.folding import folded
from faceforget.method.anchored import BEYOND, mean_directions
from faceforget.method.base import Edited, Method, MethodSettings, Reads, Run, frozen_copy, kept_classes, measure
from faceforget.method.data import ForgetSet
from faceforget.method.head import features_of, find_head, weight_of
from faceforget.method.projection import replace_layer
from faceforget.scatter import Scatter

# Of a single photo this many varied versions stand in for other photos.
_VERSIONS = 8


class DispersedSettings(MethodSettings):
    """Where the region ends; the same for everybody."""

    reach: float = Field(0.45, gt=0, lt=1, description="Share of the angle from the photos to other people.")
    anchors: int = Field(400, ge=1, description="At most so many are read.")
    distance: float = Field(0.05, ge=0, description="From the nearest other person to the region, in cosine.")


class Dispersed(Method):
    """Noise in a cone around the person."""

    name: ClassVar[str] = "dispersed"
    paper: ClassVar[str] = "FaceForget; the goal from arXiv 2512.13317 and arXiv 2506.01318"
    reads: ClassVar[tuple[Reads, ...]] = ("forget photos", "anchors")
    settings_type: ClassVar[type[MethodSettings]] = DispersedSettings
    varied: ClassVar[bool] = True
    caveat: ClassVar[str] = (
        "dispersed adds a layer that tells this person from others, to answer with noise: whoever holds the model's "
        "file can read that layer, and take it off. Use anchored where nothing of the person may stay."
    )
    settings: DispersedSettings

    @torch.no_grad()
    def edit(self, model: nn.Module, forget: ForgetSet, run: Run) -> Edited:
        """Draws the regions."""
        student = frozen_copy(model)
        size = self.settings.batch_size
        head, kept = find_head(student, forget.images), kept_classes(student, forget)
        rows = weight_of(head).detach().flatten(1)[kept]
        anchors = features_of(folded(student), cast("Tensor", forget.anchors)[: self.settings.anchors], size)
        others = functional.normalize(torch.cat([rows, anchors]), dim=1)
        directions = functional.normalize(mean_directions(student, forget, size), dim=1)
        photos, own = functional.normalize(features_of(student, forget.images, size), dim=1), forget.own_classes()
        present = [index for index in forget.classes if (own == index).any()]
        reached, missed = [], 0
        generator = torch.Generator().manual_seed(run.seed)
        for index, direction in zip(present, directions, strict=True):
            alike = _alike(photos[own == index])
            if alike is None:
                versions = _versions(forget.images[own == index], run, generator)
                alike = functional.normalize(features_of(student, versions, size), dim=1) @ direction
            reached.append(self._end(alike, others @ direction))
            missed += int((alike < reached[-1]).sum())
        held = _held(student) or Scatter.nowhere(directions.shape[1], generator)
        ends = torch.stack(reached)
        for beyond in BEYOND:
            _put(student, head, held.around(directions, ends, beyond).requires_grad_(False))
            if measure(student, forget, size)[0] > 0:
                break
        return Edited(student, note=_note(missed, len(photos)))

    def _end(self, alike: Tensor, others: Tensor) -> Tensor:
        """The cosine where a person's region ends."""
        reach = self.settings.reach
        angle = (1 - reach) * alike.mean().clamp(-1, 1).acos() + reach * others.mean().clamp(-1, 1).acos()
        return torch.maximum(angle.cos(), others.max() + self.settings.distance)


def _alike(photos: Tensor) -> Tensor | None:
    """Cosine ``(N,)`` of each photo with the mean of the others; None for a single one."""
    if len(photos) < 2:
        return None
    return (photos * functional.normalize(photos.sum(0) - photos, dim=1)).sum(1)


def _versions(image: Tensor, run: Run, generator: torch.Generator) -> Tensor:
    many = image.repeat(_VERSIONS, *[1] * (image.ndim - 1))
    return run.augment(many, generator) if run.augment else many


def _held(student: nn.Module) -> Scatter | None:
    """The layer of an earlier erasure."""
    return next((module for module in student.modules() if isinstance(module, Scatter)), None)


def _put(student: nn.Module, head: nn.Module, scatter: Scatter) -> None:
    """In the place that the model keeps for it, or before the head."""
    old = _held(student)
    holder = next((module for module in student.modules() if isinstance(getattr(module, "scatter", None), nn.Module)),
                  None)  # fmt: skip
    if holder is not None:
        holder.scatter = scatter
    else:
        replace_layer(student, *((old, scatter) if old else (head, nn.Sequential(scatter, head))))


def _note(missed: int, photos: int) -> str:
    if not missed:
        return ""
    return (
        f"{missed} of {photos} photos would lie outside a region drawn from the others: expect as many of the "
        "person's other photos to be recognisable still. More photos of them help."
    )
