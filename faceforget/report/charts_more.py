"""Further plots in the look of :mod:`charts`: bars, histograms, maps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from faceforget.audit.shown.section import Bars, Course, Histogram, ScatterChart
from faceforget.audit.shown.words import share
from faceforget.report.charts import AFTER, INK, LINE, LOOKS, REFERENCE, SOFT, canvas, legend, styled

_NAME = 22


# Colour (that of the side if empty), mark (likewise), size and alpha of each group on a map.
_CLOUDS: Mapping[str, tuple[str, str, float, float]] = {
    "retained": ("#c3cad4", "o", 3.6, 1.0),
    "strangers": ("#97a1af", "v", 4.4, 1.0),
    "forget_photos": ("", "P", 6, 0.55),
    "forgotten": ("", "", 6, 1.0),
}


def bars(plot: Bars) -> Figure:
    """Draw them."""
    after, reference = plot.after, plot.reference
    names = list(dict.fromkeys([*after, *reference]))
    with styled():
        figure, axes = canvas(16 + 26 * max(1, len(names)), left=146, right=52, top=8, bottom=8)
        for place, name in enumerate(names):
            value = after.get(name, 0.0)
            axes.barh(place, value, height=0.56, color=AFTER)
            if reference:
                axes.barh(place + 0.38, reference.get(name, 0.0), height=0.16, color=REFERENCE)
            axes.annotate(
                share(value), (value, place), xytext=(6, 0), textcoords="offset points", va="center", color=SOFT
            )
            # No tick's label: in print its letters may be replaced.
            axes.annotate(short(name), (0, place), xytext=(-6, 0), textcoords="offset points", va="center", ha="right")
        axes.set_yticks([])
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(0, max(0.05, *after.values(), *reference.values()) if names else 1)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        return figure


def short(name: str, most: int = _NAME) -> str:
    """A name that fits beside a bar."""
    return name if len(name) <= most else name[: most - 1].rstrip() + "…"


def histogram(plot: Histogram) -> Figure:
    """Draw it."""
    edges, side, threshold = plot.edges, LOOKS[plot.side], plot.threshold
    with styled():
        figure, axes = canvas(214, left=10, right=10, top=50, bottom=36)
        widths, starts = np.diff(edges), np.asarray(edges[:-1])
        curves = [density(counts, widths) for counts in (plot.impostors, plot.strangers, plot.own)]
        axes.bar(starts, curves[0], widths, align="edge", color=LINE)
        axes.stairs(curves[1], edges, color=REFERENCE, lw=1.6)
        axes.bar(starts, curves[2], widths, align="edge", color=side.colour, alpha=0.62)
        axes.set_yticks([])
        axes.set_xlim(*_occupied(edges, np.sum([plot.own, plot.strangers, plot.impostors], axis=0)))
        top = max(float(curve.max(initial=0)) for curve in curves) or 1
        axes.set_ylim(0, 1.08 * top)
        axes.set_xlabel("similarity of two photos (cosine)")
        if threshold is not None:
            axes.axvline(threshold, color=INK, lw=1, ls=(0, (4, 3)))
            axes.annotate(
                "accepted →",
                (threshold, top),
                xytext=(4, -1),
                textcoords="offset points",
                fontsize=10,
                color=INK,
                va="center",
            )
        handles = [
            Patch(color=side.colour, alpha=0.62, label=f"the person, {side.words}"),
            Line2D([], [], color=REFERENCE, lw=1.6, label="one stranger"),
            Patch(color=LINE, label="two different people"),
        ]
        figure.legend(
            handles=handles, loc="upper left", bbox_to_anchor=(0, 1), ncol=2, frameon=False, borderpad=0.2,
            borderaxespad=0.2, handletextpad=0.5, columnspacing=1.6, handlelength=1.5,
        )  # fmt: skip
        return figure


def density(counts: Sequence[float], widths: np.ndarray) -> np.ndarray:
    """Counts as shares per unit of the axis; zeros without any."""
    total = float(np.sum(counts))
    return np.asarray(counts, dtype=float) / (total * widths) if total else np.zeros(len(counts))


def _occupied(edges: Sequence[float], counts: np.ndarray) -> tuple[float, float]:
    """The part of the axis where anything is."""
    found = np.flatnonzero(counts)
    if not found.size:
        return edges[0], edges[-1]
    return edges[max(0, found[0] - 1)], edges[min(len(edges) - 1, found[-1] + 2)]


def scatter(plot: ScatterChart) -> Figure:
    """Draw it."""
    side = LOOKS[plot.side]
    with styled():
        figure, axes = canvas(400, left=4, right=4, top=46, bottom=4)
        handles = []
        for cloud in plot.clouds:
            colour, mark, size, alpha = _CLOUDS[cloud.group]
            points = np.asarray(cloud.points, dtype=float).reshape(-1, 2)
            style: dict[str, Any] = {"marker": mark or side.mark, "color": colour or side.colour, "alpha": alpha}
            style |= {"mew": 0, "ls": ""}
            axes.plot(points[:, 0], points[:, 1], ms=size, **style)
            handles.append(Line2D([], [], ms=max(5, size), label=cloud.words, **style))
        axes.set_xlim(plot.limits[0])
        axes.set_ylim(plot.limits[1])
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[["top", "right", "left", "bottom"]].set_visible(True)
        figure.legend(
            handles=handles, loc="upper left", bbox_to_anchor=(0, 1), ncol=2, frameon=False, borderpad=0.2,
            borderaxespad=0.2, handletextpad=0.3, columnspacing=1.4, handlelength=1.2,
        )  # fmt: skip
        return figure


def course(plot: Course) -> Figure:
    """Draw it."""
    with styled():
        figure, axes = canvas(246, left=50, right=16, top=36, bottom=37)
        axes.axhline(plot.mark, color=SOFT, lw=1, ls=(0, (4, 3)))
        for side, curve in plot.series:
            look = LOOKS[side]
            axes.plot(*zip(*curve, strict=True), color=look.colour, lw=1.8)
            axes.plot(*curve[-1], look.mark, color=look.colour, mfc=look.face, ms=6, mew=1.5, clip_on=False)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel("steps")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.grid(axis="y", color=LINE, lw=0.8)
        legend(axes, [side for side, _ in plot.series], plot.reference)
        return figure
