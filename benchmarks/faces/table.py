"""Cells as a table: mean, half the 95 % interval, worst; Markdown and CSV."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

from scipy import stats

from faceforget.files import write_atomically

Rows = Mapping[str, Sequence[Mapping[str, float]]]

# The better direction decides which end is the worst: +1 higher is better, -1 lower, 0 no worst is said.
COLUMNS = {
    "acc_f_train": ("Acc_f,train", -1),
    "acc_f_test": ("Acc_f,test", -1),
    "acc_r_train": ("Acc_r,train", 1),
    "acc_r_test": ("Acc_r,test", 1),
    "h": ("H", 1),
    "old_row": ("old row back", 0),
    "worst_person": ("worst person who stays", 1),
    "seconds": ("seconds", 0),
}


def half_interval(values: Sequence[float]) -> float:
    """Half the 95 % interval of the mean, by Student's t; NaN for fewer than two values."""
    if len(values) < 2:
        return math.nan
    centre = mean(values)
    deviation = math.sqrt(sum((value - centre) ** 2 for value in values) / (len(values) - 1))
    return float(stats.t.ppf(0.975, len(values) - 1)) * deviation / math.sqrt(len(values))


def markdown(rows: Rows, reads: Mapping[str, str]) -> str:
    """One line per method, in percent; each value's worst case in brackets."""
    titles = ["method", *(title for title, _ in COLUMNS.values()), "reads", "runs"]
    lines = [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles)]
    for label, found in rows.items():
        cells = [_text(key, [row[key] for row in found]) for key in COLUMNS]
        lines.append(f"| {' | '.join([label, *cells, reads[label], _runs(found)])} |")
    return "\n".join(lines) + "\n"


def _runs(found: Sequence[Mapping[str, float]]) -> str:
    failed = sum(row["failed"] for row in found)
    return f"{len(found)}" + (f" ({failed:.0f} failed)" if failed else "")


def _text(key: str, values: Sequence[float]) -> str:
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return "-"
    if key == "seconds":
        return f"{mean(known):.1f}"
    half, better = half_interval(known), COLUMNS[key][1]
    text = f"{100 * mean(known):.1f}" + (f" ± {100 * half:.1f}" if not math.isnan(half) else "")
    return f"{text} ({100 * (min(known) if better > 0 else max(known)):.1f})" if better else text


def write_csv(path: Path, rows: Rows) -> None:
    """Every run on a line of its own."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["method", "run", *COLUMNS, "failed"])
    for label, found in rows.items():
        for index, row in enumerate(found):
            writer.writerow([label, index, *(f"{row[key]:.6g}" for key in (*COLUMNS, "failed"))])
    write_atomically(path, text.getvalue().encode())
