"""Tables of the paper's columns."""

import csv
import io
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import mean

from benchmarks.figures import Result, Rows
from benchmarks.spread import spread
from faceforget.files import write_atomically

COLUMNS = {
    "acc_f_train": "Acc_f,train",
    "acc_f_test": "Acc_f,test",
    "acc_r_train": "Acc_r,train",
    "acc_r_test": "Acc_r,test",
    "h": "H",
    "old_row": "Acc_f,test, old row back",
    "by_means": "by class means",
    "member_train": "judged member: forgotten train",
    "member_test": "forgotten test",
}


def markdown(rows: Rows, reads: Mapping[str, str]) -> str:
    """A line per method: mean ± half the 95 % interval over seeds, in percent.

    "Less than retrained" compares Acc_r,test with the network retrained for the same seed; "faster" is the factor.
    """
    columns = [*COLUMNS.values(), "Acc_r,test less than retrained", "seconds", "faster than retraining"]
    lines = [f"| method | reads | runs | {' | '.join(columns)} |", "|---|---|---|" + "---|" * len(columns)]
    reference = {run.erased: run.numbers["acc_r_test"] for run in rows.get("retrain", ())}
    retraining = _seconds(rows.get("retrain", ()))
    for label, found in rows.items():
        if not found:
            continue
        values = [spread([(run.erased, run.numbers[key]) for run in found]) for key in COLUMNS]
        behind = [
            (run.erased, reference[run.erased] - run.numbers["acc_r_test"]) for run in found if run.erased in reference
        ]
        seconds = _seconds(found)
        failed = sum(run.numbers["failed"] for run in found)
        cells = [
            f"{label} ({failed:.0f} of {len(found)} failed)" if failed else label,
            reads.get(label, ""),
            str(len(found)),
            *values,
            "" if label == "retrain" else spread(behind),
            _short(seconds),
            "" if label == "retrain" else _short(retraining / seconds),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _short(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _seconds(found: Iterable[Result]) -> float:
    """On average; NaN where no run was timed."""
    timed = [run.numbers["seconds"] for run in found if not math.isnan(run.numbers["seconds"])]
    return mean(timed) if timed else math.nan


def write_csv(path: Path, tables: Mapping[str, Rows]) -> None:
    """Every run as a line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["table", "method", "seed", *COLUMNS, "seconds", "failed"])
    for table, rows in tables.items():
        for label, found in rows.items():
            for run in found:
                values = [f"{run.numbers[key]:.4f}" for key in (*COLUMNS, "seconds", "failed")]
                writer.writerow([table, label, run.seed, *values])
    write_atomically(path, text.getvalue().encode())
