"""Processes of this machine do what one does, and one that dies is followed by another; Ray: tests/requests."""

import ast
import os
import signal
from pathlib import Path

import pytest

from faceforget import compute
from faceforget.compute.cluster import Cluster, engine_of
from faceforget.compute.engine import HERE, TRIES, Local, LostWorkerError, Work
from faceforget.errors import UsageError

KNOWN = {"compute", "errors"}  # rooms that compute may use


def where(item):
    return item, os.getpid()


def die_first(folder):
    """The first process that begins this dies."""
    try:
        (folder / "begun").touch(exist_ok=False)
    except FileExistsError:
        return "done"
    return os.kill(os.getpid(), signal.SIGKILL)


def die(folder):
    if folder is None:
        return "done"
    (folder / str(os.getpid())).touch()
    return os.kill(os.getpid(), signal.SIGKILL)


def work(do):
    return Work(do, name=lambda item: f"item {item}", todo="Say why.", code="a-code")


def test_one_after_the_other_here():
    assert list(HERE.carry(work(where), [1, 2])) == [(1, (1, os.getpid())), (2, (2, os.getpid()))]


def test_each_item_has_a_process_of_its_own():
    found = dict(Local(2).carry(work(where), [1, 2, 3]))
    assert [found[item][0] for item in (1, 2, 3)] == [1, 2, 3]
    assert len({process for _, process in found.values()} - {os.getpid()}) == 3


def test_one_item_needs_no_other_process():
    assert Local(4).here(1)
    assert not Local(4).here(2)
    assert dict(Local(4).carry(work(where), [1])) == {1: (1, os.getpid())}


def test_an_item_whose_process_was_killed_is_begun_again(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "begun").touch()
    assert [done for _, done in Local(2).carry(work(die_first), [tmp_path, tmp_path / "other"])] == ["done"] * 2
    assert (tmp_path / "begun").exists()


def test_work_that_kills_every_process_is_given_up(tmp_path):
    found = dict(Local(2).carry(work(die), [tmp_path, None]))
    assert found[None] == "done"
    assert isinstance(found[tmp_path], LostWorkerError)
    assert (found[tmp_path].todo, found[tmp_path].code) == ("Say why.", "a-code")
    assert f"item {tmp_path}" in found[tmp_path].message
    assert len(list(tmp_path.iterdir())) == TRIES


def test_no_process_at_all():
    with pytest.raises(UsageError, match="at least one"):
        Local(0)


def test_engines_by_name():
    assert engine_of("local") == HERE
    assert engine_of("local", at_a_time=3) == Local(3)
    assert engine_of("ray", "auto", 3) == Cluster("auto", 3)
    with pytest.raises(UsageError, match="Engines: local, ray"):
        engine_of("steam")


def test_the_room_knows_no_faces():
    for file in Path(compute.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            ours = {module.split(".")[1] for module in modules if module.startswith("faceforget.")}
            assert ours <= KNOWN, file
