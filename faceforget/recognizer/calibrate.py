"""When is a face unknown? A cosine threshold for a stated false-accept rate."""

import torch
from torch import Tensor

from faceforget.recognizer.recognizer import Threshold

# With fewer people the best of a few other rows is far below the best of all rows for a real stranger.
MIN_PEOPLE = 10


def stranger_scores(cosines: Tensor, targets: Tensor) -> Tensor:
    """Best cosine of each enrolled photo with the rows of the *other* people.

    To those rows the person is a stranger. Measured on LFW with 62 people, the rate that this
    gives on people who were never enrolled is within a factor of two of the stated one, with and
    without fine-tuning.

    Args:
        cosines: ``(N, C)`` of enrolled photos with all rows.
        targets: ``(N,)`` own row of each photo.

    Returns:
        ``(N,)``.
    """
    return cosines.scatter(1, targets[:, None], -1.0).amax(1)


def too_few(photos: int, people: int, false_accept_rate: float) -> bool:
    """Whether enrolled photos cannot stand in for strangers: the rate is below their resolution."""
    return people < MIN_PEOPLE or photos < 1 / false_accept_rate


def threshold_for(scores: Tensor, false_accept_rate: float, calibrated_on: str) -> Threshold:
    """The cosine that a stated share of strangers' best scores exceeds.

    Args:
        scores: ``(N,)`` best cosines of strangers.
        false_accept_rate: In (0, 1).
        calibrated_on: Said in the model file and in reports.
    """
    cosine = torch.quantile(scores.double(), 1 - false_accept_rate, interpolation="higher").item()
    return Threshold(min(max(cosine, -1.0), 1.0), false_accept_rate, calibrated_on)
