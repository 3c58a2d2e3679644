"""Figures of a comparison of methods: trade-off, bars, stability over seeds, number erased at once, maps."""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.spread import by_people, half_interval
from faceforget.report.charts import AFTER, BEFORE, INK, LINE, REFERENCE, SOFT

_REFERENCE = "retrain"
_PERPLEXITY = 20
_DPI = 120


@dataclass(frozen=True)
class Result:
    """Whom or what a run erased, with which seed, and what was measured, as fractions."""

    erased: Hashable
    seed: int
    numbers: Mapping[str, float]


Rows = Mapping[str, Sequence[Result]]


def save(figure: Figure, path: Path) -> None:
    """As PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DPI)


def _means(found: Iterable[Result], key: str) -> list[float]:
    return by_people((result.erased, result.numbers[key]) for result in found)


def _mean(found: Iterable[Result], key: str) -> float:
    return mean(_means(found, key))


def trade_off(rows: Rows, *, erased: str = "the erased person", photos: str = "unseen photos") -> Figure:
    """Forgotten to the right, kept upwards; the lines through the retrained model are where one wants to be."""
    figure = Figure((8, 5.5), layout="constrained")
    axes = _plain(figure.subplots())
    points = {label: (100 * (1 - _mean(f, "acc_f_test")), 100 * _mean(f, "acc_r_test")) for label, f in rows.items()}
    if _REFERENCE in points:
        axes.axhline(points[_REFERENCE][1], color=REFERENCE, linewidth=1, linestyle="--")
    crowded: dict[tuple[int, int], int] = {}
    for label, (forgotten, kept) in sorted(points.items(), key=lambda item: (-item[1][1], item[0])):
        colour = REFERENCE if label == _REFERENCE else AFTER if _mean(rows[label], "old_row") < 0.5 else BEFORE
        axes.plot(forgotten, kept, "o", color=colour, markersize=7, alpha=0.85)
        place = (round(forgotten / 8), round(kept / 4))
        crowded[place] = line = crowded.get(place, -1) + 1
        where = {"xytext": (-8, -3 - 11 * line), "textcoords": "offset points", "ha": "right"}
        axes.annotate(label, (forgotten, kept), fontsize=8, color=INK, **where)
    axes.set_xlabel(f"not named as {erased}, % of their {photos}", color=SOFT)
    axes.set_ylabel(f"named rightly, % of the others' {photos}", color=SOFT)
    axes.set_xlim(min(-12.0, axes.get_xlim()[0]), 104)
    axes.set_title("orange: the old row put back names fewer than half of them", fontsize=9, color=SOFT)
    return figure


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
    """A box per method over seeds: the mean over people of what is forgotten and what is kept."""
    figure = Figure((9, 0.32 * len(rows) + 1.4), layout="constrained")
    panels = {"acc_f_test": "Acc_f,test, %: lower is better", "acc_r_test": "Acc_r,test, %: higher is better"}
    for axes, (key, title) in zip(figure.subplots(1, 2, sharey=True), panels.items(), strict=True):
        values = [_by_seed(found, key) for found in rows.values()]
        axes.boxplot(values, orientation="horizontal", tick_labels=list(rows), widths=0.6,
                     medianprops={"color": AFTER}, flierprops={"markersize": 3})  # fmt: skip
        _plain(axes).set_title(title, fontsize=10)
        axes.grid(axis="x", color=LINE)
        axes.tick_params(axis="y", labelsize=8)
    figure.axes[0].invert_yaxis()  # both: they share it
    return figure


def _by_seed(found: Sequence[Result], key: str) -> list[float]:
    """In percent, the mean over people of every seed."""
    seeds = sorted({result.seed for result in found})
    return [100 * mean(r.numbers[key] for r in found if r.seed == seed) for seed in seeds]


def over_number(counts: Mapping[int, Rows], what: str = "people") -> Figure:
    """What is forgotten and what is kept, over the number erased at once."""
    figure = Figure((10, 4), layout="constrained")
    labels = list(next(iter(counts.values())))
    panels = {"acc_f_test": "Acc_f,test, %", "acc_r_test": "Acc_r,test, %"}
    for axes, (key, title) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        for label, mark in zip(labels, "osD^vPX*<>"[: len(labels)].ljust(len(labels), "o"), strict=True):
            axes.plot(sorted(counts), [100 * _mean(counts[n][label], key) for n in sorted(counts)], marker=mark,
                      linestyle="--" if label == _REFERENCE else "-", label=label)  # fmt: skip
        _plain(axes).set_title(title, fontsize=10)
        axes.set_xlabel(f"{what} erased at once", color=SOFT)
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
