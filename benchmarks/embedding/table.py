"""Tables of both promises, and of how soon people are learnt again."""

from collections.abc import Sequence
from math import inf
from statistics import mean, median

from benchmarks.runner.cell import Cell, Measured
from benchmarks.runner.table import Column, by, change, counted, markdown, percent
from faceforget.lab import FAR, TAR

_PROMISES = ("forgotten", "unrecognisable", "others_kept")
_NAMES = ("method", "model")


def written(found: Sequence[Measured], planned: int) -> str:
    """Markdown of what is there of the planned cells."""
    text = [
        "# Both promises on people who took no part in the search",
        "",
        f"`python -m benchmarks.embedding`, {len(found)} of {planned} cells. Per cent; changes (Δ) in points, after "
        "minus before. Mean over people ± half the 95 % interval (Student's t, seeds of a person averaged first), the "
        "worst single erasure in brackets. TAR at FAR 0.1 %. Verdicts by the values: passed / partial / failed.",
        "",
    ]
    for table, own in by(found, lambda cell: cell.table).items():
        lines = _seconds(own) if table == "seconds" else markdown(_NAMES, _COLUMNS, by(own, _row))
        text += [f"## {table.replace('_', ' ')}", "", *lines, ""]
    return "\n".join([*text, "## Relearning", "", *_relearning(found), ""])


def _row(cell: Cell) -> tuple[str, ...]:
    """The seeds of a backbone together."""
    return cell.method, cell.world


def _verdicts(promise: str) -> Column:
    def text(runs: Sequence[Measured]) -> str:
        outcomes = [run.numbers["verdict"][promise] for run in runs]
        return " / ".join(str(outcomes.count(outcome)) for outcome in ("passed", "partial", "failed"))

    return Column(promise, text)


_COLUMNS = (
    percent("Acc_f, old row back", "acc_f", max),
    change("Δ Acc_r", "acc_r", min),
    change("Δ named", "named", min),
    change("Δ strangers' 1-NN", "nearest", min),
    change("Δ strangers' TAR", "tar_s", min),
    percent("TAR of the person", "tar_f", max),
    percent("re-enrolled, rank-1", "rank_1", max),
    *map(_verdicts, _PROMISES),
    counted(),
)


def _relearning(found: Sequence[Measured]) -> list[str]:
    def own(runs: Sequence[Measured]) -> list[float]:
        return [_known(run.numbers["relearned"]) for run in runs]

    def strangers(runs: Sequence[Measured]) -> list[float]:
        return [_known(run.numbers["relearned_stranger"]) for run in runs]

    def kept(runs: Sequence[Measured]) -> str:
        return f"{sum(a >= b != inf for a, b in zip(own(runs), strangers(runs), strict=True))} of {len(runs)}"

    columns = (
        Column("steps, the person", lambda runs: f"{_steps(median(own(runs)))} (fewest {_steps(min(own(runs)))})"),
        Column("steps, a stranger", lambda runs: _steps(median(strangers(runs)))),
        Column("not fewer than a stranger", kept),
    )
    taught = [run for run in found if "relearned" in run.numbers]
    return [
        f"Steps until {TAR:.0%} of the person's unseen photos are accepted where at most {FAR:.0%} of the photos of "
        "held-out strangers are; median over people.",
        "",
        *markdown(_NAMES, columns, by(taught, _row)),
    ]


def _known(steps: float | None) -> float:
    """Steps that were not enough are more than any number."""
    return inf if steps is None else steps


def _steps(steps: float) -> str:
    return "never" if steps == inf else f"{steps:.1f}"


def _seconds(found: Sequence[Measured]) -> list[str]:
    columns = [
        Column(title, lambda runs, of=of: f"{of([run.numbers['seconds'] for run in runs]):.1f} s")
        for title, of in (("mean", mean), ("slowest", max))
    ]
    rows = markdown(("method",), columns, by(found, lambda cell: (cell.method,)))
    return ["From photo files to the erased model, faces searched anew.", "", *rows]
