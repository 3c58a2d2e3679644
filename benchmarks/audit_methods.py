"""Audit seven ways to erase a person on LFW: what each leaves behind.

    python -m benchmarks.audit_methods --people 6

`retrain` is the reference beside every number; `head_only` and `drop_row` are the trivial erasures that accuracy
cannot tell from a real one. Each cell is saved under --work, so that an interrupted run goes on.
"""

import argparse
import json
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.protocol import LFW, MOBILEFACENET, ROOT, lay_out, reported_people
from faceforget import api
from faceforget.audit.looking import Memory
from faceforget.people.folder import read_people
from faceforget.photos.cache import FaceCache
from faceforget.progress import Event

METHODS = ("retrain", "delete", "anchored", "dispersed", "random_label", "head_only", "drop_row")
RESULTS = ROOT / "benchmarks" / "results"
COLUMNS = {
    "named as handed out": ("accuracy", "after", "forgotten_named"),
    "named, old row back": ("accuracy", "after", "forgotten"),
    "re-enrolled from 5, rank-1": ("reenrolment", "after", "5"),
    "TAR at FAR 0.1 %": ("verification", "after", "forgotten", "tar_far_0.001"),
    "retained": ("accuracy", "after", "retained"),
    "retained named": ("accuracy", "after", "retained_named"),
    "strangers' TAR": ("verification", "after", "strangers", "tar_far_0.001"),
}
# The rest, with intervals and names, stays in the reports.
KEPT = ("accuracy", "reenrolment", "prototype", "verification", "membership", "compactness", "verdict_at_value",
        "only_head", "reference", "seconds")  # fmt: skip
PROMISES = ("forgotten", "unrecognisable", "others_kept")


def show(event: Event) -> None:
    if event.final:
        print(f"    {event.stage}", flush=True)


def cell(work: Path, parts: dict[str, Path], base: Path, method: str, person: str, memory: Memory) -> dict[str, Any]:
    """One person erased by one method, audited; read from disk if it is there."""
    result = work / f"{person}.{method}.json"
    if result.exists():
        found: dict[str, Any] = json.loads(result.read_text())
        return found
    runtime = api.Runtime(cache=FaceCache(), progress=show)
    before, photos = api.load(base), read_people(parts["train"])
    model = work / f"{person}.{method}.safetensors"
    if not model.exists():
        retained = parts["train"] if method == "retrain" else None
        outcome = api.erase(before, {person: photos[person]}, method=method, retained=retained,
                            backbone=str(MOBILEFACENET) if method == "retrain" else None,
                            allow_incomplete=True, allow_damage=True, runtime=runtime)  # fmt: skip
        api.save(outcome.recognizer, model)
    others = api.Others(
        retained=parts["unseen"],
        members=parts["train"],
        strangers=parts["strangers"],
        retrained=api.load(work / f"{person}.retrain.safetensors"),
    )
    unseen = {person: read_people(parts["unseen"])[person]}
    report = api.audit(before, api.load(model), unseen, forget_photos={person: photos[person]}, others=others,
                       memory=memory, runtime=runtime)  # fmt: skip
    content = {key: value for key, value in report.to_dict().items() if key in KEPT}
    result.write_text(json.dumps(content))
    return content


def value(content: dict[str, Any], path: tuple[str, ...]) -> float | None:
    for key in path:
        content = content[key]
    return content  # type: ignore[return-value]


def slim(content: dict[str, Any]) -> dict[str, Any]:
    """The numbers of the table and what else is short."""
    pairs = {side: {group: found[group] for group in ("forgotten", "retained", "strangers")}
             for side, found in content["verification"].items() if found}  # fmt: skip
    short = {key: content[key] for key in ("accuracy", "reenrolment", "verdict_at_value", "only_head")}
    return {**short, "verification": pairs}


def table(cells: dict[str, list[dict[str, Any]]]) -> str:
    """Markdown: means over people, worst case in brackets; verdicts as passed/partial/failed counts."""
    lines = [f"| method | {' | '.join((*COLUMNS, *PROMISES))} |", "|---" * (1 + len(COLUMNS) + len(PROMISES)) + "|"]
    first = next(iter(cells.values()))
    lines.append(_row("before", first, "before", verdicts=False))
    lines += [_row(method, found, "after", verdicts=True) for method, found in cells.items()]
    return "\n".join(lines)


def _row(name: str, found: list[dict[str, Any]], side: str, *, verdicts: bool) -> str:
    texts = []
    for path in COLUMNS.values():
        values = [v for c in found if (v := value(c, (path[0], side, *path[2:]))) is not None]
        texts.append(f"{100 * mean(values):.1f}" if values else "")
    for promise in PROMISES:
        outcomes = [c["verdict_at_value"][promise] for c in found]
        counts = "/".join(str(outcomes.count(o)) for o in ("passed", "partial", "failed"))
        texts.append(counts if verdicts else "")
    return f"| {name} | {' | '.join(texts)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=6, help="people to erase, one at a time")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "audit_methods")
    options = parser.parse_args()
    parts = lay_out(options.work / "people", LFW)
    base = options.work / "base.safetensors"
    if not base.exists():
        plan = api.Plan(train="full")
        runtime = api.Runtime(cache=FaceCache(), progress=show)
        api.save(api.enroll(parts["train"], backbone=MOBILEFACENET, plan=plan, runtime=runtime).recognizer, base)
    cells: dict[str, list[dict[str, Any]]] = {method: [] for method in METHODS}
    for person in reported_people()[: options.people]:
        memory = Memory()
        for method in METHODS:
            print(f"{person}: {method}", flush=True)
            cells[method].append(cell(options.work, parts, base, method, person, memory))
    text = table(cells)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "audit_methods.md").write_text(
        f"# Seven ways to erase a person, audited\n\n`python -m benchmarks.audit_methods --people {options.people}`: "
        f"LFW, 62 people enrolled, {options.people} erased one at a time; means in per cent. "
        "Verdicts: how many passed / partial / failed.\n\n" + text + "\n"
    )
    numbers = {method: [slim(content) for content in found] for method, found in cells.items()}
    (RESULTS / "audit_methods.json").write_text(json.dumps(numbers) + "\n")
    print(text)


if __name__ == "__main__":
    main()
