"""Hundreds of erasure requests: do all close, does memory stay flat, and what does erasing jointly save?

``python -m benchmarks.soak`` writes benchmarks/results/soak.json and soak.md: 200 requests over five models in lists of
ten, two models at a time, each list on the models that the one before left; and twenty people at once against the same
twenty one at a time, for both promises: as one command against twenty, and as calls in one process that has loaded
everything. Every list and every comparison is kept when it is done, so that it can be stopped and started again
(``--work``). Seconds of erasures are those of processors, whatever else the machine does.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from benchmarks.data import RESULTS
from benchmarks.faults.scenarios import enrolled
from benchmarks.runner.cell import Cell, Numbers
from benchmarks.runner.command import command
from benchmarks.runner.run import Results, run
from benchmarks.runner.table import by
from faceforget import api
from faceforget.api import (
    Asked,
    Configuration,
    FaceCache,
    Ledger,
    Place,
    Setting,
    read_people,
    run_batch,
    run_batches,
    write_json,
)
from faceforget.lab import Local, render_people

OUT = RESULTS / "soak.json"
_MODELS, _AT_ONCE, _TOGETHER = 5, 10, 20
# Of each person: the fewest with which the promise can be judged; two of eight are held back to be compared.
_PHOTOS = {"forgotten": 4, "unrecognisable": 8}
_PAGE = os.sysconf("SC_PAGE_SIZE")

Promise = Literal["forgotten", "unrecognisable"]
Photos = Mapping[str, Sequence[Path]]
Verdicts = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Watch:
    """Writes down the memory of whichever process closes a request."""

    path: Path

    def __call__(self, step: str) -> None:
        """Bytes in memory now, once a request is closed."""
        if step == "closed":
            with self.path.open("a") as file:
                file.write(f"{resident()}\n")

    def highest(self) -> int:
        """The most that any process had."""
        return max(map(int, self.path.read_text().split()))


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def prepared(work: Path, people: int) -> Photos:
    """Rendered people, and a model of them in ``work/models``, once per model with another first label."""
    folder, models = work / "people", work / "models"
    if not (work / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        render_people(folder, people=people, photos=max(_PHOTOS.values()), size=160, seed=7)
        models.mkdir(parents=True, exist_ok=True)
        first = models / "0.safetensors"
        enrolled(first, read_people(folder))
        model = api.load(first)
        for index in range(1, _MODELS):  # other bytes: one request per person, model and configuration is open
            labels = (*model.labels[:-1], f"Last_Of_{index}")
            api.save(replace(model, labels=labels), models / f"{index}.safetensors")
        (work / "ready").touch()
    return read_people(folder)


def soak(work: Path, people: Photos, requests: int, jobs: int) -> list[Numbers]:
    """Lists of ten requests, each on the models that the one before left; a row per list."""
    names, each = sorted(people), _AT_ONCE // _MODELS

    def measure(cell: Cell) -> Numbers:
        number = cell.seed
        before = work / f"out{number - 1}"
        models = [
            work / "models" / f"{m}.safetensors" if number == 0 else before / f"{m}" / f"{m}.safetensors"
            for m in range(_MODELS)
        ]
        chosen = names[number * each : (number + 1) * each]
        lines = [
            {"person": name, "photos": [str(p) for p in people[name][: _PHOTOS["forgotten"]]], "model": str(model)}
            for model in models
            for name in chosen
        ]
        listed = work / f"list{number}.json"
        write_json(listed, {"requests": lines})
        watch = Watch(work / f"memory{number}")
        setting = Setting(
            work / f"out{number}", work / "ledger.db", runtime=api.Runtime(cache=FaceCache(work / "cache"))
        )
        start = time.perf_counter()
        result = run_batches(listed, setting, resume=True, engine=Local(jobs), step=watch)
        erased = sum(o.erased for done_ in result.models if done_.result for o in done_.result.outcomes)
        return {
            "seconds": round(time.perf_counter() - start, 1),
            "erased": erased,
            "worker_mb": round(watch.highest() / 2**20, 1),
            "parent_mb": round(resident() / 2**20, 1),
        }

    cells = [Cell("lists", "batch", seed=number) for number in range(requests // _AT_ONCE)]
    return [numbers for _, numbers in run(cells, measure, Results(work / "soak.jsonl"), stage="lists")]


def together(work: Path, people: Photos, promise: Promise, how: str) -> Numbers:
    """Twenty people in one pass, and each by themselves on the same model; ``how``: a key of ``WAYS``."""
    folder, carry_out = work / f"{promise}_{how}", WAYS[how]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    asked = [Asked(name, tuple(people[name][: _PHOTOS[promise]])) for name in sorted(people)[:_TOGETHER]]
    if how == "calls":
        carry_out(folder, "first", asked[:1], promise)  # what is loaded once
    joint, seconds_joint = carry_out(folder, "joint", asked, promise)
    print(promise, how, "joint", f"{seconds_joint:.1f} s", flush=True)
    single, seconds_single = Verdicts(), 0.0
    for index, line in enumerate(asked):
        own, seconds = carry_out(folder, str(index), [line], promise)
        single |= own
        seconds_single += seconds
        print(promise, how, index, f"{seconds:.1f} s", own, flush=True)
    return {
        "joint_seconds": round(seconds_joint, 1),
        "single_seconds": round(seconds_single, 1),
        "ratio": round(seconds_single / seconds_joint, 2),
        "erased_jointly": sum(own["outcome"] == "ERASED" for own in joint.values()),
        "erased_singly": sum(own["outcome"] == "ERASED" for own in single.values()),
        "verdicts_that_differ": sum(joint[name] != single[name] for name in joint),
    }


def _called(folder: Path, name: str, asked: Sequence[Asked], promise: Promise) -> tuple[Verdicts, float]:
    """Verdicts by person, and seconds of this process."""
    place = Place(folder.parent / "models" / "0.safetensors", folder / name)
    runtime = api.Runtime(cache=FaceCache(folder / f"{name}.cache"))  # its own: nobody's photos were looked at before
    start = time.process_time()
    run_batch(asked, place, folder / f"{name}.db", configuration=Configuration(promise=promise), runtime=runtime)
    return _verdicts(folder / f"{name}.db", asked, promise), time.process_time() - start


def _commanded(folder: Path, name: str, asked: Sequence[Asked], promise: Promise) -> tuple[Verdicts, float]:
    """Verdicts by person, and seconds of all processes of the command."""
    listed, ledger = folder / f"{name}.json", folder / f"{name}.db"
    write_json(listed, {"requests": [{"person": a.person, "photos": [str(p) for p in a.photos]} for a in asked]})
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-m", "faceforget", "batch", str(listed), "--model",
         str(folder.parent / "models" / "0.safetensors"), "--ledger", str(ledger), "--out", str(folder / name),
         "--promise", promise],
        env={**os.environ, "XDG_CACHE_HOME": str(folder / f"{name}.cache")},
        capture_output=True, text=True,
    )  # fmt: skip
    after = os.times()
    if not ledger.exists():
        raise RuntimeError(f"faceforget batch failed: {done.stderr}")
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return _verdicts(ledger, asked, promise), spent


WAYS: Mapping[str, Callable[[Path, str, Sequence[Asked], Promise], tuple[Verdicts, float]]] = {
    "commands": _commanded,
    "calls": _called,
}


def _verdicts(ledger: Path, asked: Sequence[Asked], promise: Promise) -> Verdicts:
    """What was found for each person: requests are in the ledger in the order in which they were asked."""
    found = Verdicts()
    with Ledger(ledger) as opened:
        requests = dict.fromkeys(entry.request for entry in opened.entries())
        for line, request in zip(asked, requests, strict=True):
            judged = [entry for entry in opened.of(request) if entry.state in ("audited", "failed")][-1]
            body = judged.body.get("audit", judged.body)
            found[line.person] = {
                promise: body.get("verdicts", {}).get(promise, ""),
                "outcome": "ERASED" if judged.state == "audited" else "NOT ERASED",
            }
    return found


def summary(
    rows: Sequence[Mapping[str, float]], jobs: int, joint: Mapping[str, Mapping[str, Mapping[str, object]]]
) -> str:
    """The results in words."""
    closed, seconds = _AT_ONCE * len(rows), sum(row["seconds"] for row in rows)
    lines = [
        "# Hundreds of requests",
        "",
        f"`python -m benchmarks.soak`: {closed} requests over {_MODELS} models (`mobile`, rendered people, "
        f"{_PHOTOS['forgotten']} photos each) in lists of {_AT_ONCE}, `--jobs {jobs}`, "
        f"{len(os.sched_getaffinity(0))} cores with one thread each.",
        "",
    ]
    if rows:
        first, highest = rows[0], max(row["worker_mb"] for row in rows)
        parents = max(row["parent_mb"] for row in rows)
        lines += [
            f"- Erased: {sum(int(row['erased']) for row in rows)} of {closed}; every request is closed.",
            f"- Memory of a working process at most {highest:.0f} MB, {highest / first['worker_mb']:.2f} times that of "
            f"the first ten requests; of the process that hands out the work {parents:.0f} MB, "
            f"{parents / first['parent_mb']:.2f} times.",
            f"- {3600 * closed / seconds:.0f} requests per hour ({seconds / closed:.1f} s each).",
            "",
        ]
    lines += [
        "Twenty people in one pass, or each by themselves, in seconds of a processor:",
        "",
        "| promise | photos each | as | jointly | one at a time | ratio | erased | verdicts that differ |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {promise} | {_PHOTOS[promise]} | {how} | {r['joint_seconds']} | {r['single_seconds']} | **{r['ratio']}** | "
        f"{r['erased_jointly']} / {r['erased_singly']} | {r['verdicts_that_differ']} |"
        for promise, ways in joint.items()
        for how, r in ways.items()
    ]
    lines += [
        "",
        "`commands`: `faceforget batch`, start included. `calls`: in one process that has everything loaded. What is "
        "done for each photo (find the face, embed, audit) is the same either way; a joint pass saves the rest.",
    ]
    return "\n".join(lines) + "\n"


@command
def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--promises", nargs="*", default=["forgotten", "unrecognisable"])
    parser.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "faceforget-soak", help="kept, to go on later"
    )
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    people = prepared(chosen.work, 2 * max(chosen.requests // _AT_ONCE, _TOGETHER) + 8)
    rows = soak(chosen.work, people, chosen.requests, chosen.jobs)
    cells = [Cell(promise, how) for promise in chosen.promises for how in WAYS]
    found = run(
        cells, lambda cell: together(chosen.work, people, cell.world, cell.method), Results(chosen.work / "soak.jsonl")
    )
    ways = by(found, lambda cell: cell.world)
    joint = {
        promise: {cell.method: {"people": _TOGETHER, **numbers} for cell, numbers in own}
        for promise, own in ways.items()
    }
    content = {"cores": len(os.sched_getaffinity(0)), "jobs": chosen.jobs, "lists": rows, "joint": joint}
    write_json(chosen.out, content)
    text = summary(rows, chosen.jobs, joint)
    chosen.out.with_suffix(".md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
