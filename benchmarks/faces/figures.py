"""The figures of the method comparison: trade-off, stability over seeds, number of people, embedding map."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.faces.cells import Cell, Outcome
from benchmarks.faces.table import Result, Rows
from benchmarks.faces.world import World
from benchmarks.spread import by_people
from faceforget.report.charts import AFTER, BEFORE, INK, LINE, REFERENCE, SOFT

_REFERENCE = "retrain"
# On the map: beside everybody's unseen photos there is no room for more.
_MAPPED = ("retrain", "delete", "random_label", "anchored", "dispersed")
_PERPLEXITY = 20
_DPI = 120


def write_figures(
    tables: Mapping[str, Rows], folder: Path, maps: Mapping[str, tuple[Cell, Outcome]], world: World
) -> None:
    """Draw what the tables have data for, as PNG files in ``folder``."""
    _save(trade_off(tables["single"]), folder / "trade_off.png")
    if any(len({result.seed for result in found}) > 1 for found in tables["single"].values()):
        _save(stability(tables["single"]), folder / "stability.png")
    counts = {
        int(name.removeprefix("together_")): rows for name, rows in tables.items() if name.startswith("together_")
    }
    if len(counts) > 1:
        _save(over_people(counts), folder / "over_people.png")
    if maps:
        _save(embedding_maps(maps, world), folder / "map.png")


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DPI)


def _mean(found: Iterable[Result], key: str) -> float:
    return mean(by_people((result.people, result.numbers[key]) for result in found))


def trade_off(rows: Rows) -> Figure:
    """Forgotten to the right, kept upwards; the lines through the retrained model are where one wants to be."""
    figure = Figure((8, 5.5), layout="constrained")
    axes = _plain(figure.subplots())
    points = {label: (100 * (1 - _mean(f, "acc_f_test")), 100 * _mean(f, "acc_r_test")) for label, f in rows.items()}
    if _REFERENCE in points:
        axes.axhline(points[_REFERENCE][1], color=REFERENCE, linewidth=1, linestyle="--")
    crowded: dict[tuple[int, int], int] = {}
    for label, (forgotten, kept) in sorted(points.items(), key=lambda item: (-item[1][1], item[0])):
        colour = REFERENCE if label == _REFERENCE else AFTER if rows[label][0].numbers["old_row"] < 0.5 else BEFORE
        axes.plot(forgotten, kept, "o", color=colour, markersize=7, alpha=0.85)
        place = (round(forgotten / 8), round(kept / 4))
        crowded[place] = line = crowded.get(place, -1) + 1
        where = {"xytext": (-8, -3 - 11 * line), "textcoords": "offset points", "ha": "right"}
        axes.annotate(label, (forgotten, kept), fontsize=8, color=INK, **where)
    axes.set_xlabel("not named as the erased person, % of their unseen photos", color=SOFT)
    axes.set_ylabel("named rightly, % of the others' unseen photos", color=SOFT)
    axes.set_xlim(min(-12.0, axes.get_xlim()[0]), 104)
    axes.set_title("orange: the old row put back names fewer than half of the photos", fontsize=9, color=SOFT)
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
        axes.invert_yaxis()
    return figure


def _by_seed(found: Sequence[Result], key: str) -> list[float]:
    """In percent, the mean over people of every seed."""
    seeds = sorted({result.seed for result in found})
    return [100 * mean(r.numbers[key] for r in found if r.seed == seed) for seed in seeds]


def over_people(counts: Mapping[int, Rows]) -> Figure:
    """What is forgotten and what is kept, over the number of people erased at once."""
    figure = Figure((10, 4), layout="constrained")
    labels = list(next(iter(counts.values())))
    panels = {"acc_f_test": "Acc_f,test, %", "acc_r_test": "Acc_r,test, %"}
    for axes, (key, title) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        for label, mark in zip(labels, "osD^vPX*<>"[: len(labels)].ljust(len(labels), "o"), strict=True):
            axes.plot(sorted(counts), [100 * _mean(counts[n][label], key) for n in sorted(counts)], marker=mark,
                      linestyle="--" if label == _REFERENCE else "-", label=label)  # fmt: skip
        _plain(axes).set_title(title, fontsize=10)
        axes.set_xlabel("people erased at once", color=SOFT)
        axes.set_xticks(sorted(counts))
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return figure


def embedding_maps(maps: Mapping[str, tuple[Cell, Outcome]], world: World) -> Figure:
    """t-SNE of everybody's unseen photos in the model before and after each method; the erased person in colour."""
    cell = next(iter(maps.values()))[0]
    index = world.measured(cell.people)
    unseen = index >= len(world.train.rows)
    gone = torch.isin(
        world.photos.rows[index][unseen], torch.tensor([world.recognizer.index_of(n) for n in cell.people])
    )
    panels = {"original": world.embeddings[index][unseen]}
    panels |= {label: outcome.embeddings[unseen] for label, (_, outcome) in maps.items() if label in _MAPPED}
    columns = math.ceil(len(panels) / 2)
    figure = Figure((3.2 * columns, 6.4), layout="constrained")
    for axes, (label, embeddings) in zip(figure.subplots(2, columns).flat, panels.items(), strict=False):
        places = _places(embeddings.numpy())
        for mask, colour, size in ((~gone, REFERENCE, 4), (gone, AFTER, 22)):
            axes.scatter(*places[mask.numpy()].T, s=size, c=colour, linewidths=0)
        axes.set_title(label, fontsize=10)
        axes.set_xticks([])
        axes.set_yticks([])
    for axes in list(figure.axes)[len(panels) :]:
        axes.set_axis_off()
    return figure


def _places(embeddings: np.ndarray) -> np.ndarray:
    from sklearn.manifold import TSNE

    neighbours = min(_PERPLEXITY, (len(embeddings) - 1) / 3)
    places: np.ndarray = TSNE(perplexity=neighbours, metric="cosine", init="random", random_state=0).fit_transform(
        embeddings
    )
    return places


def _plain(axes: Axes) -> Axes:
    axes.spines[["top", "right"]].set_visible(False)
    return axes
