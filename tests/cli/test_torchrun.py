"""The command line under a real ``torchrun``: two processes, gloo, and what one process comes to."""

import shutil
import subprocess
import sys

import pytest
from safetensors.torch import load_file

from faceforget.cli.console import UNKEPT
from faceforget.cli.options import check_alone, start_processes
from faceforget.errors import UsageError
from tests.waiting import LONG

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "faceforget"]


def torchrun(*arguments):
    return subprocess.run([*TORCHRUN, *map(str, arguments)], capture_output=True, text=True, timeout=LONG)


@pytest.fixture(scope="module")
def few(people_dir, tmp_path_factory):
    """The people with three photos each."""
    folder = tmp_path_factory.mktemp("few")
    for person in people_dir.iterdir():
        (folder / person.name).mkdir()
        for photo in sorted(person.iterdir())[:3]:
            shutil.copy(photo, folder / person.name)
    return folder


def assert_equal(one, two, start):
    """Two models that were trained to the same weights, but for the rounding of sums, which each step enlarges.

    What they differ by is held against what they have learned: where processes do not share, it is 80 %. The
    few steps of ``tests/compute/test_processes.py`` are held to the tolerance of floats.
    """
    first, second, before = load_file(one), load_file(two), load_file(start)
    learned = [key for key in before if key in first and first[key].shape == before[key].shape]
    assert max((first[key].double() - before[key].double()).abs().max() for key in learned) > 1e-3
    assert first.keys() == second.keys()
    assert apart(first, second, first.keys()) < 0.2 * apart(first, before, learned)


def apart(one, other, keys):
    return sum((one[key].double() - other[key].double()).square().sum() for key in keys) ** 0.5


def test_enrolment_and_joint_erasure_come_to_what_one_process_does(cli, few, names, backbone_file, tmp_path):
    start, one, two, erased_one, erased_two = (tmp_path / f"{n}.safetensors" for n in ("start", "a", "b", "c", "d"))
    enroll = ("enroll", few, "--backbone", backbone_file)
    assert cli(*enroll, "--train", "head", "--out", start)[0] == 0
    assert cli(*enroll, "--epochs", 2, "--out", one)[0] == 0
    done = torchrun(*enroll, "--epochs", 2, "--out", two)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Enrolled 4 people") == 1  # the others are silent
    assert_equal(one, two, start)

    # On the shipped weights: steps from random ones enlarge the rounding a thousandfold.
    # Of each pass the last batch is one photo: the second process has no part of it.
    assert cli("enroll", few, "--train", "head", "--out", start)[0] == 0
    allowed = ("--allow-damage", "--allow-incomplete", "--allow-mismatch")
    settings = ("--method", "delete", "--set", "moves=all", "--set", "batch_size=5", "--set", "max_steps=4", *allowed)
    people = ("--person", names[0], "--person", names[1], "--photos", few)
    erase = ("erase", start, *people, *settings, "--out")
    assert cli(*erase, erased_one)[0] == UNKEPT  # after four steps they are still named
    done = torchrun(*erase, erased_two)
    assert done.returncode != 0, done.stderr  # torchrun has one code for all
    assert_equal(erased_one, erased_two, start)


def test_what_has_nothing_to_share_refuses(few, names, backbone_file, cli, tmp_path):
    model = tmp_path / "model.safetensors"
    assert cli("enroll", few, "--backbone", backbone_file, "--train", "head", "--out", model)[0] == 0
    person = ("--person", names[0], "--photos", few / names[0])
    done = torchrun("erase", model, *person, "--promise", "forgotten", "--out", tmp_path / "erased.safetensors")
    assert done.returncode != 0
    assert "--processes" in done.stderr
    assert not (tmp_path / "erased.safetensors").exists()


def test_a_command_that_works_alone_is_not_run_several_times_at_once(monkeypatch):
    check_alone("batch")
    monkeypatch.setenv("WORLD_SIZE", "2")
    check_alone("enroll")
    for command in ("batch", "serve", "audit", "ledger"):
        with pytest.raises(UsageError, match="--processes N"):
            check_alone(command)


@pytest.mark.parametrize(
    ("variables", "count", "words"),
    [
        ({"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "h", "MASTER_PORT": "1"}, 3, "3 processes were asked for"),
        ({"WORLD_SIZE": "1"}, 2, "2 processes were asked for"),
        ({"WORLD_SIZE": "2", "RANK": "0"}, 1, "MASTER_ADDR, MASTER_PORT is not set"),
        ({"WORLD_SIZE": "two"}, 1, "number of processes"),
        ({"WORLD_SIZE": "0"}, 1, "number of processes"),
    ],
)
def test_processes_that_do_not_fit_are_refused(monkeypatch, variables, count, words):
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=words):
        start_processes(count)
