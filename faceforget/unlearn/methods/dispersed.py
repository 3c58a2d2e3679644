r"""Dispersed: where the person is, the embedding is noise. Promise *unrecognisable*.

    c  = normalise( Σ_x ê(x) + 4 ŵ )       the person's photos, each with its mirror image, and their row of the head
    τ  = a share of the angle between how alike the photos are to each other (each to the mean of the others) and how
         alike other people are to c; never so wide that a row that stays or an anchor is inside
    e' = noise where c · ê > τ, else e     :mod:`~.regions`, :mod:`~faceforget.unlearn.layers.scatter`

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

from hashlib import sha256
from typing import ClassVar, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from faceforget.progress import Progress
from faceforget.unlearn.base import Edited, Method, MethodSettings, Reads, Run, frozen_copy
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.layers.look import look_at
from faceforget.unlearn.methods.regions import (
    BEYOND,
    REACH,
    draw_regions,
    look_at_persons,
    put_regions,
    rows_that_stay,
)


class DispersedSettings(MethodSettings):
    """Where the region ends; the same for everybody."""

    reach: float = Field(REACH, gt=0, lt=1, description="Share of the angle from the photos to other people.")
    anchors: int = Field(400, ge=1, description="At most so many are read.")


class Dispersed(Method):
    """Noise in a cone around the person."""

    name: ClassVar[str] = "dispersed"
    paper: ClassVar[str] = "FaceForget; the goal from arXiv 2512.13317 and arXiv 2506.01318"
    reads: ClassVar[tuple[Reads, ...]] = ("forget photos", "anchors")
    settings_type: ClassVar[type[MethodSettings]] = DispersedSettings
    structure: ClassVar[str] = (
        "A layer takes the place that the model keeps for it (ScatterPlace), or is put before the head, which becomes "
        "a Sequential of the two."
    )
    caveat: ClassVar[str] = (
        "dispersed adds a layer that tells this person from others, to answer with noise: whoever holds the model's "
        "file can read that layer, and take it off. Use anchored where nothing of the person may stay."
    )
    settings: DispersedSettings

    @property
    def varied(self) -> bool:
        """Versions of a single photo stand in for others of the person."""
        return True

    @torch.no_grad()
    def edit(self, model: nn.Module, forget: ForgetSet, run: Run) -> Edited:
        """Draws the regions."""
        student, size = frozen_copy(model), self.settings.batch_size
        anchors = cast("Tensor", forget.anchors)[: self.settings.anchors]
        others = torch.cat([rows_that_stay(student, forget), _look_at_anchors(student, anchors, size, run.progress)])
        persons = look_at_persons(student, forget, run, size)
        regions = draw_regions(student, forget, persons, others, run, reach=self.settings.reach, batch_size=size)
        beyond = put_regions(student, forget, regions, noise=True, run=run, batch_size=size)
        notes = _note(regions.missed, len(forget.images)), _note_on_sharing(beyond, len(persons))
        return Edited(student, note=" ".join(filter(None, notes)))


# Whoever erases one person after another from copies of one model, as the app does, looks at the same anchors with
# the same model each time.
_known_anchors: dict[bytes, Tensor] = {}
_MOST_KNOWN = 4


def _look_at_anchors(model: nn.Module, anchors: Tensor, batch_size: int, progress: Progress) -> Tensor:
    """Features of the anchors, ``(A, D)``."""
    key = sha256()
    for tensor in (*model.state_dict().values(), anchors):
        key.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    known = _known_anchors.pop(key.digest(), None)
    if known is None:
        known = look_at(model, anchors, batch_size, progress, "looking at anchors")
    _known_anchors[key.digest()] = known
    for oldest in list(_known_anchors)[:-_MOST_KNOWN]:
        _known_anchors.pop(oldest, None)
    return known


def _note(missed: int, photos: int) -> str:
    if not missed:
        return ""
    return (
        f"{missed} of {photos} photos would lie outside a region drawn from the others: expect as many of the "
        "person's other photos to be recognisable still. More photos of them help."
    )


def _note_on_sharing(beyond: float, people: int) -> str:
    """What it takes among few who stay."""
    if beyond <= BEYOND[-1]:
        return ""
    return (
        f"So that no old row wins, the photos of these {people} people were turned the same way: expect them to be "
        "recognisable still. Erase fewer at once."
    )
