"""The paper's tables: train, erase one or several classes with every method, measure.

    python -m benchmarks.paper cifar10                                 a small network, two CPU cores
    python -m benchmarks.paper cifar10 --model resnet18 --budget full  the paper's recipe, on a GPU
    python -m benchmarks.paper cifar10 --part 0/2 & python -m benchmarks.paper cifar10 --part 1/2
    python -m benchmarks.paper cifar10 --searched cifar10_small_short  with what was chosen on another network

Hyperparameters are chosen on a class that is not reported. Every network and every cell is kept under ``--work``, so
that an interrupted run goes on; the tables are of what is there.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.data import RESULTS, ROOT, needed
from benchmarks.paper.cells import Bench, cell_of
from benchmarks.paper.data import SIZES, load_data
from benchmarks.paper.figures import write_figures
from benchmarks.paper.measures import measured
from benchmarks.paper.networks import NETWORKS, network_for
from benchmarks.paper.plans import ROWS
from benchmarks.paper.recipe import BUDGETS, TrainingRecipe
from benchmarks.paper.table import table, write_runs
from benchmarks.runner.cell import Cell, Measured
from benchmarks.runner.command import command, part_of
from benchmarks.runner.run import Results, run
from benchmarks.runner.table import by
from faceforget.api import METHODS, write_atomically, write_json
from faceforget.cli.console import progress_bar

# Passes over the forget set: the paper's 20, and what two cores can do.
_EPOCHS = {"short": 4, "cpu": 4, "full": 20}


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=SIZES)
    parser.add_argument("--model", choices=NETWORKS, default="small")
    parser.add_argument("--budget", choices=BUDGETS, default="cpu")
    parser.add_argument("--method", help="only these rows, by comma")
    parser.add_argument("--forget", default="1,2,3,4,5", help="numbers of classes, by comma")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", type=Path, help="folder or zip with train/<class>/* and test/<class>/*")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "paper")
    parser.add_argument("--results", type=Path, default=RESULTS / "paper")
    parser.add_argument("--part", type=part_of, default=(0, 1), metavar="I/N", help="every N-th cell, from the I-th")
    parser.add_argument("--searched", metavar="NAME", help="take what the search of NAME in --results has chosen")
    parser.add_argument("--tables", action="store_true", help="only write tables of the cells that are there")
    options = parser.parse_args()
    labels = (options.method or ",".join(ROWS)).split(",")
    unknown = set(labels) - set(ROWS)
    if unknown:
        parser.error(f"there is no row {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    searches = options.results / f"{options.searched}_search"
    if options.searched is not None and not searches.is_dir():
        there = sorted(path.name.removesuffix("_search") for path in options.results.glob("*_search"))
        parser.error(f"there is no search of {options.searched} in {options.results}; there are {', '.join(there)}")
    needed(*filter(None, [options.data]))
    with progress_bar() as progress:
        name = f"{options.dataset}_{options.model}_{options.budget}"
        network = network_for(options.model, SIZES[options.dataset])
        recipe = TrainingRecipe(network, BUDGETS[options.budget], options.work / "checkpoints", name)
        data = load_data(options.dataset, options.data, options.work, progress)
        bench = Bench(data, recipe, name, _EPOCHS[options.budget], options.work, torch.device(options.device), progress)
        known = {label: earlier(label, searches) for label in labels if _is_recorded(label, searches)}
        results = Results(options.work / f"{bench.name}_{bench.key}.jsonl")
        work = partial(run, measure=partial(measured, bench), results=results)
        trials = [cell for label in labels if label not in known for cell in trials_of(label, bench)]
        if not options.tables:
            for seed in range(options.part[0], options.seeds, options.part[1]):
                bench.original(seed)
            work(trials, stage="searching", part=options.part, progress=progress)
            work(trials)  # processes that share the work must choose alike
        tried = results.of(trials)
        chosen = known | {label: choose(label, bench, options.results, tried) for label in labels if label not in known}
        every = cells_of(labels, chosen, [int(number) for number in options.forget.split(",")], options.seeds, bench)
        if not options.tables:
            order = sorted(every, key=lambda cell: (len(cell.people), cell.seed))  # single classes first, whole seeds
            work(order, stage="erasing", part=options.part, progress=progress)
    write_tables(results.of(every), bench, options.results, options.searched if known else bench.name)


def reported(count: int, seed: int, bench: Bench) -> tuple[int, ...]:
    """Classes to forget; the last class is the one that settings are chosen on."""
    return tuple(np.random.default_rng(seed).permutation(bench.classes - 1)[:count].tolist())


def trials_of(label: str, bench: Bench) -> list[Cell]:
    """The search of a method."""
    return [cell_of(label, (bench.classes - 1,), 0, "search", bench, values) for values in ROWS[label].candidates]


def choose(label: str, bench: Bench, results: Path, tried: Sequence[Measured]) -> Mapping[str, Any]:
    """The candidate with the best H on the class that is not reported; ties go to the first. All are recorded.

    What is not finished is not recorded: it would be taken as chosen.
    """
    known = dict(tried)
    found = [
        {"settings": dict(values), **{key: known[cell][key] for key in ("h", "acc_f_test", "acc_r_test")}}
        for values, cell in zip(ROWS[label].candidates, trials_of(label, bench), strict=True)
        if cell in known
    ]
    if not found:
        return {}
    best = max(found, key=lambda trial: trial["h"])["settings"]
    if len(found) == len(ROWS[label].candidates):
        write_json(results / f"{bench.name}_search" / f"{label}.json", {"chosen": best, "scores": found})
    return best


def _is_recorded(label: str, searches: Path) -> bool:
    """Whether a search among the candidates of today is there."""
    path = searches / f"{label}.json"
    tried = [line["settings"] for line in json.loads(path.read_text())["scores"]] if path.is_file() else None
    return tried == [dict(values) for values in ROWS[label].candidates]


def earlier(label: str, searches: Path) -> dict[str, Any]:
    """What a search that is recorded has chosen."""
    found: dict[str, Any] = json.loads((searches / f"{label}.json").read_text())["chosen"]
    return found


def cells_of(
    labels: Sequence[str], chosen: Mapping[str, Mapping[str, Any]], numbers: Sequence[int], seeds: int, bench: Bench
) -> list[Cell]:
    """The cells of all tables, row by row."""
    return [
        cell_of(
            label, reported(number, seed, bench), seed, f"{number} of {bench.classes} classes", bench, chosen.get(label)
        )
        for number in numbers
        for label in ("original", *labels)
        for seed in range(seeds)
    ]


def write_tables(found: Sequence[Measured], bench: Bench, results: Path, searched: str) -> None:
    """Markdown, a CSV and the figures of the cells that are there; ``searched``: where settings were chosen."""
    reads = {label: ", ".join(METHODS[row.method].reads) for label, row in ROWS.items()}
    text = [
        f"# {bench.name}\n\n`python -m benchmarks.paper`; {bench.epochs} passes over the forget set at most, unless "
        "the row says otherwise. Per cent: mean ± half the 95 % interval over seeds (another network, other classes). "
        f"Settings were chosen on the last class of {searched}, which is not reported.\n"
    ]
    tables = {name: by(own, lambda cell: cell.method) for name, own in by(found, lambda cell: cell.table).items()}
    text += [f"## {name}\n\n{table(rows, reads)}" for name, rows in tables.items()]
    write_runs(results / f"{bench.name}.csv", tables)
    if tables:
        write_figures(tables, bench, results / bench.name)
    write_atomically(results / f"{bench.name}.md", "\n".join(text).encode())


if __name__ == "__main__":
    main()
