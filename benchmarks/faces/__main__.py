"""Run the benchmark of a configuration file; run it again to go on where it stopped.

``python -m benchmarks.faces benchmarks/faces/single.toml`` chooses hyperparameters on the search people, erases
the reported people one at a time, then several at once and one after another, and writes tables. With
``--part I/N`` a process runs every N-th cell, so that N processes share the work; the tables are then made by
running it once more without.
"""

import argparse
import itertools
from pathlib import Path
from typing import get_args

import torch

from benchmarks.faces.cells import Cell, outcome_of
from benchmarks.faces.config import Config, Kind, MethodPlan, read_config
from benchmarks.faces.figures import write_figures
from benchmarks.faces.measures import measures
from benchmarks.faces.search import choose, trials_of
from benchmarks.faces.table import markdown, write_csv
from benchmarks.faces.world import World, build_world
from benchmarks.figures import Result
from faceforget.cli.console import progress_bar
from faceforget.files import write_atomically
from faceforget.progress import tracked
from faceforget.unlearn.base import Method

Tables = dict[str, dict[str, list[Cell]]]


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
    parser.add_argument("--part", default="0/1", help="I/N: every N-th cell from the I-th")
    options = parser.parse_args()
    over: dict[str, object] = {key: getattr(options, key) for key in ("people", "backbone", "work", "results", "kinds")}
    if options.seeds:
        over["seeds"] = tuple(int(seed) for seed in options.seeds.split(","))
    config = read_config(options.config, **over)
    chosen = {label: config.methods[label] for label in (options.methods or ",".join(config.methods)).split(",")}
    part, parts = (int(number) for number in options.part.split("/"))
    torch.set_num_threads(1)
    with progress_bar() as progress:
        world = build_world(config, progress)
        world.require_people()
        trials = [cell for label, plan in chosen.items() for cell in trials_of(label, plan, world)][part::parts]
        for cell in tracked(trials, "searching", len(trials), progress):
            outcome_of(cell, world)
        built = {label: plan.build(choose(label, plan, world)) for label, plan in chosen.items()}
        tables = cells_of(world, chosen, built)
        mine = work_of(tables)[part::parts]
        for cell in tracked(mine, "erasing", len(mine), progress):
            outcome_of(cell, world)
    if parts == 1:
        write_tables(tables, world, built)


def cells_of(world: World, plans: dict[str, MethodPlan], built: dict[str, Method]) -> Tables:
    """The cells of each table by row; what has no randomness runs with one seed.

    Trained again without everybody at once or in turn: that is the same.
    """
    config: Config = world.config
    tables: Tables = {}
    if "single" in config.kinds:
        tables["single"] = {
            label: [Cell(label, method, (person,), seed) for person in world.reported for seed in seeds(method, config)]
            for label, method in built.items()
        }
    joining = {label: built[label] for label, plan in plans.items() if plan.several}
    for count, kind in itertools.product(config.together, ("together", "in_turn")):
        if kind in config.kinds and (kind == "together" or count > 1):
            tables[f"{kind}_{count}"] = {
                label: _of_several(label, method, count, kind == "in_turn", world) for label, method in joining.items()
            }
    return {name: rows for name, rows in tables.items() if rows}


def _of_several(label: str, method: Method, count: int, in_turn: bool, world: World) -> list[Cell]:
    budgeted = method if in_turn else world.config.budgeted(method, count)
    return [
        Cell(label, budgeted, tuple(group[:count]), seed, in_turn and method.name != "retrain")
        for group in world.groups
        for seed in seeds(method, world.config)
    ]


def work_of(tables: Tables) -> list[Cell]:
    """What has to be run: of erasures one after another the longest alone, which leaves the shorter ones on its way.

    Seed by seed, several at once before one after another, and group by group: a stopped run has whole tables.
    """
    every = [cell for rows in tables.values() for cells in rows.values() for cell in cells]
    longest: dict[tuple[object, ...], Cell] = {}
    for cell in every:
        key = (cell.label, cell.seed, cell.in_turn, cell.people[0] if cell.in_turn else cell.people)
        if key not in longest or len(cell.people) > len(longest[key].people):
            longest[key] = cell
    first = {person: place for place, person in enumerate(dict.fromkeys(cell.people[0] for cell in every))}
    return sorted(longest.values(), key=lambda cell: (cell.seed, cell.in_turn, first[cell.people[0]]))


def seeds(method: Method, config: Config) -> tuple[int, ...]:
    """One where every seed gives the same."""
    return config.seeds[:1] if method.name in ("drop_row", "mask_logit", "pour") else config.seeds


def write_tables(tables: Tables, world: World, built: dict[str, Method]) -> None:
    """Markdown with all tables, a CSV of each, and the figures."""
    reads = {label: ", ".join(method.reads) for label, method in built.items()}
    config, erased = world.config, [f"{len(world.reported)} erased one at a time"] * ("single" in world.config.kinds)
    if {"together", "in_turn"} & {*config.kinds}:
        erased.append(f"erased several: {config.groups} group{'s' * (config.groups > 1)} of them")
    text = [
        f"{len(world.names)} people enrolled; {', '.join(erased)}; seeds {', '.join(map(str, config.seeds))}. Percent: "
        "mean ± half the 95 % interval over people or groups, seeds of one averaged first (worst run).\n"
    ]
    results = {
        name: {label: [_result(cell, world) for cell in own] for label, own in cells.items()}
        for name, cells in tables.items()
    }
    for name, rows in results.items():
        text.append(f"## {name}\n\n{markdown(rows, reads)}")
        write_csv(world.config.results / f"{name}.csv", rows)
    first = {label: (cells[0], outcome_of(cells[0], world)) for label, cells in tables.get("single", {}).items()}
    write_figures(results, world.config.results, first, world)
    path = world.config.results / "table.md"
    write_atomically(path, "\n".join(text).encode())
    print(path.read_text())


def _result(cell: Cell, world: World) -> Result:
    return Result(cell.people, cell.seed, measures(cell, outcome_of(cell, world), world))


if __name__ == "__main__":
    main()
