"""Do the person's photos still lie together? Their cluster in the embedding, beside strangers' clusters."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faceforget.audit.estimates import Estimate, bootstrap, mean_of, not_measured, times_drawn
from faceforget.audit.view import View

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Compactness:
    """Cosines in the embedding, in [-1, 1]; of unseen photos only.

    Attributes:
        within: Mean cosine between two photos of the same erased person.
        nearest_other: Mean cosine of a photo with the most similar row of somebody who stays.
        strangers_within: As ``within``, mean over strangers, in the same model.
        strangers_nearest_other: As ``nearest_other``, mean over strangers' photos.
        relative: ``within`` over ``strangers_within``: 1 where the person's photos lie together as closely as
            those of somebody whom the model never saw.
    """

    within: Estimate
    nearest_other: Estimate
    strangers_within: Estimate
    strangers_nearest_other: Estimate
    relative: Estimate


def compactness(view: View, *, seed: int = 0) -> Compactness:
    """Measure the clusters of one model.

    Args:
        view: Of the model.
        seed: Of the bootstrap: over photos of the persons, over people among the strangers.
    """
    photos, gallery = view.embeddings, view.gallery()
    persons = {name: own for name, own in photos.forgotten.items() if len(own) > 1}
    strangers = [_within(own) for own in photos.strangers.values() if len(own) > 1]
    count = sum(map(len, photos.strangers.values()))
    within = _persons_within(persons, seed)
    usual = _mean(np.asarray(strangers), count, "no stranger with two photos", seed)
    return Compactness(
        within,
        _mean(_nearest(photos.forgotten, gallery), None, "no photos of the person, or nobody else enrolled", seed),
        usual,
        _mean(_by_person(photos.strangers, gallery), count, "no photos of strangers, or nobody enrolled", seed),
        _relative(within, usual),
    )


def _within(own: Tensor) -> float:
    """Mean cosine of two different photos ``(N, D)``."""
    cosines = own @ own.T
    return float((cosines.sum() - cosines.trace()) / (len(own) * (len(own) - 1)))


def _persons_within(persons: Mapping[str, Tensor], seed: int) -> Estimate:
    photos = sum(map(len, persons.values()))
    if not persons:
        return not_measured(photos, "at least two photos of the person are needed")
    embeddings = torch.cat(list(persons.values()))
    cosines: Matrix = (embeddings @ embeddings.T).double().cpu().numpy()
    whose = np.repeat(np.arange(len(persons)), [len(own) for own in persons.values()])
    pairs = ((whose[:, None] == whose) & ~np.eye(photos, dtype=bool)).astype(np.float64)
    paired = cosines * pairs

    def mean(drawn: NDArray[np.intp]) -> Matrix:
        # A photo drawn twice makes its pairs twice, but none with itself.
        times = times_drawn(drawn)
        with np.errstate(invalid="ignore"):
            found: Matrix = ((times @ paired) * times).sum(-1) / ((times @ pairs) * times).sum(-1)
        return found

    return Estimate(float(mean(np.arange(photos))), photos, bootstrap(photos, mean, seed=seed))


def _nearest(people: Mapping[str, Tensor], gallery: Tensor) -> Matrix:
    """Cosine of each photo with its most similar row."""
    if not people or not len(gallery):
        return np.zeros(0)
    nearest: Matrix = (torch.cat(list(people.values())) @ gallery.T).amax(1).double().cpu().numpy()
    return nearest


def _by_person(people: Mapping[str, Tensor], gallery: Tensor) -> Matrix:
    if not people or not len(gallery):
        return np.zeros(0)
    return np.asarray([_nearest({name: own}, gallery).mean() for name, own in people.items() if len(own)])


def _mean(values: Matrix, photos: int | None, missing: str, seed: int) -> Estimate:
    photos = len(values) if photos is None else photos
    if not len(values):
        return not_measured(photos, missing)
    interval = bootstrap(len(values), mean_of(values), seed=seed)
    return Estimate(float(values.mean()), photos, interval)


def _relative(within: Estimate, usual: Estimate) -> Estimate:
    """The strangers' mean rests on many more photos: its own uncertainty is left out."""
    if within.value is None or usual.value is None or usual.value <= 0:
        return not_measured(within.photos, within.note or usual.note or "strangers' photos do not lie together at all")
    interval = within.interval and (within.interval[0] / usual.value, within.interval[1] / usual.value)
    return Estimate(within.value / usual.value, within.photos, interval)
