"""The article's kinds of figures: comparison bars, stability over seeds, number of classes, map of the features."""

from collections.abc import Mapping
from pathlib import Path

import torch

from benchmarks.figures import bars, maps, over_number, save, stability, trade_off
from benchmarks.paper.cells import Bench, classes_of, outcome_of
from benchmarks.runner.table import Rows

_PANELS = {
    "acc_f_test": "Acc_f,test, %",
    "old_row": "the same, old row back",
    "by_means": "the same, by class means",
    "acc_r_test": "Acc_r,test, %",
    "h": "H",
    "member_train": "forgotten train images\njudged member, %",
}
_MAPPED = ("original", "retrain", "random_label", "boundary_shrink", "boundary_expand", "salun", "pour", "delete")


def write_figures(tables: Mapping[str, Rows], bench: Bench, folder: Path) -> None:
    """Draw what the tables have data for, as PNG files in ``folder``."""
    single = next(iter(tables.values()))
    erased = {label: found for label, found in single.items() if label != "original"}
    if erased:
        save(trade_off(erased, erased="the erased class", photos="test images"), folder / "trade_off.png")
        save(bars(single, _PANELS), folder / "bars.png")
    if any(len(found) > 1 for found in erased.values()):
        save(stability(erased), folder / "stability.png")
    counts = {int(name.split()[0]): rows for name, rows in tables.items()}
    several = set.intersection(*(set(rows) for rows in counts.values())) - {"original"}
    if len(counts) > 1 and several:
        kept = {n: {label: rows[label] for label in rows if label in several} for n, rows in counts.items()}
        save(over_number(kept, "classes erased at once"), folder / "over_classes.png")
    first = {label: own[0].cell for label, own in single.items() if own and label in _MAPPED}
    if first:
        gone = torch.isin(bench.looked_at.labels[bench.mapped], torch.tensor(classes_of(next(iter(first.values())))))
        panels = {label: outcome_of(cell, bench).features.float().numpy() for label, cell in first.items()}
        save(maps(panels, gone.numpy()), folder / "map.png")
