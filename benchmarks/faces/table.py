"""Cells as a table: mean, half the 95 % interval, worst; Markdown and CSV."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.runner.cell import Numbers
from benchmarks.runner.table import Column, Rows, average, counted, markdown, percent, write_csv

# Titles, and the end that is the worst: none where neither direction is better.
_FRACTIONS = {
    "acc_f_train": ("Acc_f,train", max),
    "acc_f_test": ("Acc_f,test", max),
    "acc_r_train": ("Acc_r,train", min),
    "acc_r_test": ("Acc_r,test", min),
    "h": ("H", min),
    "old_row": ("old row back", None),
    "worst_person": ("worst person who stays", min),
    "member_train": ("judged enrolled: erased photos", None),
    "member_test": ("judged enrolled: their unseen photos", None),
}


def table(rows: Rows, reads: Mapping[str, str]) -> str:
    """One line per method, in percent; each value's worst case in brackets."""
    columns = [
        *(percent(title, key, worst) for key, (title, worst) in _FRACTIONS.items()),
        average("CPU seconds", "seconds", "{:.1f}"),
        Column("reads", lambda runs: reads[runs[0].cell.method]),
        counted(),
    ]
    return "\n".join([*markdown(("method",), columns, {(label,): runs for label, runs in rows.items()}), ""])


def write_runs(path: Path, rows: Rows) -> None:
    """Every run as CSV; people by number, in the order of the table."""
    write_csv(path, (*_FRACTIONS, "seconds", "failed"), _named(rows), ".6g")


def _named(rows: Rows) -> Iterator[tuple[Mapping[str, object], Numbers]]:
    for label, found in rows.items():
        who = {people: number for number, people in enumerate(dict.fromkeys(run.cell.people for run in found))}
        for cell, numbers in found:
            yield {"method": label, "who": who[cell.people], "seed": cell.seed}, numbers
