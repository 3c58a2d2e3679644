"""Plots of a report, all in one look; before, after and reference always have the same colours and marks."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from faceforget.audit.estimates import Measured
from faceforget.audit.shown.section import SIDES, Curves, Ranges, Side
from faceforget.audit.shown.words import amount, share

# Of page.css; blue, orange and grey stay apart for every kind of colour blindness, and in grey by their marks.
INK, SOFT, LINE = "#1c2430", "#5b6675", "#dfe4ea"
BEFORE, AFTER, REFERENCE = "#24508f", "#d0611a", "#8590a0"

WIDTH = 420
# Beyond so many names along an axis they must be small.
_ROOMY = 4
POINTS_PER_INCH = 72
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "faceforget",
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.unicode_minus": True,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    # A name may hold dollar signs.
    "text.parse_math": False,
}

# Lines end where words are.
_BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}


@dataclass(frozen=True)
class ChartLook:
    """How a side is drawn."""

    words: str
    colour: str
    mark: str
    face: str


LOOKS: Mapping[Side, ChartLook] = {
    "before": ChartLook("before", BEFORE, "o", BEFORE),
    "after": ChartLook("after", AFTER, "D", AFTER),
    "reference": ChartLook("reference", REFERENCE, "s", "#ffffff"),
    "person": ChartLook("the person", AFTER, "D", AFTER),
    "others": ChartLook("everybody else", INK, "^", "#ffffff"),
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the report's look."""
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # The browser has glyphs that DejaVu lacks; in print they are replaced.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def canvas(
    height: float, *, left: float = 8, right: float = 8, top: float = 34, bottom: float = 30
) -> tuple[Figure, Axes]:
    """A figure of the common width with one pair of axes; all in points."""
    figure = Figure(figsize=(WIDTH / POINTS_PER_INCH, height / POINTS_PER_INCH))
    box = (left / WIDTH, bottom / height, 1 - (left + right) / WIDTH, 1 - (top + bottom) / height)
    axes = figure.add_axes(box)
    axes.patch.set_alpha(0)
    figure.patch.set_alpha(0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0)
    axes.set_axisbelow(True)
    return figure, axes


def legend(axes: Axes, sides: Sequence[Side] = SIDES, reference: str = "reference") -> None:
    """Marks and their meaning, above the axes."""
    handles = [
        Line2D(
            [], [], color=look.colour, marker=look.mark, mfc=look.face, ms=6, lw=1.6,
            label=reference if side == "reference" else look.words,
        )
        for side, look in ((side, LOOKS[side]) for side in sides)
    ]  # fmt: skip
    # At the left edge of the figure, however wide the labels of the axes are.
    axes.figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0, 1),
        ncol=len(handles),
        frameon=False,
        fontsize=11,
        borderpad=0.2,
        borderaxespad=0.2,
        handletextpad=0.5,
        columnspacing=1.6,
        handlelength=1.8,
    )


def ranges(plot: Ranges) -> Figure:
    """Draw them."""
    rows = plot.rows
    drawn = [side for place, side in enumerate(SIDES) if any(row.sides[place] is not None for row in rows)]
    line = 14
    row_height = 24 + line * len(drawn)
    with styled():
        figure, axes = canvas(30 + 21 + row_height * len(rows), right=64, top=30, bottom=21)
        if plot.mark is not None:
            axes.axvline(plot.mark, color=SOFT, lw=1, ls=(0, (4, 3)), zorder=0)
        for index, row in enumerate(rows):
            top = index * row_height
            axes.text(
                0,
                top + 9,
                row.words,
                va="center",
                ha="left",
                fontsize=11.5,
                bbox=_BEHIND,
                transform=axes.get_yaxis_transform(),
            )
            for place, side in enumerate(drawn):
                _range(axes, top + 25 + place * line, side, row.sides[SIDES.index(side)], plot.percent)
        legend(axes, drawn, plot.reference)
        axes.set_ylim(row_height * len(rows), 0)
        axes.set_yticks([])
        _value_axis(axes, plot.limits, plot.percent)
        return figure


def _range(axes: Axes, y: float, side: Side, measured: Measured | None, percent: bool) -> None:
    if measured is None:
        return
    look = LOOKS[side]
    words = "—" if measured.value is None else share(measured.value) if percent else amount(measured.value)
    axes.annotate(
        words,
        (1, y),
        xycoords=axes.get_yaxis_transform(),
        xytext=(60, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=11,
        color=look.colour if side != "reference" else SOFT,
    )
    if measured.value is None:
        return
    if measured.interval is not None:
        axes.plot(measured.interval, (y, y), color=look.colour, lw=3.2, alpha=0.42, solid_capstyle="round")
    axes.plot(measured.value, y, look.mark, color=look.colour, mfc=look.face, ms=6, mew=1.5, clip_on=False, zorder=3)


def _value_axis(axes: Axes, limits: tuple[float, float], percent: bool) -> None:
    span = limits[1] - limits[0]
    axes.set_xlim(limits[0] - 0.015 * span, limits[1] + 0.015 * span)
    if percent:
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes.grid(axis="x", color=LINE, lw=0.8)


def curves(plot: Curves) -> Figure:
    """Draw them."""
    places, rows, limits = plot.places, plot.series, plot.limits
    with styled():
        figure, axes = canvas(246, left=50, right=16, top=36, bottom=37)
        for index, (side, values) in enumerate(rows):
            _curve(axes, side, values, 0.07 * (index - (len(rows) - 1) / 2))
        for index in range(len(places)):
            if all(values[index] is None or values[index].value is None for _, values in rows):  # type: ignore[union-attr]
                axes.annotate(
                    "not\nmeasured",
                    (index, 0.5),
                    xycoords=axes.get_xaxis_transform(),
                    ha="center",
                    va="center",
                    color=SOFT,
                    fontsize=10,
                )
        axes.set_xticks(range(len(places)), places)
        if len(places) > _ROOMY:
            axes.tick_params(axis="x", labelsize=9)
        axes.set_xlim(-0.4, len(places) - 0.6)
        axes.set_xlabel(plot.along, fontsize=11)
        limits = (0, 1) if plot.percent and limits is None else limits
        if limits is not None:
            margin = 0.03 * (limits[1] - limits[0])
            axes.set_ylim(limits[0] - margin, limits[1] + margin)
        if plot.percent:
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.grid(axis="y", color=LINE, lw=0.8)
        legend(axes, [side for side, _ in rows], plot.reference)
        return figure


def _curve(axes: Axes, side: Side, values: Sequence[Measured | None], shift: float) -> None:
    look = LOOKS[side]
    found = [(i + shift, m.value, m.interval) for i, m in enumerate(values) if m is not None and m.value is not None]
    for place, _, interval in found:
        if interval is not None:
            axes.plot((place, place), interval, color=look.colour, lw=3.2, alpha=0.42, solid_capstyle="round")
    axes.plot(
        [place for place, _, _ in found],
        [value for _, value, _ in found],
        color=look.colour,
        lw=1.6,
        marker=look.mark,
        mfc=look.face,
        ms=6,
        mew=1.5,
        clip_on=False,
        zorder=3,
    )
