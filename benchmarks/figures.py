"""Figures of a comparison of methods: trade-off, bars, stability over seeds, number erased at once, maps."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from benchmarks.runner.cell import Measured
from benchmarks.runner.spread import by_people, half_interval
from benchmarks.runner.table import Rows
from faceforget.lab import AFTER, BEFORE, INK, LINE, REFERENCE, SOFT

_REFERENCE = "retrain"
_PERPLEXITY = 20
_DPI = 120
_BELOW_BEST = (100, 50, 30, 20, 10, 5, 2, 1, 0)  # ticks of a widened axis
_MARKER = 13  # pixels
_ANGLES = (180, 165, 195, 150, 210, 0, 15, -15, 30, -30, 135, 225, 45, -45, 120, 240, 60, -60, 90, 270)


def save(figure: Figure, path: Path) -> None:
    """As PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DPI)


def _values(found: Iterable[Measured], key: str) -> list[float]:
    return [math.nan if run.numbers[key] is None else run.numbers[key] for run in found]


def _means(found: Sequence[Measured], key: str) -> list[float]:
    return by_people(zip([run.cell.who for run in found], _values(found, key), strict=True))


def _mean(found: Sequence[Measured], key: str) -> float:
    return mean(_means(found, key))


def trade_off(rows: Rows, *, erased: str = "the erased person", photos: str = "unseen photos") -> Figure:
    """Forgotten to the right, kept upwards; the lines through the retrained model are where one wants to be.

    Both axes widen towards the best, where most methods differ by single photos. Methods of one
    colour at one place share a label.
    """
    figure = Figure((9, 6.5), layout="constrained", dpi=_DPI)
    axes = _plain(figure.subplots())
    points = {label: (100 * (1 - _mean(f, "acc_f_test")), 100 * _mean(f, "acc_r_test")) for label, f in rows.items()}
    for name, values in zip("xy", zip(*points.values(), strict=True), strict=True):
        _widen(axes, name, values)
    if _REFERENCE in points:
        axes.axvline(points[_REFERENCE][0], color=REFERENCE, linewidth=1, linestyle="--")
        axes.axhline(points[_REFERENCE][1], color=REFERENCE, linewidth=1, linestyle="--")
    colours = {label: AFTER if _mean(found, "old_row") < 0.5 else BEFORE for label, found in rows.items()}
    colours = {label: REFERENCE if label == _REFERENCE else colour for label, colour in colours.items()}
    for label, point in points.items():
        axes.plot(*point, "o", color=colours[label], markersize=7, alpha=0.85)
    axes.set_xlabel(f"not named as {erased}, % of their {photos}", color=SOFT)
    axes.set_ylabel(f"named rightly, % of the others' {photos}", color=SOFT)
    axes.set_title("blue: the old row put back names half of them or more; orange: fewer", fontsize=9, color=SOFT)
    _label_apart(axes, points, colours)
    return figure


def _widen(axes: Axes, name: str, percents: Iterable[float]) -> None:
    """Give an axis, ``x`` or ``y``, of percents more room the nearer to the best of them."""
    found = list(percents)
    best = max(5, math.ceil(max(found)))
    reach = min(best, next(below for below in reversed(_BELOW_BEST) if below >= max(5.0, best - min(found))))

    def place(percent: NDArray[np.floating]) -> NDArray[np.floating]:
        return -np.log(np.maximum(best + 2 - percent, 1e-3))

    def percent_at(place: NDArray[np.floating]) -> NDArray[np.floating]:
        return best + 2 - np.exp(-place)

    set_scale = axes.set_xscale if name == "x" else axes.set_yscale
    set_scale("function", functions=(place, percent_at))
    limits = best - 1.04 * reach - 0.2, best + 0.4
    ticks = sorted({best - min(reach, below) for below in _BELOW_BEST})
    axes.set(**{f"{name}lim": limits, f"{name}ticks": ticks})


def _label_apart(axes: Axes, points: Mapping[str, tuple[float, float]], colours: Mapping[str, str]) -> None:
    """Write every point's label where it covers no other label and no marker, with a line to its point."""
    canvas = FigureCanvasAgg(axes.figure)
    canvas.draw()  # the layout is settled, so that places are known in pixels
    places = {label: axes.transData.transform(point) for label, point in points.items()}
    together: dict[tuple[int, int, str], list[str]] = {}
    for label, (x, y) in places.items():
        together.setdefault((round(x / _MARKER), round(y / _MARKER), colours[label]), []).append(label)
    taken = [Bbox.from_bounds(x - _MARKER / 2, y - _MARKER / 2, _MARKER, _MARKER) for x, y in places.values()]
    for labels in sorted(together.values(), key=len, reverse=True):
        text = ",\n".join(", ".join(labels[at : at + 3]) for at in range(0, len(labels), 3))
        for radius, angle in itertools.product(range(14, 240, 8), _ANGLES):
            turned = math.radians(angle)
            note = axes.annotate(
                text, points[labels[0]], (radius * math.cos(turned), radius * math.sin(turned)),
                textcoords="offset points", fontsize=8, color=colours[labels[0]], va="center",
                ha="right" if math.cos(turned) < -0.1 else "left" if math.cos(turned) > 0.1 else "center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
                arrowprops={"arrowstyle": "-", "color": SOFT, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3},
            )  # fmt: skip
            note.set_in_layout(False)
            note.update_positions(canvas.get_renderer())
            box = Text.get_window_extent(note, canvas.get_renderer())
            inside = axes.bbox.x0 < box.x0 and box.x1 < axes.bbox.x1 and axes.bbox.y0 < box.y0 and box.y1 < axes.bbox.y1
            if inside and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            note.remove()
        else:  # no room: over something is better than not at all
            axes.annotate(text, points[labels[0]], (-8, 0), textcoords="offset points", fontsize=8, ha="right")


def bars(rows: Rows, panels: Mapping[str, str]) -> Figure:
    """A bar per method with its 95 % interval, a panel per column: its key, and a title."""
    figure = Figure((2.9 * len(panels) + 1.2, 0.3 * len(rows) + 1.2), layout="constrained")
    for axes, (key, title) in zip(figure.subplots(1, len(panels), sharey=True), panels.items(), strict=True):
        values = [[100 * value for value in _means(found, key)] for found in rows.values()]
        halves = [0.0 if math.isnan(half) else half for half in map(half_interval, values)]
        colours = [REFERENCE if label == _REFERENCE else AFTER for label in rows]
        axes.barh(list(rows), [mean(own) for own in values], xerr=halves, color=colours, height=0.7,
                  error_kw={"ecolor": INK, "elinewidth": 1})  # fmt: skip
        _plain(axes).set_title(title, fontsize=9)
        axes.set_xlim(0, 100)
        axes.grid(axis="x", color=LINE)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", labelsize=8)
    figure.axes[0].invert_yaxis()
    return figure


def stability(rows: Rows) -> Figure:
    """A box per method over all its runs, every seed and everybody erased: what is forgotten and what is kept."""
    figure = Figure((9, 0.3 * len(rows) + 1.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, key in ((left, "acc_f_test"), (right, "acc_r_test")):
        values = [[100 * value for value in _values(found, key)] for found in rows.values()]
        axes.boxplot(values, orientation="horizontal", tick_labels=list(rows), widths=0.6, medianprops={"color": AFTER},
                     flierprops={"markersize": 3, "markeredgecolor": SOFT})  # fmt: skip
        _plain(axes).grid(axis="x", color=LINE)
        axes.tick_params(axis="y", labelsize=8)
    left.set_title("Acc_f,test of each run, %: lower is better", fontsize=10)
    right.set_title("Acc_r,test of each run, %: higher is better", fontsize=10)
    _widen(right, "x", [100 * value for found in rows.values() for value in _values(found, "acc_r_test")])
    left.invert_yaxis()  # both: they share it
    return figure


def over_number(counts: Mapping[int, Rows], what: str) -> Figure:
    """What is forgotten and what is kept, over the number erased; ``what`` says of what, and how."""
    figure = Figure((10, 4), layout="constrained")
    labels = list(next(iter(counts.values())))
    panels = {"acc_f_test": "Acc_f,test, %", "acc_r_test": "Acc_r,test, %"}
    for axes, (key, title) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        for label, mark in zip(labels, "osD^vPX*<>"[: len(labels)].ljust(len(labels), "o"), strict=True):
            values = [100 * _mean(counts[n][label], key) for n in sorted(counts)]
            wide = {"linewidth": 6, "alpha": 0.3} if label == _REFERENCE else {}  # seen below those that equal it
            axes.plot(sorted(counts), values, marker=mark, label=label, **wide)
        _plain(axes).set_title(title, fontsize=10)
        axes.set_xlabel(what, color=SOFT)
        axes.set_xticks(sorted(counts))
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return figure


def maps(panels: Mapping[str, NDArray[np.floating]], gone: NDArray[np.bool_]) -> Figure:
    """t-SNE of ``(N, D)`` features in each panel; those of what was ``gone`` ``(N,)`` in colour."""
    columns = math.ceil(len(panels) / 2)
    figure = Figure((3.2 * columns, 6.4), layout="constrained")
    for axes, (label, found) in zip(figure.subplots(2, columns).flat, panels.items(), strict=False):
        places = _places(found)
        for mask, colour, size in ((~gone, REFERENCE, 4), (gone, AFTER, 22)):
            axes.scatter(*places[mask].T, s=size, c=colour, linewidths=0)
        axes.set_title(label, fontsize=10)
        axes.set_xticks([])
        axes.set_yticks([])
    for axes in list(figure.axes)[len(panels) :]:
        axes.set_axis_off()
    return figure


def _places(features: NDArray[np.floating]) -> NDArray[np.floating]:
    from sklearn.manifold import TSNE

    neighbours = min(_PERPLEXITY, (len(features) - 1) / 3)
    places: NDArray[np.floating] = TSNE(
        perplexity=neighbours, metric="cosine", init="random", random_state=0
    ).fit_transform(features)
    return places


def _plain(axes: Axes) -> Axes:
    axes.spines[["top", "right"]].set_visible(False)
    return axes
