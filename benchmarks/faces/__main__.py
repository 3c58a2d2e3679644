"""Run the benchmark of a configuration file; run it again to go on where it stopped.

``python -m benchmarks.faces benchmarks/faces/single.toml`` chooses hyperparameters on the search people, erases
the reported people one at a time, then several at once and one after another, and writes tables. With
``--part I/N`` a process runs every N-th cell, so that N processes share the work; the tables are then made by
running it once more without.
"""

import argparse
import itertools
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import get_args

import torch

from benchmarks.data import needed
from benchmarks.faces.bench import Bench, build_bench
from benchmarks.faces.cells import cell_of, in_turn, outcome_of
from benchmarks.faces.config import Config, Kind, MethodPlan, read_config
from benchmarks.faces.figures import write_figures
from benchmarks.faces.measures import measured
from benchmarks.faces.search import choose, trials_of
from benchmarks.faces.table import table, write_runs
from benchmarks.runner.cell import Cell, Measured
from benchmarks.runner.command import command, part_of
from benchmarks.runner.run import Results, run
from benchmarks.runner.table import by
from faceforget.api import Method, write_atomically
from faceforget.cli.console import progress_bar

Tables = dict[str, dict[str, list[Cell]]]


@command
def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faces", description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--people", type=Path, help="another folder of photos per person")
    parser.add_argument("--backbone", help="another backbone")
    parser.add_argument("--work", type=Path, help="another folder for cells")
    parser.add_argument("--results", type=Path, help="another folder for tables")
    parser.add_argument("--methods", help="only these rows, by comma")
    parser.add_argument("--seeds", help="only these of the configuration, by comma: tables of a run that is not over")
    parser.add_argument("--kinds", nargs="+", choices=get_args(Kind), help="only these kinds of erasures")
    parser.add_argument("--part", type=part_of, default=(0, 1), help="I/N: every N-th cell from the I-th")
    options = parser.parse_args()
    over: dict[str, object] = {key: getattr(options, key) for key in ("people", "backbone", "work", "results", "kinds")}
    if options.seeds:
        over["seeds"] = tuple(int(seed) for seed in options.seeds.split(","))
    config = read_config(options.config, **over)
    needed(config.people, config.backbone)
    chosen = {label: config.methods[label] for label in (options.methods or ",".join(config.methods)).split(",")}
    torch.set_num_threads(1)
    with progress_bar() as progress:
        bench = build_bench(config, progress)
        bench.require_people()
        work = partial(run, measure=partial(measured, bench), results=Results(config.work / "cells.jsonl"))
        trials = [cell for label, plan in chosen.items() for cell in trials_of(label, plan, bench)]
        work(trials, stage="searching", part=options.part, progress=progress)
        found = work(trials)  # what other processes are at is waited for
        built = {label: plan.build(choose(label, plan, bench, found)) for label, plan in chosen.items()}
        tables = cells_of(bench, chosen, built)
        work(work_of(tables, bench), stage="erasing", part=options.part, progress=progress)
        if options.part[1] == 1:
            found = work([cell for rows in tables.values() for cells in rows.values() for cell in cells])
            write_tables(found, bench, built)


def cells_of(bench: Bench, plans: dict[str, MethodPlan], built: dict[str, Method]) -> Tables:
    """The cells of each table by row; what has no randomness runs with one seed."""
    config: Config = bench.config
    tables: Tables = {}
    if "single" in config.kinds:
        tables["single"] = {
            label: [
                cell_of(label, method, (person,), seed, "single", bench)
                for person in bench.reported
                for seed in seeds(method, config)
            ]
            for label, method in built.items()
        }
    joining = {label: built[label] for label, plan in plans.items() if plan.several}
    for count, kind in itertools.product(config.together, ("together", "in_turn")):
        if kind in config.kinds and (kind == "together" or count > 1):
            name = f"{kind}_{count}"
            tables[name] = {label: _of_several(label, method, count, name, bench) for label, method in joining.items()}
    return {name: rows for name, rows in tables.items() if rows}


def _of_several(label: str, method: Method, count: int, table: str, bench: Bench) -> list[Cell]:
    budgeted = method if table.startswith("in_turn") else bench.config.budgeted(method, count)
    return [
        cell_of(label, budgeted, group[:count], seed, table, bench)
        for group in bench.groups
        for seed in seeds(method, bench.config)
    ]


def work_of(tables: Tables, bench: Bench) -> list[Cell]:
    """What has to be run: of erasures one after another the longest alone, which leaves the shorter ones on its way.

    Seed by seed, several at once before one after another, and group by group: a stopped run has whole tables.
    """
    every = [cell for rows in tables.values() for cells in rows.values() for cell in cells]
    longest: dict[tuple[object, ...], Cell] = {}
    for cell in every:
        one_by_one = in_turn(cell, bench)
        key = (cell.method, cell.seed, one_by_one, cell.people[0] if one_by_one else cell.people)
        if key not in longest or len(cell.people) > len(longest[key].people):
            longest[key] = cell
    first = {person: place for place, person in enumerate(dict.fromkeys(cell.people[0] for cell in every))}
    return sorted(longest.values(), key=lambda cell: (cell.seed, in_turn(cell, bench), first[cell.people[0]]))


def seeds(method: Method, config: Config) -> tuple[int, ...]:
    """One where every seed gives the same."""
    return config.seeds[:1] if method.name in ("drop_row", "mask_logit", "pour") else config.seeds


def write_tables(found: Sequence[Measured], bench: Bench, built: dict[str, Method]) -> None:
    """Markdown with all tables, a CSV of each, and the figures."""
    reads = {label: ", ".join(method.reads) for label, method in built.items()}
    config, erased = bench.config, [f"{len(bench.reported)} erased one at a time"] * ("single" in bench.config.kinds)
    if {"together", "in_turn"} & {*config.kinds}:
        erased.append(f"erased several: {config.groups} group{'s' * (config.groups > 1)} of them")
    text = [
        f"{len(bench.names)} people enrolled; {', '.join(erased)}; seeds {', '.join(map(str, config.seeds))}. Percent: "
        "mean ± half the 95 % interval over people or groups, seeds of one averaged first (worst run).\n"
    ]
    tables = {name: by(own, lambda cell: cell.method) for name, own in by(found, lambda cell: cell.table).items()}
    for name, rows in tables.items():
        text.append(f"## {name}\n\n{table(rows, reads)}")
        write_runs(config.results / f"{name}.csv", rows)
    first = {label: runs[0].cell for label, runs in tables.get("single", {}).items()}
    mapped = {label: (cell, outcome_of(cell, bench)) for label, cell in first.items()}
    write_figures(tables, config.results, mapped, bench)
    path = config.results / "table.md"
    write_atomically(path, "\n".join(text).encode())
    print(path.read_text())


if __name__ == "__main__":
    main()
