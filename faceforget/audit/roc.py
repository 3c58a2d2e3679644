"""How well do scores of pairs tell the same person from two people? TAR at a stated FAR, and EER.

A pair is accepted when its score is *above* the threshold: equal scores are never split, so the empirical FAR
is at most the stated one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]


@dataclass(frozen=True)
class RocFigures:
    """What a ROC curve comes down to.

    Attributes:
        tars: True-accept rate at each stated FAR: share of genuine pairs above the threshold.
        thresholds: The lowest that keeps each stated FAR.
        eer: Where false accepts and false rejects are equally frequent.
    """

    tars: tuple[float, ...]
    thresholds: tuple[float, ...]
    eer: float


def roc_figures(genuine: Scores, impostor: Scores, fars: Sequence[float] = (0.01, 0.001)) -> RocFigures:
    """All of them.

    Args:
        genuine: ``(G,)`` scores of pairs of one person, at least one.
        impostor: ``(I,)`` scores of pairs of two people, at least one.
        fars: Stated false-accept rates, in [0, 1).
    """
    thresholds = tuple(threshold_at(impostor, far) for far in fars)
    tars = tuple(float((genuine > threshold).mean()) for threshold in thresholds)
    return RocFigures(tars, thresholds, equal_error_rate(genuine, impostor))


def threshold_at(impostor: Scores, far: float) -> float:
    """The lowest threshold above which at most a share ``far`` of impostor scores ``(I,)`` lies."""
    place = len(impostor) - 1 - false_accepts(len(impostor), far)
    return float(np.partition(impostor, place)[place])


def false_accepts(pairs: int, far: float) -> int:
    """How many of so many impostor pairs a stated FAR allows."""
    # The small term: 0.29 * 100 is 28.999... in floating point.
    return int(far * pairs + 1e-9)


def equal_error_rate(genuine: Scores, impostor: Scores) -> float:
    """Crossing of the two error rates, linear between the scores that occur."""
    genuine, impostor = np.sort(genuine), np.sort(impostor)
    scores = np.concatenate([genuine, impostor])
    scores.sort()
    rejected = np.searchsorted(genuine, scores, side="right") / len(genuine)
    accepted = 1 - np.searchsorted(impostor, scores, side="right") / len(impostor)
    return float(crossing(np.append(0.0, rejected), np.append(1.0, accepted)))


def crossing(rejected: Scores, accepted: Scores) -> Scores:
    """Where rising false-reject curves ``(..., T)`` from 0 meet a falling false-accept curve ``(T,)`` from 1."""
    after = np.argmax(rejected >= accepted, axis=-1)
    high, low = (np.take_along_axis(rejected, at[..., None], -1)[..., 0] for at in (after, after - 1))
    gap = accepted[after - 1] - low
    found: Scores = low + gap / (gap + high - accepted[after]) * (high - low)
    return np.minimum(found, high)  # rounding may put it beyond
