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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.figures import Result
from benchmarks.paper.cells import Bench, Cell, outcome_of
from benchmarks.paper.data import SIZES, load_data
from benchmarks.paper.figures import write_figures
from benchmarks.paper.measures import measures
from benchmarks.paper.networks import NETWORKS, network_for
from benchmarks.paper.plans import ROWS
from benchmarks.paper.recipe import BUDGETS, TrainingRecipe
from benchmarks.paper.table import markdown, write_csv
from benchmarks.protocol import ROOT
from faceforget.cli.console import progress_bar
from faceforget.files import write_atomically, write_json
from faceforget.progress import tracked
from faceforget.unlearn.registry import METHODS

# Passes over the forget set: the paper's 20, and what two cores can do.
_EPOCHS = {"short": 4, "cpu": 4, "full": 20}


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
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results" / "paper")
    parser.add_argument("--part", default="0/1", metavar="I/N", help="every N-th cell, from the I-th")
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
    numbers = [int(number) for number in options.forget.split(",")]
    part, parts = map(int, options.part.split("/"))
    with progress_bar() as progress:
        name = f"{options.dataset}_{options.model}_{options.budget}"
        network = network_for(options.model, SIZES[options.dataset])
        recipe = TrainingRecipe(network, BUDGETS[options.budget], options.work / "checkpoints", name)
        data = load_data(options.dataset, options.data, options.work, progress)
        bench = Bench(data, recipe, name, _EPOCHS[options.budget], options.work, torch.device(options.device), progress)
        known = {label: earlier(label, searches) for label in labels if _is_recorded(label, searches)}
        if not options.tables:
            for seed in range(part, options.seeds, parts):
                bench.original(seed)
            trials = [cell for label in labels if label not in known for cell in trials_of(label, bench)]
            for cell in tracked(trials[part::parts], "searching", len(trials[part::parts]), progress):
                outcome_of(cell, bench)
        chosen = known | {
            label: choose(label, bench, options.results, only_there=options.tables)
            for label in labels
            if label not in known
        }
        tables = cells_of(labels, chosen, numbers, options.seeds, bench)
        every = sorted((cell for rows in tables.values() for own in rows.values() for cell in own), key=_order)
        if not options.tables:
            for cell in tracked(every[part::parts], "erasing", len(every[part::parts]), progress):
                outcome_of(cell, bench)
    write_tables(tables, bench, options.results, options.searched if known else bench.name)


def _order(cell: Cell) -> tuple[int, int]:
    """Single classes first, then whole seeds."""
    return len(cell.classes), cell.seed


def reported(count: int, seed: int, bench: Bench) -> tuple[int, ...]:
    """Classes to forget; the last class is the one that settings are chosen on."""
    return tuple(np.random.default_rng(seed).permutation(bench.classes - 1)[:count].tolist())


def trials_of(label: str, bench: Bench) -> list[Cell]:
    """The search of a method."""
    return [Cell(label, ROWS[label], (bench.classes - 1,), 0, dict(values)) for values in ROWS[label].candidates]


def choose(label: str, bench: Bench, results: Path, *, only_there: bool) -> dict[str, Any]:
    """The candidate with the best H on the class that is not reported; ties go to the first. All are recorded.

    Candidates that no process has run yet are run, unless ``only_there``: processes that share the work must choose
    alike.
    """
    found = []
    for cell in trials_of(label, bench):
        if not only_there or _there(cell, bench):
            values = measures(cell, outcome_of(cell, bench), bench)
            found.append((values["h"], cell.chosen, values["acc_f_test"], values["acc_r_test"]))
    if not found:
        return {}
    best = max(found, key=lambda trial: trial[0])
    lines = [{"settings": s, "h": h, "acc_f_test": f, "acc_r_test": r} for h, s, f, r in found]
    if len(found) == len(ROWS[label].candidates):  # what is not finished is not recorded: it would be taken as chosen
        write_json(results / f"{bench.name}_search" / f"{label}.json", {"chosen": best[1], "scores": lines})
    return best[1]


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
    labels: Sequence[str], chosen: dict[str, dict[str, Any]], numbers: Sequence[int], seeds: int, bench: Bench
) -> dict[str, dict[str, list[Cell]]]:
    """The cells of each table by row."""
    tables: dict[str, dict[str, list[Cell]]] = {}
    for number in numbers:
        rows: dict[str, list[Cell]] = {}
        for label in ("original", *labels):
            rows[label] = [
                Cell(label, ROWS.get(label), reported(number, seed, bench), seed, chosen.get(label, {}))
                for seed in range(seeds)
            ]
        tables[f"{number} of {bench.classes} classes"] = rows
    return tables


def write_tables(tables: dict[str, dict[str, list[Cell]]], bench: Bench, results: Path, searched: str) -> None:
    """Markdown, a CSV and the figures of the cells that are there; ``searched``: where settings were chosen."""
    reads = {label: ", ".join(METHODS[row.method].reads) for label, row in ROWS.items()}
    text = [
        f"# {bench.name}\n\n`python -m benchmarks.paper`; {bench.epochs} passes over the forget set at most, unless "
        "the row says otherwise. Per cent: mean ± half the 95 % interval over seeds (another network, other classes). "
        f"Settings were chosen on the last class of {searched}, which is not reported.\n"
    ]
    there = {
        table: {label: [cell for cell in cells if _there(cell, bench)] for label, cells in rows.items()}
        for table, rows in tables.items()
    }
    found = {
        table: {label: [_result(cell, bench) for cell in cells] for label, cells in rows.items() if cells}
        for table, rows in there.items()
    }
    text += [f"## {table}\n\n{markdown(rows, reads)}" for table, rows in found.items()]
    write_csv(results / f"{bench.name}.csv", found)
    write_figures(found, there, bench, results / bench.name)
    write_atomically(results / f"{bench.name}.md", "\n".join(text).encode())


def _result(cell: Cell, bench: Bench) -> Result:
    return Result((cell.seed, *cell.classes), cell.seed, measures(cell, outcome_of(cell, bench), bench))


def _there(cell: Cell, bench: Bench) -> bool:
    return cell.path(bench).with_suffix(".json").is_file()


if __name__ == "__main__":
    main()
