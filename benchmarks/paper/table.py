"""Tables of the paper's columns."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

from benchmarks.runner.cell import Measured
from benchmarks.runner.spread import known, spread
from benchmarks.runner.table import Column, Rows, markdown, percent, write_csv

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
_REFERENCE = "retrain"


def table(rows: Rows, reads: Mapping[str, str]) -> str:
    """A line per method: mean ± half the 95 % interval over seeds, in percent.

    "Less than retrained" compares Acc_r,test with the network retrained for the same seed; "faster" is the factor.
    """
    reference = {run.cell.who: run.numbers["acc_r_test"] for run in rows.get(_REFERENCE, ())}
    retraining = _seconds(rows.get(_REFERENCE, ()))

    def behind(runs: Sequence[Measured]) -> str:
        less = [(c.who, reference[c.who] - n["acc_r_test"]) for c, n in runs if c.who in reference]
        return "" if runs[0].cell.method == _REFERENCE else spread(less)

    def faster(runs: Sequence[Measured]) -> str:
        seconds = _seconds(runs)
        untold = retraining is None or seconds is None or runs[0].cell.method == _REFERENCE
        return "" if untold else _short(retraining / seconds)

    columns = [
        Column("reads", lambda runs: reads.get(runs[0].cell.method, "")),
        Column("runs", lambda runs: str(len(runs))),
        *(percent(title, key) for key, title in COLUMNS.items()),
        Column("Acc_r,test less than retrained", behind),
        Column("seconds", lambda runs: _short(_seconds(runs))),
        Column("faster than retraining", faster),
    ]
    there = {(_label(label, runs),): runs for label, runs in rows.items() if runs}
    return "\n".join([*markdown(("method",), columns, there), ""])


def _label(label: str, runs: Sequence[Measured]) -> str:
    failed = sum(run.numbers["failed"] for run in runs)
    return f"{label} ({failed:.0f} of {len(runs)} failed)" if failed else label


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _seconds(runs: Sequence[Measured]) -> float | None:
    """On average; None where no run was timed."""
    timed = known(run.numbers["seconds"] for run in runs)
    return mean(timed) if timed else None


def write_runs(path: Path, tables: Mapping[str, Rows]) -> None:
    """Every run as a line of CSV."""
    rows = (
        ({"table": table, "method": label, "seed": run.cell.seed}, run.numbers)
        for table, rows in tables.items()
        for label, runs in rows.items()
        for run in runs
    )
    write_csv(path, (*COLUMNS, "seconds", "failed"), rows, ".4f")
