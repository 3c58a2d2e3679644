"""The curves of an erasure under way, as small SVGs that are cheap to draw twice a second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.pieces import svg_image
from faceforget.report.charts import AFTER, BEFORE, LINE, SOFT

_WIDTH, _HEIGHT = 320, 120
_TOP, _RIGHT, _BOTTOM, _LEFT = 8, 10, 20, 46
_GONE = "#b3261e"


@dataclass(frozen=True)
class Curve:
    """One number over the steps."""

    key: str
    title: str
    words: str
    colour: str
    percent: bool = False


CURVES = (
    Curve("probability_left", "Probability left", "that the photos are of this person", _GONE, percent=True),
    Curve("forgetting", "Forgetting term", "how much of this face the network still passes on; is to fall", BEFORE),
    Curve("retention", "Retention term", "how far other faces have moved; low is good", AFTER),
)


def curves(points: Sequence[Mapping[str, float]], budget: int) -> str:
    """All curves side by side with their last values.

    Args:
        points: The numbers of each step so far.
        budget: Steps that cannot be exceeded.
    """
    return '<div class="curves">' + "".join(_card(curve, points, budget) for curve in CURVES) + "</div>"


def _card(curve: Curve, points: Sequence[Mapping[str, float]], budget: int) -> str:
    values = [point[curve.key] for point in points if curve.key in point]
    last = _number(values[-1], curve.percent) if values else "…"
    words = f"{curve.title}: {last} after {len(values)} steps"
    return (
        f'<div class="card curve"><div class="what">{curve.title}</div><div class="value">{last}</div>'
        f'{svg_image(svg(values, budget, curve), words, "plot")}<div class="what">{curve.words}</div></div>'
    )


def svg(values: Sequence[float], budget: int, curve: Curve) -> str:
    """One curve; the axis ends at the budget, or where the curve is if that is little."""
    top = 1.0 if curve.percent else max([*values, 1e-3])
    steps = max(min(budget, max(2 * len(values), 10)), len(values), 2)
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def place(index: int, value: float) -> str:
        x, y = _LEFT + width * index / (steps - 1), _TOP + height * (1 - min(value / top, 1))
        return f"{x:.1f},{y:.1f}"

    line = " ".join(place(index, value) for index, value in enumerate(values))
    dot = place(len(values) - 1, values[-1]).split(",") if values else None
    text = f'font-family="system-ui, sans-serif" font-size="11" fill="{SOFT}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_TOP}" y2="{_TOP}" stroke="{LINE}"/>'
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_TOP + height}" y2="{_TOP + height}" stroke="{LINE}"/>'
        f'<text x="{_LEFT - 6}" y="{_TOP + 8}" text-anchor="end" {text}>{_number(top, curve.percent)}</text>'
        f'<text x="{_LEFT - 6}" y="{_TOP + height}" text-anchor="end" {text}>0</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 4}" {text}>step 1</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 4}" text-anchor="end" {text}>{steps}</text>'
        f'<polyline points="{line}" fill="none" stroke="{curve.colour}" stroke-width="2.2" stroke-linejoin="round"/>'
        + (f'<circle cx="{dot[0]}" cy="{dot[1]}" r="3.6" fill="{curve.colour}"/>' if dot else "")
        + "</svg>"
    )


def _number(value: float, percent: bool) -> str:
    if percent:
        return f"{100 * value:.0f} %" if value >= 0.1 or value == 0 else f"{100 * value:.1f} %"
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"
