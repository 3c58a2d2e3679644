"""The curves of an erasure on a page."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from faceforget.api import CURVES, Step, curve_card


def points_of(steps: Sequence[Step]) -> list[Mapping[str, float]]:
    """The numbers of each step of an erasure that is done."""
    return [asdict(step) for step in steps]


def curves(points: Sequence[Mapping[str, float]], budget: int) -> str:
    """All curves side by side, each with its first and last value.

    Args:
        points: The numbers of each step so far.
        budget: Steps that cannot be exceeded; 0 where that is not known yet.
    """
    return (
        '<div class="curves">'
        + "".join(
            curve_card(
                curve,
                [point[curve.key] for point in points if curve.key in point],
                budget,
                images=True,
            )
            for curve in CURVES
        )
        + "</div>"
    )
