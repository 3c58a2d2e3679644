"""Cells as a table: mean, half the 95 % interval, worst; Markdown and CSV."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

from benchmarks.figures import Result, Rows
from benchmarks.spread import spread
from faceforget.files import write_atomically

# The better direction decides which end is the worst: +1 higher is better, -1 lower, 0 no worst is said.
COLUMNS = {
    "acc_f_train": ("Acc_f,train", -1),
    "acc_f_test": ("Acc_f,test", -1),
    "acc_r_train": ("Acc_r,train", 1),
    "acc_r_test": ("Acc_r,test", 1),
    "h": ("H", 1),
    "old_row": ("old row back", 0),
    "worst_person": ("worst person who stays", 1),
    "member_train": ("judged enrolled: erased photos", 0),
    "member_test": ("judged enrolled: their unseen photos", 0),
    "seconds": ("CPU seconds", 0),
}


def markdown(rows: Rows, reads: Mapping[str, str]) -> str:
    """One line per method, in percent; each value's worst case in brackets."""
    titles = ["method", *(title for title, _ in COLUMNS.values()), "reads", "runs"]
    lines = [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles)]
    for label, found in rows.items():
        cells = [_text(key, found) for key in COLUMNS]
        lines.append(f"| {' | '.join([label, *cells, reads[label], _runs(found)])} |")
    return "\n".join(lines) + "\n"


def _runs(found: Sequence[Result]) -> str:
    failed = sum(result.numbers["failed"] for result in found)
    return f"{len(found)}" + (f" ({failed:.0f} failed)" if failed else "")


def _text(key: str, found: Sequence[Result]) -> str:
    values = [(result.erased, result.numbers[key]) for result in found]
    if key == "seconds":
        known = [value for _, value in values if not math.isnan(value)]
        return f"{mean(known):.1f}" if known else ""
    return spread(values, {1: min, -1: max, 0: None}[COLUMNS[key][1]])


def write_csv(path: Path, rows: Rows) -> None:
    """Every run on a line of its own; people by number, in the order of the table."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["method", "who", "seed", *COLUMNS, "failed"])
    for label, found in rows.items():
        who = {people: number for number, people in enumerate(dict.fromkeys(result.erased for result in found))}
        for result in found:
            numbers = [f"{result.numbers[key]:.6g}" for key in (*COLUMNS, "failed")]
            writer.writerow([label, who[result.erased], result.seed, *numbers])
    write_atomically(path, text.getvalue().encode())
