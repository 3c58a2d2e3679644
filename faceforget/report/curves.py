"""The curves of an erasure by gradient steps, under way or done: small SVGs that are cheap to draw twice a second."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from faceforget.report.charts import AFTER, BEFORE, LINE, SOFT

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


def curve_card(
    curve: Curve,
    values: Sequence[float],
    budget: int = 0,
    picture: Callable[[str, str], str] = lambda drawn, words: drawn,
) -> str:
    """A card with the first and the last value and the line between them, as HTML.

    Args:
        curve: Which number.
        values: Of each step so far, from the first.
        budget: Steps that cannot be exceeded; 0 where that is not known.
        picture: Puts the SVG, described by words, into the page; by itself it stands in the page as it is.
    """
    first, last = [number(value, curve.percent) for value in (*values[:1], *values[-1:])] or ["…", "…"]
    words = f"{curve.title}: from {first} to {last}, step {len(values)}"
    return (
        f'<div class="card curve" data-curve="{curve.key}"><div class="what">{escape(curve.title)}</div>'
        f'<div class="value">{first}<span class="arrow">→</span>{last}</div>'
        f'{picture(line(curve, values, budget, words), words)}<div class="what">{escape(curve.words)}</div></div>'
    )


def line(curve: Curve, values: Sequence[float], budget: int, words: str) -> str:
    """One curve over the logarithm of the step, as most happens in the first few; the axis ends at the budget."""
    top = 1.0 if curve.percent else max([*values, 1e-3])
    last = max(budget, len(values), 10)
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def across(step: float) -> float:
        return _LEFT + width * math.log(step) / math.log(last)

    def place(step: int) -> tuple[float, float]:
        return across(step), _TOP + height * (1 - min(max(values[step - 1], 0) / top, 1))

    points = " ".join("{:.1f},{:.1f}".format(*place(step)) for step in _seen(len(values), across))
    text = f'font-family="system-ui, sans-serif" font-size="11" fill="{SOFT}"'
    ticks = [10**power for power in range(1, 6) if 2 * 10**power < last]
    dot = '<circle cx="{:.1f}" cy="{:.1f}" r="3.6" fill="{}"/>'
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(words)}">'
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_TOP}" y2="{_TOP}" stroke="{LINE}"/>'
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_TOP + height}" y2="{_TOP + height}" stroke="{LINE}"/>'
        f'<text x="{_LEFT - 6}" y="{_TOP + 8}" text-anchor="end" {text}>{number(top, curve.percent)}</text>'
        f'<text x="{_LEFT - 6}" y="{_TOP + height}" text-anchor="end" {text}>0</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 4}" {text}>step 1</text>'
        + "".join(
            f'<text x="{across(tick):.1f}" y="{_HEIGHT - 4}" text-anchor="middle" {text}>{tick}</text>'
            for tick in ticks
        )
        + f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 4}" text-anchor="end" {text}>{last}</text>'
        f'<polyline points="{points}" fill="none" stroke="{curve.colour}" stroke-width="2.2" stroke-linejoin="round"/>'
        f"{dot.format(*place(len(values)), curve.colour) if values else ''}</svg>"
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
