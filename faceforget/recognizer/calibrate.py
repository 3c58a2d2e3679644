"""When is a face unknown? A cosine threshold for a stated false-accept rate."""

import math
from statistics import NormalDist

import torch
from torch import Tensor

from faceforget.recognizer.recognizer import Threshold

# From so many people on, the best similarities of their own photos are a better measure than how all are spread. With
# ten people they gave 5 % of strangers a name at a stated 1 %, and with 33 still .4 to 3 % by the draw.
ENOUGH_PEOPLE = 50
# A usual stranger counts as so many pairs of enrolled people: as many as ten people make.
_USUAL_COUNTS_AS = 45
# A network whose similarities are further from the usual, in deviations, has strangers of its own kind.
_UNUSUAL = 2.0
# A normal distribution ends a little too early, by so many deviations; of .15, .3, .45 and .6, on LFW and web photos.
_TAIL = 0.3
# Strangers' cosines are further spread after training than before, the more the wider the margin, which grows with the
# number of people (``TrainingSettings.margin_for``): chosen on draws of ten and twenty of LFW and on all of both sets.
_SPREAD_PER_PERSON, _MOST_SPREAD = 0.004, 0.08


def stranger_scores(cosines: Tensor, targets: Tensor) -> Tensor:
    """Best cosine of each enrolled photo with the rows of the *other* people.

    To those rows the person is a stranger, in a network that has not been trained on these photos. Training pushes
    them off the rows of others, harder than it does strangers': see :func:`moved_limit`.

    Args:
        cosines: ``(N, C)`` of enrolled photos with all rows.
        targets: ``(N,)`` own row of each photo.

    Returns:
        ``(N,)``.
    """
    return cosines.scatter(1, targets[:, None], -1.0).amax(1)


def too_few(photos: int, people: int, false_accept_rate: float) -> bool:
    """Whether enrolled photos cannot stand in for strangers: the rate is below their resolution."""
    return people < ENOUGH_PEOPLE or photos < 1 / false_accept_rate


def tail_limit(cosines: Tensor, targets: Tensor, false_accept_rate: float, usual: tuple[float, float]) -> float:
    """The cosine that a stated share of strangers exceeds, from how similarities to other people's rows are spread.

    A stranger's best of C rows is taken for the largest of C draws from one normal distribution. Its mean and its
    deviation are those of the enrolled photos with other people's rows, and a usual stranger's: among few people the
    former are a matter of chance, while the latter hardly differ between data sets.

    Args:
        cosines: ``(N, C)`` of enrolled photos with all rows, two or more.
        targets: ``(N,)`` own row of each photo.
        false_accept_rate: In (0, 1).
        usual: Mean and standard deviation of a stranger's cosine with one row.
    """
    people = cosines.shape[1]
    others = others_cosines(cosines, targets).double()
    mean, variance = others.mean().item(), others.var(correction=0).item()
    if abs(mean - usual[0]) < _UNUSUAL * usual[1]:
        weight = (pairs := people * (people - 1) / 2) / (pairs + _USUAL_COUNTS_AS)
        mean = weight * mean + (1 - weight) * usual[0]
        variance = weight * variance + (1 - weight) * usual[1] ** 2
    deviations = NormalDist().inv_cdf((1 - false_accept_rate) ** (1 / people)) + _TAIL
    return min(mean + deviations * math.sqrt(variance), 1.0)


def moved_limit(limit: float, before: Tensor, after: Tensor, targets: Tensor) -> float:
    """A limit of "unknown" in a model that training has changed, from the limit before.

    Enrolled photos cannot stand in for strangers once the model was trained on them: with 62 people of LFW, 23 % of
    strangers got a name at a limit that was read off them so. How far training moved the mean of all similarities,
    though, is about the same for strangers, and how far it spread them is known from other people.

    Args:
        limit: Before.
        before: Cosines ``(N, C)`` of photos with all rows, in the model before.
        after: The same in the model after.
        targets: ``(N,)`` own row of each photo.
    """
    then, now = (others_cosines(cosines, targets).double().mean().item() for cosines in (before, after))
    spread = 1 + min(_SPREAD_PER_PERSON * before.shape[1], _MOST_SPREAD)
    return min(now + spread * (limit - then), 1.0)


def others_cosines(cosines: Tensor, targets: Tensor) -> Tensor:
    """The cosines ``(N, C)`` of photos with all rows but their own, flat ``(N (C - 1),)``."""
    return cosines[~torch.zeros_like(cosines, dtype=torch.bool).scatter(1, targets[:, None], value=True)]


def threshold_for(scores: Tensor, false_accept_rate: float, calibrated_on: str) -> Threshold:
    """The cosine that a stated share of strangers' best scores exceeds.

    Args:
        scores: ``(N,)`` best cosines of strangers.
        false_accept_rate: In (0, 1).
        calibrated_on: Said in the model file and in reports.
    """
    cosine = torch.quantile(scores.double(), 1 - false_accept_rate, interpolation="higher").item()
    return Threshold(min(max(cosine, -1.0), 1.0), false_accept_rate, calibrated_on)
