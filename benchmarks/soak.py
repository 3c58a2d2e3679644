"""Hundreds of erasure requests: do all close, does memory stay flat, and what does erasing jointly save?

``python -m benchmarks.soak`` writes benchmarks/results/soak.json and soak.md: 200 requests over five models in lists of
ten, two models at a time, each list on the models that the one before left; then twenty people at once against the same
twenty one at a time, for both promises. Every list and every promise is kept when it is done, so that it can be stopped
and started again (``--work``).
"""

import argparse
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from benchmarks.faults.scenarios import enrolled
from faceforget.api.runtime import Runtime
from faceforget.files import write_json
from faceforget.people.dataset import render_people
from faceforget.people.folder import read_people
from faceforget.photos.cache import FaceCache
from faceforget.recognizer.storage import load_recognizer, save_recognizer
from faceforget.requests.batch import run_batch
from faceforget.requests.closing import Place
from faceforget.requests.ledger import Ledger
from faceforget.requests.machines.many import Setting, run_batches
from faceforget.requests.plan import Configuration
from faceforget.requests.request_list import Asked

OUT = Path(__file__).parent / "results" / "soak.json"
_MODELS, _AT_ONCE, _PHOTOS, _TOGETHER = 5, 10, 4, 20
_PAGE = os.sysconf("SC_PAGE_SIZE")

Promise = Literal["forgotten", "unrecognisable"]
Photos = Mapping[str, Sequence[Path]]


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
        render_people(folder, people=people, photos=_PHOTOS, size=160, seed=7)
        models.mkdir(parents=True, exist_ok=True)
        first = models / "0.safetensors"
        enrolled(first, read_people(folder))
        model = load_recognizer(first)
        for index in range(1, _MODELS):  # other bytes: one request per person, model and configuration is open
            labels = (*model.labels[:-1], f"Last_Of_{index}")
            save_recognizer(replace(model, labels=labels), models / f"{index}.safetensors")
        (work / "ready").touch()
    return read_people(folder)


def soak(work: Path, people: Photos, requests: int, jobs: int) -> list[dict[str, float]]:
    """Lists of ten requests, each on the models that the one before left; a row per list."""
    rows, done = list[dict[str, float]](), work / "lists.json"
    if done.exists():
        rows = json.loads(done.read_text())["lists"]
    names, each = sorted(people), _AT_ONCE // _MODELS
    for number in range(len(rows), requests // _AT_ONCE):
        models = [
            work / "models" / f"{m}.safetensors"
            if number == 0
            else work / f"out{number - 1}" / f"{m}" / f"{m}.safetensors"
            for m in range(_MODELS)
        ]
        chosen = names[number * each : (number + 1) * each]
        lines = [
            {"person": name, "photos": [str(p) for p in people[name]], "model": str(model)}
            for model in models
            for name in chosen
        ]
        listed = work / f"list{number}.json"
        write_json(listed, {"requests": lines})
        watch = Watch(work / f"memory{number}")
        setting = Setting(work / f"out{number}", work / "ledger.db", runtime=Runtime(cache=FaceCache(work / "cache")))
        start = time.perf_counter()
        result = run_batches(listed, setting, resume=True, jobs=jobs, step=watch)
        erased = sum(o.erased for done_ in result.models if done_.result for o in done_.result.outcomes)
        rows.append(
            {
                "seconds": round(time.perf_counter() - start, 1),
                "erased": erased,
                "worker_mb": round(watch.highest() / 2**20, 1),
                "parent_mb": round(resident() / 2**20, 1),
            }
        )
        write_json(done, {"lists": rows})
        print(number, rows[-1], flush=True)
    return rows


def together(work: Path, people: Photos, promise: Promise) -> dict[str, object]:
    """Twenty people in one pass, and each by themselves on the same model."""
    kept = work / f"{promise}.json"
    if kept.exists():
        return dict(json.loads(kept.read_text()))
    folder = work / promise
    shutil.rmtree(folder, ignore_errors=True)
    asked = [Asked(name, tuple(people[name])) for name in sorted(people)[:_TOGETHER]]
    joint, seconds_joint = _carried(folder, "joint", asked, promise)
    single, seconds_single = dict[str, dict[str, str]](), 0.0
    for index, line in enumerate(asked):
        own, seconds = _carried(folder, str(index), [line], promise)
        single |= own
        seconds_single += seconds
        print(promise, index, f"{seconds:.1f} s", own, flush=True)
    result = {
        "people": len(asked),
        "joint_seconds": round(seconds_joint, 1),
        "single_seconds": round(seconds_single, 1),
        "ratio": round(seconds_single / seconds_joint, 2),
        "erased_jointly": sum(own["outcome"] == "ERASED" for own in joint.values()),
        "erased_singly": sum(own["outcome"] == "ERASED" for own in single.values()),
        "verdicts_that_differ": sum(joint[name] != single[name] for name in joint),
    }
    write_json(kept, result)
    return result


def _carried(
    folder: Path, name: str, asked: Sequence[Asked], promise: Promise
) -> tuple[dict[str, dict[str, str]], float]:
    """Verdicts by person, and seconds."""
    ledger = folder / f"{name}.db"
    configuration = Configuration(promise=promise)
    place = Place(folder.parent / "models" / "0.safetensors", folder / name)
    start = time.perf_counter()
    result = run_batch(
        asked, place, ledger, configuration=configuration, runtime=Runtime(cache=FaceCache(folder / "cache"))
    )
    seconds = time.perf_counter() - start
    verdicts = dict[str, dict[str, str]]()
    with Ledger(ledger) as opened:
        for line, outcome in zip(asked, result.outcomes, strict=True):
            judged = [entry.body for entry in opened.of(outcome.request) if entry.state in ("audited", "failed")][-1]
            found = {
                key: judged.get("verdicts", judged.get("audit", {}).get("verdicts", {})).get(key, "")
                for key in (promise,)
            }
            verdicts[line.person] = found | {"outcome": "ERASED" if outcome.erased else "NOT ERASED"}
    return verdicts, seconds


def summary(rows: Sequence[Mapping[str, float]], jobs: int, joint: Mapping[str, Mapping[str, object]]) -> str:
    """The results in words."""
    closed, seconds = _AT_ONCE * len(rows), sum(row["seconds"] for row in rows)
    lines = [
        "# Hundreds of requests",
        "",
        f"`python -m benchmarks.soak`: {closed} requests over {_MODELS} models (`mobile`, rendered people, "
        f"{_PHOTOS} photos each) in lists of {_AT_ONCE}, `--jobs {jobs}`, "
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
        "| twenty people | jointly | one at a time | ratio | erased | verdicts that differ |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {promise} | {r['joint_seconds']} s | {r['single_seconds']} s | **{r['ratio']}** | "
        f"{r['erased_jointly']} / {r['erased_singly']} | {r['verdicts_that_differ']} |"
        for promise, r in joint.items()
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--promises", nargs="*", default=["forgotten", "unrecognisable"])
    parser.add_argument("--work", type=Path, default=Path("/tmp/faceforget-soak"), help="kept, to go on later")
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    people = prepared(chosen.work, 2 * max(chosen.requests // _AT_ONCE, _TOGETHER) + 8)
    joint = {promise: together(chosen.work, people, promise) for promise in chosen.promises}
    rows = soak(chosen.work, people, chosen.requests, chosen.jobs)
    content = {"cores": len(os.sched_getaffinity(0)), "jobs": chosen.jobs, "lists": rows, "joint": joint}
    write_json(chosen.out, content)
    text = summary(rows, chosen.jobs, joint)
    chosen.out.with_suffix(".md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
