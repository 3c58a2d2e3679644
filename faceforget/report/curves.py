"""The curves of an erasure by gradient steps, as small inline SVGs."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from faceforget.report.charts import AFTER, BEFORE, LINE, SOFT

_WIDTH, _HEIGHT = 320, 120
_TOP, _RIGHT, _BOTTOM, _LEFT = 8, 10, 20, 46
# More points than this are not seen, and make the page large.
_POINTS = 200
_GONE = "#b3261e"


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
    Curve("probability_left", "Probability left", "that the photos are of them; is to fall", _GONE, percent=True),
    Curve("forgetting", "Forgetting term", "how much of this face the network still passes on; is to fall", BEFORE),
    Curve("retention", "Retention term", "how far the odds between all others have moved on these photos", AFTER),
)


def curve_card(curve: Curve, values: Sequence[float]) -> str:
    """A card with the first and the last value and the line between them."""
    first, last = (number(value, curve.percent) for value in (values[0], values[-1]))
    words = f"{curve.title}: {first} at the first step, {last} at the last of {len(values)}"
    return (
        f'<div class="card curve"><div class="what">{escape(curve.title)}</div>'
        f'<div class="value">{first}<span class="arrow">→</span>{last}</div>'
        f'{_line(values, curve, words)}<div class="what">{escape(curve.words)}</div></div>'
    )


def _line(values: Sequence[float], curve: Curve, words: str) -> str:
    top = 1.0 if curve.percent else max([*values, 1e-3])
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    last = max(1, len(values) - 1)

    def place(index: int) -> tuple[float, float]:
        return _LEFT + width * index / last, _TOP + height * (1 - min(values[index] / top, 1))

    drawn = sorted({*range(0, len(values), max(1, len(values) // _POINTS)), len(values) - 1})
    line = " ".join("{:.1f},{:.1f}".format(*place(index)) for index in drawn)
    x, y = place(len(values) - 1)
    text = f'font-family="system-ui, sans-serif" font-size="11" fill="{SOFT}"'
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(words)}">'
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_TOP}" y2="{_TOP}" stroke="{LINE}"/>'
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_TOP + height}" y2="{_TOP + height}" stroke="{LINE}"/>'
        f'<text x="{_LEFT - 6}" y="{_TOP + 8}" text-anchor="end" {text}>{number(top, curve.percent)}</text>'
        f'<text x="{_LEFT - 6}" y="{_TOP + height}" text-anchor="end" {text}>0</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 4}" {text}>step 1</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 4}" text-anchor="end" {text}>{len(values)}</text>'
        f'<polyline points="{line}" fill="none" stroke="{curve.colour}" stroke-width="2.2" stroke-linejoin="round"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" fill="{curve.colour}"/></svg>'
    )


def number(value: float, percent: bool) -> str:
    """Two digits, or per cent."""
    value = max(0.0, value)  # of the teacher against itself, rounding goes below
    if percent:
        return f"{100 * value:.0f}\u00a0%" if value >= 0.1 or value == 0 else f"{100 * value:.1f}\u00a0%"
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"
