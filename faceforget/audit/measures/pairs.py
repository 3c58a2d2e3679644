"""Scores of pairs of photos, and how they are resampled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faceforget.audit.estimates import times_drawn

Scores = NDArray[np.floating]

# Impostor pairs of more photos than this (two million pairs) only cost time.
_MOST_PHOTOS = 2000


@dataclass(frozen=True)
class GenuinePairs:
    """Pairs of photos of one person, for many persons.

    Attributes:
        scores: ``(G,)`` cosines.
        photos: How many photos they are made of; who has only one is not counted.
        units: How many photos or people are resampled.
        rejected: From drawn units ``(..., U)`` to the share of their pairs at or below each edge ``(..., T)``;
            NaN where a draw has no pair.
    """

    scores: Scores
    photos: int
    units: int
    rejected: Callable[[np.ndarray], Scores]


def cosines(one: Tensor, other: Tensor) -> Scores:
    """Of unit embeddings ``(N, D)`` and ``(M, D)``: ``(N, M)``, rounding cut off at 1."""
    found: Scores = (one @ other.T).clamp(-1, 1).cpu().numpy()
    return found


def pairs_by_person(people: Mapping[str, Tensor], edges: Scores) -> GenuinePairs:
    """Where there are many people, people are the units."""
    known = [own for own in people.values() if len(own) > 1]
    scores = [cosines(own, own)[np.triu_indices(len(own), 1)] for own in known]
    below = np.array([np.searchsorted(np.sort(own), edges, side="right") for own in scores], dtype=np.float32)

    def rejected(drawn: np.ndarray) -> Scores:
        shares: Scores = times_drawn(drawn).astype(np.float32) @ below
        shares /= shares[..., -1:]
        return shares

    return GenuinePairs(_joined(scores), sum(map(len, known)), len(known), rejected)


def pairs_by_photo(people: Mapping[str, Tensor], edges: Scores) -> GenuinePairs:
    """Where there are one or a few people, photos are; a photo drawn twice makes no pair with itself."""
    known = [own for own in people.values() if len(own) > 1]
    scores = [cosines(own, own)[np.triu_indices(len(own), 1)] for own in known]
    photos = sum(map(len, known))
    # The bin of each pair; pairs of two people, and of a photo with itself, go into one behind the last.
    bins = np.full((photos, photos), len(edges))
    start = 0
    for own in known:
        block = np.searchsorted(edges, cosines(own, own), side="left")
        np.fill_diagonal(block, len(edges))
        bins[start : start + len(own), start : start + len(own)] = block
        start += len(own)

    def of_one(drawn: np.ndarray) -> Scores:
        counts = np.bincount(bins[np.ix_(drawn, drawn)].ravel(), minlength=len(edges) + 1)[:-1].cumsum()
        return counts / counts[-1] if counts[-1] else np.full(len(edges), np.nan)

    def rejected(drawn: np.ndarray) -> Scores:
        shares: Scores = np.apply_along_axis(of_one, -1, drawn)
        return shares

    return GenuinePairs(_joined(scores), photos, photos, rejected)


def impostor_scores(people: Mapping[str, Tensor], seed: int) -> Scores:
    """Sorted cosines ``(I,)`` of all pairs of two different people; of a part of the photos where there are many."""
    if len(people) < 2:
        return np.zeros(0, dtype=np.float32)
    photos = torch.cat(list(people.values()))
    owner = np.repeat(np.arange(len(people)), [len(own) for own in people.values()])
    if len(photos) > _MOST_PHOTOS:
        kept = np.sort(np.random.default_rng(seed).permutation(len(photos))[:_MOST_PHOTOS])
        photos, owner = photos[torch.from_numpy(kept).to(photos.device)], owner[kept]
    # The photos of a person are neighbours: behind a person's last photo everybody is somebody else.
    ends = np.searchsorted(owner, owner, side="right")
    scores = cosines(photos, photos)[ends[:, None] <= np.arange(len(owner))]
    scores.sort()
    return scores


def _joined(scores: list[Scores]) -> Scores:
    return np.concatenate(scores) if scores else np.zeros(0, dtype=np.float32)
