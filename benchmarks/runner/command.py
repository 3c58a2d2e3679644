"""What the commands of benchmarks have in common: their options, how they end, where they leave what they found."""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import ParamSpec

from benchmarks.runner.cell import Cell, Measured, Numbers
from benchmarks.runner.run import Results, run
from faceforget.errors import FaceForgetError
from faceforget.progress import Progress

P = ParamSpec("P")


def command(main: Callable[P, None]) -> Callable[P, None]:
    """A ``main`` that ends with a readable error and exit code 2 where something is missing or cannot be done."""

    @wraps(main)
    def ended(*given: P.args, **named: P.kwargs) -> None:
        try:
            main(*given, **named)
        except FaceForgetError as error:
            print(f"Error: {error}", file=sys.stderr)
            sys.exit(2)

    return ended


def options_of(doc: str | None, work: Path, results: Path) -> argparse.ArgumentParser:
    """A parser with the options of every benchmark that has cells.

    Args:
        doc: The module's.
        work: Where cells and models are kept, so that a run that was stopped goes on.
        results: Where tables go.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", type=part_of, default=(0, 1), metavar="I/N", help="every N-th cell, from the I-th")
    parser.add_argument("--tables", action="store_true", help="only write the tables of the cells that are there")
    parser.add_argument("--work", type=Path, default=work, help="where cells and models are kept, to go on later")
    parser.add_argument("--results", type=Path, default=results, help="where tables go")
    parser.add_argument("--go-on", action="store_true", help="start from the cells that the results hold")
    return parser


def part_of(text: str) -> tuple[int, int]:
    """I and N of ``I/N``."""
    part, parts = text.split("/")
    return int(part), int(parts)


def kept_in(options: argparse.Namespace, name: str) -> Results:
    """Where a benchmark keeps its cells; with ``--go-on`` those of the results are among them."""
    kept = Results(options.work / f"{name}.jsonl")
    if options.go_on:
        kept.add(Results(options.results / f"{name}.jsonl").read())
    return kept


def run_all(
    name: str,
    cells: Sequence[Cell],
    measure: Callable[[Cell], Numbers],
    options: argparse.Namespace,
    progress: Progress,
) -> list[Measured]:
    """Run a plan as the options say; what is there of it goes to the folder of results, too.

    Returns:
        What is there; nothing where this process has a part only, and another one makes the tables.
    """
    kept = kept_in(options, name)
    found = kept.of(cells) if options.tables else run(cells, measure, kept, part=options.part, progress=progress)
    if options.part[1] > 1 and not options.tables:
        return []
    if found:
        Results(options.results / f"{name}.jsonl").replace(found)
    return found
