"""Compared pair by pair, does the model still see that two photos show the same person?

One threshold for everybody, as in use: from pairs of different strangers in the same model, so that a model
whose similarities have all moved up or down is judged by what it can still tell apart. The genuine pairs of
each group are held against these same impostor pairs. For the erased person that is a choice: their pairs with
strangers are not the impostors but are given beside them (``forgotten_accepted``). A TAR that has come down
to that share says that two photos of the person look no more alike than the person and anybody.

Pairs that share a photo or a person are not independent: intervals come from resampling the erased persons'
photos among themselves, and people everywhere else, with the impostor pairs and thresholds as they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from faceforget.audit.estimates import Estimate, not_measured
from faceforget.audit.measures.pairs import (
    GenuinePairs,
    Scores,
    cosines,
    impostor_scores,
    pairs_by_person,
    pairs_by_photo,
)
from faceforget.audit.roc import crossing, false_accepts, roc_figures, threshold_at
from faceforget.audit.shares import share
from faceforget.audit.view import View

FARS = (0.01, 0.001)
HISTOGRAM_BINS = 80
# With fewer false accepts above it, a threshold depends on a few photos of a few strangers.
_STEADY = 10


@dataclass(frozen=True)
class Verification:
    """How well pairs of photos are told apart; keys of the figures: "tar_far_0.01", "tar_far_0.001", "eer".

    Attributes:
        forgotten: Unseen photos of each erased person among themselves.
        retained: Photos of each person who stays.
        strangers: Photos of each stranger: what the erased person is compared with.
        forgotten_accepted: Share of pairs of an erased person with a stranger that pass the same
            thresholds, by "far_0.01" and "far_0.001".
        thresholds: Cosine by "far_0.01" and "far_0.001"; None where there were too few impostor pairs.
        histograms: Pairs in ``HISTOGRAM_BINS`` equal bins of the cosine from -1 to 1, by "forgotten",
            "retained", "strangers" and "impostors".
        impostors: Whose pairs these are: "strangers", "retained", or "" without any.
        impostor_pairs: How many there are.
    """

    forgotten: Mapping[str, Estimate]
    retained: Mapping[str, Estimate]
    strangers: Mapping[str, Estimate]
    forgotten_accepted: Mapping[str, Estimate]
    thresholds: Mapping[str, float | None]
    histograms: Mapping[str, tuple[int, ...]]
    impostors: str
    impostor_pairs: int


@dataclass(frozen=True)
class _Impostors:
    """Sorted scores ``(I,)``, whose they are, and what that limits."""

    group: str
    scores: Scores
    note: str

    def threshold(self, far: float) -> float | None:
        """None where not even one false accept is allowed: FAR would be 0, not the stated one."""
        return threshold_at(self.scores, far) if self.allowed(far) else None

    def allowed(self, far: float) -> int:
        """False accepts at a stated FAR."""
        return false_accepts(len(self.scores), far)

    def note_at(self, far: float) -> str:
        """What limits a figure at a stated FAR."""
        few = self.allowed(far) < _STEADY
        rests = f"the threshold rests on {self.allowed(far)} of {len(self.scores)} impostor pairs" if few else ""
        return "; ".join(filter(None, (rests, self.note)))


def verification(view: View, *, seed: int = 0) -> Verification:
    """Genuine pairs of each group against the impostor pairs of one model.

    Args:
        view: One model.
        seed: Of the resampling, and of which photos make impostor pairs where there are thousands.
    """
    photos, impostors = view.embeddings, _impostors(view, seed)
    thresholds = {far: impostors.threshold(far) for far in FARS}
    # Resampled figures are read off at these cosines, the thresholds among them.
    edges = np.unique([*np.linspace(-1, 1, 2001), *(t for t in thresholds.values() if t is not None)])
    pairs = {
        "forgotten": pairs_by_photo(photos.forgotten, edges),
        "retained": pairs_by_person(photos.retained, edges),
        "strangers": pairs_by_person(photos.strangers, edges),
    }
    figures = {group: _figures(found, impostors, edges, seed) for group, found in pairs.items()}
    scores = {group: found.scores for group, found in pairs.items()} | {"impostors": impostors.scores}
    return Verification(
        forgotten=figures["forgotten"],
        retained=figures["retained"],
        strangers=figures["strangers"],
        forgotten_accepted={f"far_{far}": _accepted(view, impostors, far, seed) for far in FARS},
        thresholds={f"far_{far}": threshold for far, threshold in thresholds.items()},
        histograms={group: _histogram(found) for group, found in scores.items()},
        impostors=impostors.group,
        impostor_pairs=len(impostors.scores),
    )


def _impostors(view: View, seed: int) -> _Impostors:
    scores = impostor_scores(view.embeddings.strangers, seed)
    if len(scores):
        return _Impostors("strangers", scores, "")
    scores = impostor_scores(view.embeddings.retained, seed)
    return _Impostors("retained" if len(scores) else "", scores, "impostor pairs are of retained people, not strangers")


def _figures(pairs: GenuinePairs, impostors: _Impostors, edges: Scores, seed: int) -> Mapping[str, Estimate]:
    keys = (*(f"tar_far_{far}" for far in FARS), "eer")
    if not len(pairs.scores):
        return dict.fromkeys(keys, not_measured(pairs.photos, "needs two photos of one person", few=True))
    if not len(impostors.scores):
        return dict.fromkeys(keys, not_measured(pairs.photos, "needs photos of two other people"))
    pairs = replace(pairs, rejected=_once(pairs.rejected))
    found = roc_figures(pairs.scores, impostors.scores, FARS)
    tars = [_tar(pairs, impostors, edges, far, tar, seed) for far, tar in zip(FARS, found.tars, strict=True)]
    accepted = np.append(1.0, 1 - np.searchsorted(impostors.scores, edges, side="right") / len(impostors.scores))

    def eer(drawn: np.ndarray) -> Scores:
        rejected = pairs.rejected(drawn)
        from_none = np.pad(rejected, (*[(0, 0)] * (rejected.ndim - 1), (1, 0)))
        return np.where(np.isfinite(rejected[..., -1]), crossing(from_none, accepted), np.nan)

    found_eer = share(found.eer, pairs.photos, pairs.units, eer, seed=seed, note=impostors.note)
    return dict(zip(keys, [*tars, found_eer], strict=True))


def _once(rejected: Callable[[np.ndarray], Scores]) -> Callable[[np.ndarray], Scores]:
    """The same draws looked up once: all figures of a group are resampled with them."""
    known: dict[bytes, Scores] = {}

    def look_up(drawn: np.ndarray) -> Scores:
        key = drawn.tobytes()
        if key not in known:
            known[key] = rejected(drawn)
        return known[key]

    return look_up


def _tar(pairs: GenuinePairs, impostors: _Impostors, edges: Scores, far: float, tar: float, seed: int) -> Estimate:
    threshold = impostors.threshold(far)
    if threshold is None:
        return not_measured(pairs.photos, f"{len(impostors.scores)} impostor pairs cannot show a FAR of {far}")
    edge = int(np.searchsorted(edges, threshold))

    def accepted(drawn: np.ndarray) -> Scores:
        shares: Scores = 1 - pairs.rejected(drawn)[..., edge]
        return shares

    return share(tar, pairs.photos, pairs.units, accepted, seed=seed, note=impostors.note_at(far))


def _accepted(view: View, impostors: _Impostors, far: float, seed: int) -> Estimate:
    """Share of pairs of an erased person with the impostors' people, who are resampled."""
    own = torch.cat(list(view.embeddings.forgotten.values()))
    threshold = impostors.threshold(far)
    if threshold is None or not len(own):
        return not_measured(len(own), f"{len(impostors.scores)} impostor pairs cannot show a FAR of {far}")
    others = [theirs for theirs in getattr(view.embeddings, impostors.group).values() if len(theirs)]
    pairs = np.array([len(own) * len(theirs) for theirs in others])
    passed = np.array([(cosines(own, theirs) > threshold).sum() for theirs in others])

    def accepted(drawn: np.ndarray) -> Scores:
        shares: Scores = passed[drawn].sum(-1) / pairs[drawn].sum(-1)
        return shares

    everybody = np.arange(len(others))
    note = impostors.note_at(far)
    return share(float(accepted(everybody)), len(own), len(others), accepted, seed=seed, note=note)


def _histogram(scores: Scores) -> tuple[int, ...]:
    return tuple(np.histogram(scores, HISTOGRAM_BINS, (-1, 1))[0].tolist())
