"""The curves of an erasure, under way or done, as small SVGs that are cheap to draw twice a second."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from app.pieces import svg_image
from faceforget.method.data import Step
from faceforget.report.charts import AFTER, BEFORE, LINE, SOFT

_WIDTH, _HEIGHT = 320, 120
_TOP, _RIGHT, _BOTTOM, _LEFT = 8, 10, 20, 46
_GONE = "#b3261e"
_FINEST = 1.0  # units of the drawing between two points of a curve
_ALMOST_NOTHING = 5e-5


@dataclass(frozen=True)
class Curve:
    """One number over the steps."""

    key: str
    title: str
    words: str
    colour: str
    percent: bool = False


CURVES = (
    Curve("forgetting", "Forgetting term", "how much they are still named; is to fall", BEFORE),
    Curve(
        "retention",
        "Retention term",
        "how far the shares of everybody else have moved; is to end low",
        AFTER,
    ),
    Curve("probability_left", "Probability left", "that the photos are of this person", _GONE, percent=True),
)


def points_of(steps: Sequence[Step]) -> list[Mapping[str, float]]:
    """The numbers of each step of an erasure that is done."""
    return [asdict(step) for step in steps]


def curves(points: Sequence[Mapping[str, float]], budget: int) -> str:
    """All curves side by side, each with its first and last value.

    Args:
        points: The numbers of each step so far.
        budget: Steps that cannot be exceeded; 0 where that is not known yet.
    """
    return '<div class="curves">' + "".join(_card(curve, points, budget) for curve in CURVES) + "</div>"


def _card(curve: Curve, points: Sequence[Mapping[str, float]], budget: int) -> str:
    values = [point[curve.key] for point in points if curve.key in point]
    shown = [_number(value, curve.percent) for value in values[:1] + values[-1:]] or ["…", "…"]
    words = f"{curve.title}: from {shown[0]} to {shown[1]}, step {len(values)}"
    return (
        f'<div class="card curve" data-curve="{curve.key}"><div class="what">{curve.title}</div>'
        f'<div class="value">{shown[0]}<span class="arrow">→</span>{shown[1]}</div>'
        f'{svg_image(svg(values, budget, curve), words, "plot")}<div class="what">{curve.words}</div></div>'
    )


def svg(values: Sequence[float], budget: int, curve: Curve) -> str:
    """One curve over the logarithm of the step, as most happens in the first few; the axis ends at the budget."""
    top = 1.0 if curve.percent else max([*values, 1e-3])
    last = max(budget, len(values), 10)
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def across(step: float) -> float:
        return _LEFT + width * math.log(step) / math.log(last)

    def place(step: int) -> str:
        return f"{across(step):.1f},{_TOP + height * (1 - min(max(values[step - 1], 0) / top, 1)):.1f}"

    steps = _seen(len(values), across)
    dot = place(len(values)).split(",") if values else None
    text = f'font-family="system-ui, sans-serif" font-size="11" fill="{SOFT}"'
    ticks = [10**power for power in range(1, 6) if 2 * 10**power < last]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_TOP}" y2="{_TOP}" stroke="{LINE}"/>'
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_TOP + height}" y2="{_TOP + height}" stroke="{LINE}"/>'
        f'<text x="{_LEFT - 6}" y="{_TOP + 8}" text-anchor="end" {text}>{_number(top, curve.percent)}</text>'
        f'<text x="{_LEFT - 6}" y="{_TOP + height}" text-anchor="end" {text}>0</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 4}" {text}>step 1</text>'
        + "".join(
            f'<text x="{across(tick):.1f}" y="{_HEIGHT - 4}" text-anchor="middle" {text}>{tick}</text>'
            for tick in ticks
        )
        + f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 4}" text-anchor="end" {text}>{last}</text>'
        f'<polyline points="{" ".join(map(place, steps))}" fill="none" stroke="{curve.colour}" stroke-width="2.2" '
        'stroke-linejoin="round"/>'
        + (f'<circle cx="{dot[0]}" cy="{dot[1]}" r="3.6" fill="{curve.colour}"/>' if dot else "")
        + "</svg>"
    )


def _seen(count: int, across: Callable[[float], float]) -> list[int]:
    """Of the steps from 1 to ``count``, those that are drawn apart from each other, and the last."""
    steps: list[int] = []
    for step in range(1, count + 1):
        if not steps or step == count or across(step) - across(steps[-1]) >= _FINEST:
            steps.append(step)
    return steps


def _number(value: float, percent: bool) -> str:
    if percent and 0 < value < 10 * _ALMOST_NOTHING:
        return "≈ 0 %"
    if percent:
        return f"{100 * value:.0f} %" if value >= 0.1 or value == 0 else f"{100 * value:.1f} %"
    if value < _ALMOST_NOTHING:  # a hair below 0 by rounding, too
        return "≈ 0"
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"
