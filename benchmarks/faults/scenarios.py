"""Batches that are killed and resumed, and what must be as if nothing had happened.

A batch runs in a process forked from this one, which has the program in memory, so that a kill costs a second. What was
erased and judged before a step at which the batch is killed is taken from the first, undisturbed run (a fork has it in
memory); everything after the kill is computed anew, and at random moments everything is.
"""

import itertools
import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch

from benchmarks.faults.memory import KeptFaces, Memory
from faceforget import api
from faceforget.api import (
    Configuration,
    FaceCache,
    Ledger,
    PhotoIntake,
    PhotoSource,
    Place,
    read_receipt,
    run_batch,
    sha256_file,
)
from faceforget.lab import MOBILE, BatchResult

KINDS = ("joint", "sequential", "one fails", "two methods")
# Of the people of the last kind, in their order; the others are of two people, erased as the promise says.
METHODS = ("delete", "", "delete")
Photos = Mapping[str, Sequence[PhotoSource]]
# Of the ledger: which request, its state, attempt and body.
Line = tuple[int, str, int, dict[str, object]]
_FORK = multiprocessing.get_context("fork")
_PATIENCE_S = 900
# Moments are spread over so many times what an undisturbed run takes, so that some come after its end.
_SPREAD = 1.2


class FaultError(Exception):
    """A batch did not end as if nothing had happened."""


@dataclass
class Work:
    """An operator's folders, with a model and requests in them."""

    folder: Path
    cache: FaceCache

    @property
    def place(self) -> Place:
        """Where the batch reads and writes."""
        return Place(self.folder / "models" / "team.safetensors", self.folder / "out")

    @property
    def ledger(self) -> Path:
        """The database."""
        return self.folder / "books" / "ledger.db"

    def run(
        self, *, step: Callable[[str], None] = lambda name: None, resume: bool = False, joint: bool = True
    ) -> BatchResult:
        """Run or resume the batch."""
        return run_batch(
            self.folder / "requests.json",
            self.place,
            self.ledger,
            configuration=Configuration(joint=joint),
            resume=resume,
            runtime=api.Runtime(cache=self.cache),
            step=step,
        )


@dataclass
class Scenario:
    """A kind of batch, and how it ends if nothing disturbs it.

    Attributes:
        kind: One of ``KINDS``; in "one fails" the audit of the first person fails.
        root: Where operators' folders are made.
        model: Of which each gets a copy.
        people: Photos of those who are asked for, by name.
        cache: With their faces.
        memory: What undisturbed runs computed.
    """

    kind: str
    root: Path
    model: Path
    people: Mapping[str, Sequence[Path]]
    cache: FaceCache
    memory: Memory = field(default_factory=Memory)
    _count: Iterator[int] = field(default_factory=itertools.count)

    @property
    def joint(self) -> bool:
        """In one pass."""
        return self.kind != "sequential"

    @property
    def bad(self) -> tuple[str, ...]:
        """Whose audit fails."""
        return (min(self.people),) if self.kind == "one fails" else ()

    def make(self) -> Work:
        """A folder with nothing done yet."""
        work = Work(self.root / f"{self.kind.replace(' ', '-')}-{next(self._count)}", self.cache)
        work.place.model.parent.mkdir(parents=True)
        shutil.copy(self.model, work.place.model)
        for name, photos in self.people.items():
            (work.folder / "requests" / name).mkdir(parents=True)
            for photo in photos:
                shutil.copy(photo, work.folder / "requests" / name)
        methods = METHODS if self.kind == "two methods" else itertools.repeat("")
        lines = [
            {"person": name, "photos": f"requests/{name}", "method": method}
            for name, method in zip(self.people, methods, strict=False)
        ]
        (work.folder / "requests.json").write_text(json.dumps(lines))
        return work

    @cached_property
    def undisturbed(self) -> "End":
        """How it ends if nothing happens."""
        work, steps = self.make(), list[str]()
        start = time.perf_counter()
        with self.memory.recording(self.bad):
            result = work.run(step=steps.append, joint=self.joint)
        seconds = time.perf_counter() - start
        erased = tuple(outcome.erased for outcome in result.outcomes)
        return End(tuple(steps), sha256_file(work.place.live), entries_of(work), erased, seconds)

    def kill_at(self, index: int, *, anew: bool = True) -> None:
        """Kill a batch after its ``index``-th step, resume it, and compare.

        Args:
            index: Which step.
            anew: Whether what is left to erase and to judge is computed; else it is taken from the undisturbed run,
                wherever the same photos are asked of the same weights.

        Raises:
            FaultError: It ended in another way.
        """
        end, work = self.undisturbed, self.make()
        with self.memory.recording(self.bad):
            code = in_fork(lambda: work.run(step=_deadly(index), joint=self.joint), _PATIENCE_S)
        if code != -signal.SIGKILL:
            raise FaultError(f"{self.kind}: expected to be killed at step {index}, ended with {code}")
        check_in_use(work)
        self.resume(work, end, f"killed after step {index} ({end.steps[index]})", anew=anew)

    def kill_at_random(self, moments: random.Random, kills: int) -> None:
        """Kill a batch and its resumptions at random moments, ``kills`` times in all, resume, and compare.

        Raises:
            FaultError: It ended in another way.
        """
        end, work = self.undisturbed, self.make()
        for _ in range(kills):
            with Memory().recording(self.bad, recall=False):
                in_fork(lambda: work.run(resume=True, joint=self.joint), moments.uniform(0, _SPREAD * end.seconds))
            check_in_use(work)
        self.resume(work, end, f"killed {kills} times at random")

    def resume(self, work: Work, end: "End", how: str, *, anew: bool = True) -> None:
        """Go on to the end; everything must be as if nothing had happened.

        Raises:
            FaultError: It is not.
        """
        memory = Memory() if anew else self.memory
        with memory.recording(self.bad, recall=not anew):
            result = work.run(resume=True, joint=self.joint)
        receipts = [work.place.receipt(o.request, ".json").read_bytes() for o in result.outcomes]
        found = {
            "outcomes": tuple(outcome.erased for outcome in result.outcomes) == end.erased,
            "model": sha256_file(work.place.live) == end.model,
            "ledger": entries_of(work) == end.entries,
            "receipts": [read_receipt(r).content["outcome"] == "ERASED" for r in receipts] == list(end.erased),
            "no half-written file": not list(work.folder.rglob("*.part")),
            "no candidate model": not work.place.work.exists(),
            "no open request": not list(work.folder.rglob("*.open/*")),
        }
        wrong = [name for name, right in found.items() if not right]
        if wrong:
            raise FaultError(f"{self.kind}, {how}: {', '.join(wrong)} differ from the undisturbed run in {work.folder}")
        shutil.rmtree(work.folder)


@dataclass(frozen=True)
class End:
    """How an undisturbed batch ended: steps, model, ledger, who was erased, and how long it took."""

    steps: tuple[str, ...]
    model: str
    entries: list[Line]
    erased: tuple[bool, ...]
    seconds: float


def entries_of(work: Work) -> list[Line]:
    """The ledger without what differs between any two runs: ids, times, hashes of receipts and of the chain."""
    with Ledger(work.ledger) as ledger:
        ledger.verify()
        entries = ledger.entries()
    ids = list(dict.fromkeys(entry.request for entry in entries))
    plain = list[Line]()
    for entry in entries:
        body = {key: value for key, value in entry.body.items() if key not in ("subject", "receipt")}
        if "members" in body:
            body["members"] = [ids.index(request) for request in body["members"]]
        plain.append((ids.index(entry.request), entry.state, entry.attempt, body))
    return plain


def check_in_use(work: Work) -> None:
    """Whatever is in use is whole, and passed its audit.

    Raises:
        FaultError: It did not.
    """
    if not work.place.live.exists():
        return
    api.load(work.place.live)
    with Ledger(work.ledger) as ledger:
        entries = ledger.entries()
    audited = {entry.request for entry in entries if entry.state == "audited"}
    passed = {entry.body["after"] for entry in entries if entry.state == "erased" and entry.request in audited}
    if sha256_file(work.place.live) not in passed:
        raise FaultError(f"A model without a passed audit is in use in {work.folder}")


def in_fork(work: Callable[[], object], seconds: float) -> int | None:
    """Run in a forked process, kill it when its time is over; its exit code."""

    def alone() -> None:
        torch.set_num_threads(1)  # others of OpenMP do not survive a fork
        work()

    process = _FORK.Process(target=alone)
    process.start()
    process.join(seconds)
    process.kill()
    process.join(_PATIENCE_S)
    return process.exitcode


def _deadly(index: int) -> Callable[[str], None]:
    count = itertools.count()

    def step(name: str) -> None:
        if next(count) == index:
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def enrolled(path: Path, people: Mapping[str, Sequence[Path]]) -> None:
    """Write a model of the shipped backbone with these people."""
    api.save(api.enroll(people, plan=api.EnrolmentPlan("head")).recognizer, path)


def filled(folder: Path, people: Mapping[str, Sequence[Path]]) -> FaceCache:
    """A cache with everybody's faces."""
    cache = KeptFaces(folder)
    PhotoIntake(MOBILE.framing, cache=cache).read([photo for photos in people.values() for photo in photos])
    return cache


def scenarios_in(root: Path, model: Path, people: Mapping[str, Sequence[Path]]) -> dict[str, Scenario]:
    """All kinds of batches, by kind; ``people`` are three."""
    cache, memory = filled(root / "cache", people), Memory()
    asked = {kind: people if kind == "two methods" else dict(list(people.items())[:2]) for kind in KINDS}
    return {kind: Scenario(kind, root, model, asked[kind], cache, memory) for kind in KINDS}
