"""kill -9 at every step, then --resume: the same model, the same ledger, nothing half-done.

The batch runs in a forked process, so that only it is killed.
"""

import multiprocessing
import os
import random
import signal
import time

import pytest

from faceforget.files import sha256_file
from faceforget.recognizer.storage import load_recognizer
from faceforget.requests.ledger import Ledger
from faceforget.requests.receipt import read_receipt

# What a batch of two goes through; the test below checks that this is all.
STEPS = (
    "stored", "stored", "plan", "planned", "running", "candidate", "erased", "audited", "live",
    "copies", "purged", "destroyed", "receipt", "closed", "copies", "purged", "destroyed", "receipt", "closed",
)  # fmt: skip
_FORK = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def small(model_file, people, names, tmp_path_factory, make_work):
    """The same batch as often as wanted: two people, four photos each."""

    def make():
        return make_work(tmp_path_factory.mktemp("batch"), {name: people[name][:4] for name in names[:2]})

    return make


@pytest.fixture(scope="module")
def undisturbed(small):
    """What comes out when nobody interferes: hash of the model, entries of the ledger; and the steps."""
    work, steps = small(), []
    work.run(step=steps.append)
    return sha256_file(work.place.live), entries_of(work), tuple(steps)


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


def killed_at(work, index):
    """Run the batch in a process that kills itself at its ``index``-th step; True if it came that far."""
    process = _FORK.Process(target=_run_and_die, args=(work, index))
    process.start()
    process.join(120)
    return process.exitcode == -signal.SIGKILL


def _run_and_die(work, index):
    count = iter(range(10_000))

    def step(name):
        if next(count) == index:
            os.kill(os.getpid(), signal.SIGKILL)

    work.run(step=step, resume=True)


def check(work, undisturbed):
    model, entries, _ = undisturbed
    result = work.run(resume=True)
    assert result.all_erased
    assert sha256_file(work.place.live) == model
    assert entries_of(work) == entries
    for outcome in result.outcomes:
        assert read_receipt(work.place.receipt(outcome.request, ".json").read_bytes()).content["outcome"] == "ERASED"
    assert not list(work.folder.rglob("*.part"))
    assert not work.place.work.exists()


def test_these_are_all_the_steps(undisturbed):
    assert undisturbed[2] == STEPS


@pytest.mark.parametrize("index", range(len(STEPS)), ids=[f"{i}-{name}" for i, name in enumerate(STEPS)])
def test_killed_at_any_step_and_resumed(small, undisturbed, index):
    work = small()
    assert killed_at(work, index)
    if work.place.live.exists():  # never a model in use that did not pass
        with Ledger(work.ledger) as ledger:
            assert any(entry.state == "audited" for entry in ledger.entries())
        assert load_recognizer(work.place.live).weights_hash()
    check(work, undisturbed)


def test_killed_again_and_again_at_random_moments(small, undisturbed):
    work, moments = small(), random.Random(0)
    for kill in range(8):
        process = _FORK.Process(target=work.run, kwargs={"resume": True})
        process.start()
        process.join(moments.uniform(0.0, 0.5 + kill))
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
        process.join(60)
        time.sleep(0)
    check(work, undisturbed)
