"""Audit seven ways to erase a person on LFW: what each leaves behind.

    python -m benchmarks.audit_methods --people 6

`retrain` is the reference beside every number; `head_only` and `drop_row` are the trivial erasures that accuracy
cannot tell from a real one. Each cell is saved under --work, so that an interrupted run goes on.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.data import LFW, MOBILEFACENET, RESULTS, ROOT, lay_out, needed, reported_people
from benchmarks.runner.cell import Cell, Measured, Numbers
from benchmarks.runner.command import command, options_of, run_all
from benchmarks.runner.table import by, plain
from faceforget import api
from faceforget.api import FaceCache, Memory, Recognizer, read_people, write_atomically, write_json
from faceforget.cli.console import progress_bar

METHODS = ("retrain", "delete", "anchored", "dispersed", "random_label", "head_only", "drop_row")
COLUMNS = {
    "named as handed out": ("accuracy", "after", "forgotten_named"),
    "named, old row back": ("accuracy", "after", "forgotten"),
    "re-enrolled from 5, rank-1": ("reenrolment", "after", "5"),
    "TAR at FAR 0.1 %": ("verification", "after", "forgotten", "tar_far_0.001"),
    "retained": ("accuracy", "after", "retained"),
    "retained named": ("accuracy", "after", "retained_named"),
    "strangers' TAR": ("verification", "after", "strangers", "tar_far_0.001"),
}
PROMISES = ("forgotten", "unrecognisable", "others_kept")


def erased(work: Path, parts: Mapping[str, Path], runtime: api.Runtime, person: str, method: str) -> Recognizer:
    """The model without a person; kept."""
    model = work / f"{person}.{method}.safetensors"
    if not model.exists():
        again = {"retained": parts["train"], "backbone": str(MOBILEFACENET)} if method == "retrain" else {}
        photos = read_people(parts["train"])[person]
        outcome = api.erase(api.load(work / "base.safetensors"), {person: photos}, method=method,
                            allow_incomplete=True, allow_damage=True, runtime=runtime, **again)  # fmt: skip
        api.save(outcome.recognizer, model)
    return api.load(model)


def measured(work: Path, parts: Mapping[str, Path], runtime: api.Runtime, cell: Cell) -> Numbers:
    """One person erased by one method, audited; the report is kept."""
    (person,), method = cell.people, cell.method
    photos, unseen = (read_people(parts[part])[person] for part in ("train", "unseen"))
    others = api.Others(
        retained=parts["unseen"],
        members=parts["train"],
        strangers=parts["strangers"],
        retrained=erased(work, parts, runtime, person, "retrain"),
    )
    report = api.audit(api.load(work / "base.safetensors"), erased(work, parts, runtime, person, method),
                       {person: unseen}, forget_photos={person: photos}, others=others,
                       memory=_memory(person), runtime=runtime).to_dict()  # fmt: skip
    write_json(work / f"{person}.{method}.json", report)
    return slim(report)


@lru_cache(1)
def _memory(person: str) -> Memory:
    """What models made of the photos around one person."""
    return Memory()


def value(content: Mapping[str, Any], path: tuple[str, ...]) -> float | None:
    for key in path:
        content = content[key]
    return content  # type: ignore[return-value]


def slim(content: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of the table and what else is short; the rest, with intervals and names, stays in the reports."""
    pairs = {side: {group: found[group] for group in ("forgotten", "retained", "strangers")}
             for side, found in content["verification"].items() if found}  # fmt: skip
    short = {key: content[key] for key in ("accuracy", "reenrolment", "verdict_at_value", "only_head")}
    return {**short, "verification": pairs}


def table(found: Sequence[Measured]) -> list[str]:
    """Markdown: means over people; verdicts as passed/partial/failed counts."""
    rows = by(found, lambda cell: cell.method)
    first = next(iter(rows.values()), [])
    before = ["before", *_means(first, "before"), *[""] * len(PROMISES)]
    after = ([method, *_means(runs, "after"), *_verdicts(runs)] for method, runs in rows.items())
    return plain(["method", *COLUMNS, *PROMISES], [before, *after])


def _means(runs: Sequence[Measured], side: str) -> list[str]:
    texts = []
    for path in COLUMNS.values():
        values = [v for run in runs if (v := value(run.numbers, (path[0], side, *path[2:]))) is not None]
        texts.append(f"{100 * mean(values):.1f}" if values else "")
    return texts


def _verdicts(runs: Sequence[Measured]) -> list[str]:
    outcomes = [[run.numbers["verdict_at_value"][promise] for run in runs] for promise in PROMISES]
    return ["/".join(str(own.count(o)) for o in ("passed", "partial", "failed")) for own in outcomes]


@command
def main() -> None:
    parser = options_of(__doc__, ROOT / "out" / "audit_methods", RESULTS)
    parser.add_argument("--people", type=int, default=6, help="people to erase, one at a time")
    options = parser.parse_args()
    needed(LFW, MOBILEFACENET)
    parts = lay_out(options.work / "people", LFW)
    with progress_bar() as progress:
        runtime = api.Runtime(cache=FaceCache(), progress=progress)
        base = options.work / "base.safetensors"
        if not base.exists():
            plan = api.EnrolmentPlan(train="full")
            api.save(api.enroll(parts["train"], backbone=MOBILEFACENET, plan=plan, runtime=runtime).recognizer, base)
        cells = [Cell("LFW", method, (person,)) for person in reported_people()[: options.people] for method in METHODS]
        found = run_all("audit_methods", cells, partial(measured, options.work, parts, runtime), options, progress)
    if not found:
        return
    text = [
        "# Seven ways to erase a person, audited",
        "",
        f"`python -m benchmarks.audit_methods --people {options.people}`: "
        f"LFW, 62 people enrolled, {options.people} erased one at a time; means in per cent. "
        "Verdicts: how many passed / partial / failed.",
        "",
        *table(found),
        "",
    ]
    print("\n".join(text))
    write_atomically(options.results / "audit_methods.md", "\n".join(text).encode())


if __name__ == "__main__":
    main()
