"""How much did the features change? Linear CKA between two models, depth by depth.

Centred kernel alignment (Kornblith et al. 2019, arXiv 1905.00414) with the unbiased estimate of HSIC (Song et
al. 2012): with twenty photos and thousands of features the plain one is near 1 for any two networks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faceforget.audit.estimates import Estimate, not_measured
from faceforget.audit.measures.probe import depths
from faceforget.audit.view import Groups, View

_FEWEST = 4
# Products of photos by photos; more would not narrow the interval by much.
_MOST_OTHERS = 600
_BLOCKS = 20

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Alignment:
    """Unbiased linear CKA of one depth: 1 for features that differ by a rotation and a scale only.

    Attributes:
        forgotten: On the erased persons' photos; with several persons, the mean over them.
        others: On everybody else's photos.
    """

    forgotten: Estimate
    others: Estimate


def cka(view: View, other: View, *, seed: int = 0) -> dict[str, Alignment]:
    """Compare two models on the same photos, at each depth that both have.

    Args:
        view: Of one model.
        other: Of the other, on the same photos in the same order.
        seed: Of the choice among everybody else's photos, where there are more than enough.

    Raises:
        ValueError: The views are not of the same photos.
    """
    first, second = depths(view), depths(other)
    return {depth: _alignment(first[depth], second[depth], seed) for depth in first if depth in second}


def hsic(k: Matrix, m: Matrix) -> float:
    """Unbiased HSIC of two matrices of products ``(N, N)``, ``N >= 4``: eq. 5 of Song et al. 2012."""
    n = len(k)
    k, m = k - np.diag(k.diagonal()), m - np.diag(m.diagonal())
    joint = (k * m).sum()
    apart = k.sum() * m.sum() / ((n - 1) * (n - 2))
    rows = 2 * (k.sum(0) @ m.sum(0)) / (n - 2)
    return float((joint + apart - rows) / (n * (n - 3)))


def _cka(k: Matrix, m: Matrix) -> float:
    own = hsic(k, k) * hsic(m, m)
    return hsic(k, m) / own**0.5 if own > 0 else float("nan")


def _products(features: Tensor) -> Matrix:
    centred = features.float() - features.float().mean(0)
    products: Matrix = (centred @ centred.T).double().cpu().numpy()
    # The scale is free; this one keeps sums of squares of products far from the limits of floats.
    return products / max(float(products.diagonal().mean()), 1e-30)


def _alignment(first: Groups[Tensor], second: Groups[Tensor], seed: int) -> Alignment:
    if _sizes(first) != _sizes(second):
        raise ValueError("The two views are of different photos; look at the same photos with both models.")
    persons = [
        _aligned(_person(first, name), _person(second, name), np.arange(len(_person(first, name))))
        for name in first.forgotten
    ]
    one, two = ([*groups.retained.values(), *groups.strangers.values()] for groups in (first, second))
    chosen = _some([len(own) for own in one], seed)
    people = np.repeat(np.arange(len(one)), [len(own) for own in one])[chosen]
    others = _aligned(_all(one)[chosen], _all(two)[chosen], people)
    return Alignment(_mean(persons), others)


def _sizes(groups: Groups[Tensor]) -> list[tuple[str, str, int]]:
    return [(group, person, len(content)) for group, person, content in groups.all()]


def _person(groups: Groups[Tensor], name: str) -> Tensor:
    own = groups.forgotten[name]
    return torch.cat([own, groups.forget_photos[name]]) if name in groups.forget_photos else own


def _all(people: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(people)) if people else torch.zeros(0, 1)


def _some(sizes: Sequence[int], seed: int) -> NDArray[np.intp]:
    """Photos of whole people in random order, as many as there is time for."""
    order = np.random.default_rng(seed).permutation(len(sizes))
    ends = np.cumsum([0, *sizes])
    chosen = [np.arange(ends[index], ends[index + 1]) for index in order]
    within = np.cumsum([len(photos) for photos in chosen]) <= _MOST_OTHERS
    kept = [photos for photos, fits in zip(chosen, within, strict=True) if fits]
    return np.sort(np.concatenate(kept)) if kept else np.zeros(0, dtype=np.intp)


def _aligned(x: Tensor, y: Tensor, units: NDArray[np.intp]) -> Estimate:
    """CKA with the interval of a jackknife that leaves out one unit (photo or person), or a block of them.

    Not a bootstrap: a photo drawn twice is similar to itself in both models, which drives CKA up.
    """
    if len(x) < _FEWEST:
        return not_measured(len(x), f"at least {_FEWEST} photos are needed to compare two models")
    k, m = _products(x), _products(y)
    value = _cka(k, m)
    if not np.isfinite(value):
        return not_measured(len(x), "the features do not vary between these photos")
    blocks = np.array_split(np.unique(units), min(_BLOCKS, len(np.unique(units))))
    left = [np.flatnonzero(~np.isin(units, block)) for block in blocks]
    spread = _jackknife([_cka(k[np.ix_(rest, rest)], m[np.ix_(rest, rest)]) for rest in left if len(rest) >= _FEWEST])
    interval = None if spread is None else (value - 1.96 * spread, min(1.0, value + 1.96 * spread))
    return Estimate(value, len(x), interval)


def _jackknife(values: Sequence[float]) -> float | None:
    finite = np.asarray([value for value in values if np.isfinite(value)])
    if len(finite) < 3:
        return None
    return float(np.sqrt((len(finite) - 1) * finite.var()))


def _mean(persons: Sequence[Estimate]) -> Estimate:
    """Mean over persons, whose photos are independent; without those who could not be measured."""
    measured = [(own.value, own.interval) for own in persons if own.value is not None]
    photos = sum(own.photos for own in persons)
    if not measured:
        return not_measured(photos, persons[0].note if persons else "no photos of the erased persons")
    value = float(np.mean([own for own, _ in measured]))
    halves = [own - interval[0] for own, interval in measured if interval is not None]
    if len(halves) < len(measured):
        return Estimate(value, photos)
    half = float(np.sqrt(np.square(halves).sum())) / len(halves)
    return Estimate(value, photos, (value - half, min(1.0, value + half)))
