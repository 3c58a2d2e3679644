import gc
import subprocess
import sys

import pytest

from app.batches.folder import Folder, sweep
from benchmarks.data import ROOT
from faceforget.errors import UsageError


def test_work_has_a_folder_of_its_own_and_leaves_nothing(tmp_path):
    folder = Folder(tmp_path)
    with folder.work() as place:
        (place / "photo.jpg").write_bytes(b"x")
        assert place.is_relative_to(folder.path)
    assert not place.exists()
    folder.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_worked_in_goes_when_the_work_has_stopped(tmp_path):
    folder = Folder(tmp_path)
    with folder.work() as place:
        folder.close()
        (place / "late.jpg").write_bytes(b"x")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError), folder.work():
        pass


def test_a_folder_that_nobody_holds_goes(tmp_path):
    folder = Folder(tmp_path)
    (folder.path / "ledger.db").write_bytes(b"x")
    del folder
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_server_left_is_removed_and_the_living_are_left_alone(tmp_path):
    code = "import os; from pathlib import Path; from app.batches.folder import Folder; "
    code += f"f = Folder(Path({str(tmp_path)!r})); "
    code += "(f.path / 'photo.jpg').write_bytes(b'x'); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
    alive, asked = Folder(tmp_path), []
    (tmp_path / "faceforget-session-other").mkdir()
    assert sweep(tmp_path, asked.append) == 1
    assert len(asked) == 1
    assert {path.name for path in tmp_path.iterdir()} == {alive.path.name, "faceforget-session-other"}
    alive.close()
