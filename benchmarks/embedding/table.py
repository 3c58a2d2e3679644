"""Tables of means with 95 % intervals and worst cases, as Markdown and JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from math import inf
from statistics import mean, median
from typing import Any, Protocol

from benchmarks.protocol import ROOT
from benchmarks.spread import spread
from faceforget.audit.questions.relearning import FAR, TAR

RESULTS = ROOT / "benchmarks" / "results"
Numbers = Mapping[str, Any]
# Title, value of a cell, digits, and which end is the worst.
_COLUMNS: tuple[tuple[str, Callable[[Numbers], float | None], Callable[..., float]], ...] = (
    ("Acc_f, old row back", lambda c: c["acc_f"], max),
    ("Δ Acc_r", lambda c: c["acc_r"] - c["acc_r_before"], min),
    ("Δ named", lambda c: c["named"] - c["named_before"], min),
    ("Δ strangers' 1-NN", lambda c: c["nearest"] - c["nearest_before"], min),
    ("Δ strangers' TAR", lambda c: c["tar_s"] - c["tar_s_before"], min),
    ("TAR of the person", lambda c: c["tar_f"], max),
    ("re-enrolled, rank-1", lambda c: c["rank_1"], max),
)
_PROMISES = ("forgotten", "unrecognisable", "others_kept")


class Kind(Protocol):
    """What a cell is of."""

    @property
    def table(self) -> str:
        """Which table it belongs to."""
        ...

    @property
    def world(self) -> str:
        """Data, backbone and seed."""
        ...

    @property
    def method(self) -> str:
        """How it was erased."""
        ...

    @property
    def people(self) -> tuple[str, ...]:
        """Who was erased."""
        ...


def write(found: Sequence[tuple[Kind, Numbers]], planned: int) -> None:
    """Write ``embedding.md`` and ``embedding.json`` with what is there of the planned cells."""
    text = [
        "# Both promises on people who took no part in the search",
        "",
        f"`python -m benchmarks.embedding`, {len(found)} of {planned} cells. Per cent; changes (Δ) in points, after "
        "minus before. Mean over people ± half the 95 % interval (Student's t, seeds of a person averaged first), the "
        "worst single erasure in brackets. TAR at FAR 0.1 %. Verdicts by the values: passed / partial / failed.",
        "",
    ]
    for table in dict.fromkeys(kind.table for kind, _ in found):
        own = [(kind, numbers) for kind, numbers in found if kind.table == table]
        text += [f"## {table.replace('_', ' ')}", "", *(_seconds(own) if table == "seconds" else _table(own)), ""]
    text += ["## Relearning", "", *_relearning(found), ""]
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "embedding.md").write_text("\n".join(text))
    lines = [
        json.dumps({"table": k.table, "world": k.world, "method": k.method, "people": len(k.people),
                    **{key: round(v, 5) if isinstance(v, float) else v for key, v in n.items()}})
        for k, n in found
    ]  # fmt: skip
    (RESULTS / "embedding.jsonl").write_text("\n".join(lines) + "\n")


def _rows(found: Sequence[tuple[Kind, Numbers]]) -> dict[tuple[str, str], list[tuple[Kind, Numbers]]]:
    """By method and data: the seeds of a backbone together."""
    rows: dict[tuple[str, str], list[tuple[Kind, Numbers]]] = {}
    for kind, numbers in found:
        rows.setdefault((kind.method, kind.world.rpartition("_")[0]), []).append((kind, numbers))
    return rows


def _table(found: Sequence[tuple[Kind, Numbers]]) -> list[str]:
    titles = ["method", "model", *(title for title, _, _ in _COLUMNS), *_PROMISES, "runs"]
    lines = [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles)]
    for (method, world), cells in _rows(found).items():
        texts = [
            spread([(k.people, v) for k, n in cells if (v := value(n)) is not None], w) for _, value, w in _COLUMNS
        ]
        verdicts = [_counts([numbers["verdict"][promise] for _, numbers in cells]) for promise in _PROMISES]
        lines.append(f"| {' | '.join([method, world, *texts, *verdicts, str(len(cells))])} |")
    return lines


def _counts(outcomes: Sequence[str]) -> str:
    return " / ".join(str(outcomes.count(outcome)) for outcome in ("passed", "partial", "failed"))


def _relearning(found: Sequence[tuple[Kind, Numbers]]) -> list[str]:
    lines = [
        f"Steps until {TAR:.0%} of the person's unseen photos are accepted where at most {FAR:.0%} of the photos of "
        "held-out strangers are; median over people.",
        "",
        "| method | model | steps, the person | steps, a stranger | not fewer than a stranger |",
        "|---|---|---|---|---|",
    ]
    taught = [(kind, numbers) for kind, numbers in found if "relearned" in numbers]
    for (method, world), cells in _rows(taught).items():
        own, strangers = ([_known(n[key]) for _, n in cells] for key in ("relearned", "relearned_stranger"))
        kept = sum(a >= b != inf for a, b in zip(own, strangers, strict=True))
        lines.append(f"| {method} | {world} | {_steps(median(own))} (fewest {_steps(min(own))}) | "
                     f"{_steps(median(strangers))} | {kept} of {len(own)} |")  # fmt: skip
    return lines


def _known(steps: float | None) -> float:
    """Steps that were not enough are more than any number."""
    return inf if steps is None else steps


def _steps(steps: float) -> str:
    return "never" if steps == inf else f"{steps:.1f}"


def _seconds(found: Sequence[tuple[Kind, Numbers]]) -> list[str]:
    lines = [
        "From photo files to the erased model, faces searched anew.",
        "",
        "| method | mean | slowest |",
        "|---|---|---|",
    ]
    for (method, _), cells in _rows(found).items():
        values = [numbers["seconds"] for _, numbers in cells]
        lines.append(f"| {method} | {mean(values):.1f} s | {max(values):.1f} s |")
    return lines
