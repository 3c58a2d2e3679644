"""The curves of an erasure by gradient steps, under way or done: small SVGs that are cheap to draw twice a second."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from faceforget.report.charts import AFTER, BEFORE, LINE, SOFT
from faceforget.report.page import piece

_WIDTH, _HEIGHT = 320, 120
_TOP, _RIGHT, _BOTTOM, _LEFT = 8, 10, 20, 46
_GONE = "#b3261e"
_FINEST = 1.0  # units of the drawing between two points of a curve
_ALMOST_NOTHING = 5e-5


@dataclass(frozen=True)
class Curve:
    """One number over the steps.

    Attributes:
        key: Of the step.
        title: Its name.
        words: What it means, for somebody who meets it here first.
        colour: Of the line.
        percent: Whether it is a share.
    """

    key: str
    title: str
    words: str
    colour: str
    percent: bool = False


CURVES = (
    Curve("forgetting", "Forgetting term", "how much they are still named; is to fall", BEFORE),
    Curve("retention", "Retention term", "how far the shares of everybody else have moved; is to end low", AFTER),
    Curve(
        "probability_left", "Probability left", "that the photos are of this person; is to fall", _GONE, percent=True
    ),
)


@dataclass(frozen=True)
class _Drawing:
    """A curve as its template draws it: lengths in units of the drawing, texts as they stand there."""

    curve: Curve
    words: str
    first: str
    final: str
    most: str
    last: int
    ticks: Sequence[tuple[float, int]]
    points: Sequence[tuple[float, float]]
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = _HEIGHT - _BOTTOM
    grid: str = LINE
    soft: str = SOFT


def curve_card(curve: Curve, values: Sequence[float], budget: int = 0, *, images: bool = False) -> str:
    """A card with the first and the last value and the line between them, as HTML.

    Args:
        curve: Which number.
        values: Of each step so far, from the first.
        budget: Steps that cannot be exceeded; 0 where that is not known.
        images: The line as an image, for a page that takes no SVG.
    """
    return piece("card", _drawing(curve, values, budget), images, file="curve.html")


def line(curve: Curve, values: Sequence[float], budget: int) -> str:
    """One curve over the logarithm of the step, as most happens in the first few; the axis ends at the budget."""
    return piece("line", _drawing(curve, values, budget), file="curve.html")


def _drawing(curve: Curve, values: Sequence[float], budget: int) -> _Drawing:
    first, final = [number(value, curve.percent) for value in (*values[:1], *values[-1:])] or ["…", "…"]
    top = 1.0 if curve.percent else max([*values, 1e-3])
    last = max(budget, len(values), 10)
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def across(step: float) -> float:
        return _LEFT + width * math.log(step) / math.log(last)

    def place(step: int) -> tuple[float, float]:
        return across(step), _TOP + height * (1 - min(max(values[step - 1], 0) / top, 1))

    ticks = [10**power for power in range(1, 6) if 2 * 10**power < last]
    return _Drawing(
        curve=curve,
        words=f"{curve.title}: from {first} to {final}, step {len(values)}",
        first=first,
        final=final,
        most=number(top, curve.percent),
        last=last,
        ticks=[(across(tick), tick) for tick in ticks],
        points=[place(step) for step in _seen(len(values), across)],
    )


def _seen(count: int, across: Callable[[float], float]) -> list[int]:
    """Of the steps from 1 to ``count``, those that are drawn apart from each other, and the last."""
    steps: list[int] = []
    for step in range(1, count + 1):
        if not steps or step == count or across(step) - across(steps[-1]) >= _FINEST:
            steps.append(step)
    return steps


def number(value: float, percent: bool) -> str:
    """Two digits, or per cent."""
    if percent and 0 < value < 10 * _ALMOST_NOTHING:
        return "≈\u00a00\u00a0%"
    if percent:
        return f"{100 * value:.0f}\u00a0%" if value >= 0.1 or value == 0 else f"{100 * value:.1f}\u00a0%"
    if value < _ALMOST_NOTHING:  # a hair below 0 by rounding, too
        return "≈\u00a00"
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"
