"""Tables of cells: a line per row, each column a text of the row's runs."""

import csv
import io
import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TypeVar

from benchmarks.runner.cell import Cell, Measured, Numbers
from benchmarks.runner.spread import known, spread
from faceforget.api import write_atomically

Worst = Callable[[Iterable[float]], float]
Value = Callable[[Numbers], float | None]
Row = TypeVar("Row", bound=Hashable)
# The runs of each row, by its label.
Rows = Mapping[str, Sequence[Measured]]


@dataclass(frozen=True)
class Column:
    """A title, and what it says of the runs of a row."""

    title: str
    text: Callable[[Sequence[Measured]], str]


def percent(title: str, value: str | Value, worst: Worst | None = None) -> Column:
    """Fractions in per cent: mean over people ± half the 95 % interval, the worst run in brackets.

    Args:
        title: Of the column.
        value: Key of a number, or what is made of the numbers of a run.
        worst: ``max`` or ``min``; None: no worst run is said.
    """
    of = (lambda numbers: numbers[value]) if isinstance(value, str) else value
    return Column(title, lambda runs: spread([(run.cell.who, of(run.numbers)) for run in runs], worst))


def change(title: str, key: str, worst: Worst) -> Column:
    """Of a number ``key`` after, less ``key_before``; runs in which one of them is not known do not count."""

    def of(numbers: Numbers) -> float | None:
        after, before = numbers[key], numbers[f"{key}_before"]
        return None if after is None or before is None else after - before

    return percent(title, of, worst)


def average(title: str, key: str, form: str = "{:.0f}") -> Column:
    """Mean of the runs that have such a number, such as seconds; empty where none has."""

    def text(runs: Sequence[Measured]) -> str:
        values = known(run.numbers.get(key) for run in runs)
        return form.format(mean(values)) if values else ""

    return Column(title, text)


def counted(title: str = "runs") -> Column:
    """How many runs there are, and how many of them failed."""

    def text(runs: Sequence[Measured]) -> str:
        failed = sum(run.numbers.get("failed") or 0 for run in runs)
        return f"{len(runs)}" + (f" ({failed:.0f} failed)" if failed else "")

    return Column(title, text)


def settings(chosen: Mapping[str, Mapping[str, object]]) -> Column:
    """What was chosen for the row's method."""

    def text(runs: Sequence[Measured]) -> str:
        return ", ".join(f"{key}={value}" for key, value in chosen.get(runs[0].cell.method, {}).items())

    return Column("settings", text)


def by(found: Iterable[Measured], row: Callable[[Cell], Row]) -> dict[Row, list[Measured]]:
    """The runs of each row, rows in the order in which they are first met."""
    rows: dict[Row, list[Measured]] = {}
    for run in found:
        rows.setdefault(row(run.cell), []).append(run)
    return rows


def by_method(found: Iterable[Measured]) -> dict[tuple[str, ...], list[Measured]]:
    """The runs of each method, which is marked where one has ended with an error."""
    rows = by(found, lambda cell: cell.method)
    return {
        (f"{method} (failed)" if any("error" in run.numbers for run in runs) else method,): runs
        for method, runs in rows.items()
    }


def markdown(
    names: Sequence[str], columns: Sequence[Column], rows: Mapping[tuple[str, ...], Sequence[Measured]]
) -> list[str]:
    """Lines of Markdown: what names a row under ``names``, then its columns."""
    texts = ([*row, *(column.text(runs) for column in columns)] for row, runs in rows.items())
    return plain([*names, *(column.title for column in columns)], texts)


def plain(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of Markdown from texts."""
    return [
        f"| {' | '.join(titles)} |",
        "|" + "---|" * len(titles),
        *(f"| {' | '.join(texts)} |" for texts in rows),
    ]


def write_csv(path: Path, keys: Sequence[str], rows: Iterable[tuple[Mapping[str, object], Numbers]], form: str) -> None:
    """Every run on a line of its own.

    Args:
        path: Of the file.
        keys: Of the numbers.
        rows: What a run is of, by column, and its numbers.
        form: Of a number; one that is not known is ``nan``.
    """
    text, found = io.StringIO(), list(rows)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*(found[0][0] if found else ()), *keys])
    for names, numbers in found:
        values = (math.nan if numbers[key] is None else numbers[key] for key in keys)
        writer.writerow([*names.values(), *(format(value, form) for value in values)])
    write_atomically(path, text.getvalue().encode())
