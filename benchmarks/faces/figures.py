"""The figures of the method comparison: trade-off, stability over seeds, number of people, embedding map."""

from collections.abc import Mapping
from pathlib import Path

import torch
from matplotlib.figure import Figure

from benchmarks.faces.bench import Bench
from benchmarks.faces.cells import Outcome
from benchmarks.figures import maps, over_number, save, stability, trade_off
from benchmarks.runner.cell import Cell
from benchmarks.runner.table import Rows

# On the map: beside everybody's unseen photos there is no room for more.
_MAPPED = ("retrain", "delete", "random_label", "anchored", "dispersed")


def write_figures(
    tables: Mapping[str, Rows], folder: Path, mapped: Mapping[str, tuple[Cell, Outcome]], bench: Bench
) -> None:
    """Draw what the tables have data for, as PNG files in ``folder``."""
    single = tables.get("single", {})
    if single:
        save(trade_off(single), folder / "trade_off.png")
    if any(len({run.cell.seed for run in found}) > 1 for found in single.values()):
        save(stability(single), folder / "stability.png")
    for kind, words in (("together", "people erased at once"), ("in_turn", "people erased one after another")):
        counts = {int(name.rpartition("_")[2]): rows for name, rows in tables.items() if name.startswith(kind)}
        if len(counts) > 1:
            save(over_number(counts, words), folder / f"over_people_{kind}.png")
    if mapped:
        save(embedding_maps(mapped, bench), folder / "map.png")


def embedding_maps(mapped: Mapping[str, tuple[Cell, Outcome]], bench: Bench) -> Figure:
    """t-SNE of everybody's unseen photos in the model before and after each method; the erased person in colour."""
    cell = next(iter(mapped.values()))[0]
    index = bench.measured(cell.people)
    unseen = index >= len(bench.train.rows)
    gone = torch.isin(
        bench.photos.rows[index][unseen], torch.tensor([bench.recognizer.index_of(n) for n in cell.people])
    )
    panels = {"original": bench.embeddings[index][unseen]}
    panels |= {label: outcome.embeddings[unseen] for label, (_, outcome) in mapped.items() if label in _MAPPED}
    return maps({label: found.numpy() for label, found in panels.items()}, gone.numpy())
