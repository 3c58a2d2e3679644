"""kill -9 at every step, then --resume: the same model, the same ledger, nothing half-done.

The batch runs in a forked process, so that only it is killed.
"""

import multiprocessing
import os
import random
import signal
from dataclasses import replace

import pytest

from faceforget.files import sha256_file
from faceforget.recognizer.storage import load_recognizer
from faceforget.requests.ledger import Ledger
from faceforget.requests.receipt import read_receipt
from faceforget.requests.steps import carry_out

_FORK = multiprocessing.get_context("fork")

# What batches of two go through; a test checks that this is all.
PLANNED = ("stored", "stored", "plan", "planned")
PASS = ("running", "candidate", "erased")
END = ("copies", "purged", "destroyed", "receipt", "closed")
STEPS = {
    "joint": (*PLANNED, *PASS, "audited", "live", *END, *END),
    "sequential": (*PLANNED, *(*PASS, "audited", "live", *END) * 2),
    "one fails": (*PLANNED, *PASS, "failed", "destroyed", "receipt", "closed", *PASS, "audited", "live", *END),
}
# Every step of a joint batch; of the others those at which they differ from it.
KILLS = [
    *(("joint", index) for index in range(len(STEPS["joint"]))),
    *(("sequential", index) for index in (8, 14, 16, 17, 18, 23)),
    *(("one fails", index) for index in (7, 8, 10, 11, 12, 14)),
]


class Scenario:
    """A kind of batch, run as often as wanted: two people, six photos each."""

    def __init__(self, kind, make):
        self.kind, self.make = kind, make
        self.options = {"joint": kind != "sequential"}
        work, steps = make(), []
        self.result = work.run(step=steps.append, **self.options)
        self.steps, self.model, self.entries = tuple(steps), sha256_file(work.place.live), entries_of(work)


@pytest.fixture(scope="module")
def scenarios(people, names, tmp_path_factory, make_work):
    """Scenarios by kind, each run once without any disturbance."""

    def make():
        return make_work(tmp_path_factory.mktemp("batch"), {name: people[name] for name in names[:2]})

    made = {kind: Scenario(kind, make) for kind in ("joint", "sequential")}
    with pytest.MonkeyPatch.context() as patch:
        let_first_fail(patch, names)
        made["one fails"] = Scenario("one fails", make)
    return made


@pytest.fixture
def scenario(request, scenarios, names, monkeypatch):
    if request.param == "one fails":
        let_first_fail(monkeypatch, names)
    return scenarios[request.param]


def let_first_fail(monkeypatch, names):
    """The audit of the first person fails."""
    judge = carry_out.judge_members

    def judge_members(before, after, members, *rest):
        bad = {member.request for member in members if member.person == names[0]}
        judged = judge(before, after, members, *rest)
        return {
            request: replace(found, passed=request not in bad, kept=request not in bad)
            for request, found in judged.items()
        }

    monkeypatch.setattr(carry_out, "judge_members", judge_members)


def entries_of(work):
    """The ledger without what differs between any two runs: ids, times, hashes of receipts and of the chain."""
    with Ledger(work.ledger) as ledger:
        ledger.verify()
        entries = ledger.entries()
    ids = list(dict.fromkeys(entry.request for entry in entries))
    plain = []
    for entry in entries:
        body = {key: value for key, value in entry.body.items() if key not in ("subject", "receipt")}
        if "members" in body:
            body["members"] = [ids.index(request) for request in body["members"]]
        plain.append((ids.index(entry.request), entry.state, entry.attempt, body))
    return plain


def killed_at(work, index, options):
    """Run the batch in a process that kills itself at its ``index``-th step; True if it came that far."""
    process = _FORK.Process(target=_run_and_die, args=(work, index, options))
    process.start()
    process.join(120)
    return process.exitcode == -signal.SIGKILL


def _run_and_die(work, index, options):
    count = iter(range(10_000))

    def step(name):
        if next(count) == index:
            os.kill(os.getpid(), signal.SIGKILL)

    work.run(step=step, **options)


def check_model_in_use(work):
    """Whatever is in use is whole, and passed its audit."""
    if work.place.live.exists():
        load_recognizer(work.place.live)
        with Ledger(work.ledger) as ledger:
            entries = ledger.entries()
        audited = {entry.request for entry in entries if entry.state == "audited"}
        passed = {entry.body["after"] for entry in entries if entry.state == "erased" and entry.request in audited}
        assert sha256_file(work.place.live) in passed


def check_end(work, scenario):
    """Resume; everything is as if nothing had happened."""
    result = work.run(resume=True, **scenario.options)
    assert [o.erased for o in result.outcomes] == [o.erased for o in scenario.result.outcomes]
    assert sha256_file(work.place.live) == scenario.model
    assert entries_of(work) == scenario.entries
    for outcome in result.outcomes:
        receipt = read_receipt(work.place.receipt(outcome.request, ".json").read_bytes())
        assert receipt.content["outcome"] == ("ERASED" if outcome.erased else "NOT ERASED")
    assert not list(work.folder.rglob("*.part"))
    assert not work.place.work.exists()
    assert list(work.folder.rglob("*.open/*")) == []


def test_these_are_all_the_steps(scenarios):
    assert {kind: scenario.steps for kind, scenario in scenarios.items()} == STEPS


@pytest.mark.parametrize(
    ("scenario", "index"), KILLS, ids=[f"{kind}-{i}-{STEPS[kind][i]}" for kind, i in KILLS], indirect=["scenario"]
)
def test_killed_at_any_step_and_resumed(scenario, index):
    work = scenario.make()
    assert killed_at(work, index, scenario.options)
    check_model_in_use(work)
    check_end(work, scenario)


@pytest.mark.parametrize("scenario", ["joint"], indirect=True)
def test_killed_again_and_again_at_random_moments(scenario):
    work, moments = scenario.make(), random.Random(0)
    for kill in range(8):
        process = _FORK.Process(target=work.run, kwargs={"resume": True})
        process.start()
        process.join(moments.uniform(0.0, 0.5 + kill))
        process.kill()
        process.join(60)
        check_model_in_use(work)
    check_end(work, scenario)
