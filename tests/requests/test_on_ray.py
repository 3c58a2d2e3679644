"""The engine ray on a real local cluster: a worker dies in the middle, and nothing is lost."""

import os
import signal
import sys
from dataclasses import replace

import pytest

from faceforget.errors import UsageError
from faceforget.requests.machines.many import run_batches


@pytest.fixture
def cluster():
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


def test_a_worker_is_killed_and_the_task_goes_on_elsewhere(firm, one_by_one, cluster):
    mark = str(firm.folder / "killed")

    def step(name):
        """The first worker that has written a candidate model kills itself."""
        if name == "candidate":
            try:
                os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
            os.kill(os.getpid(), signal.SIGKILL)

    # The address of a cluster: the ledger changes to the journal that several machines can share.
    result = run_batches(firm.list, firm.setting, jobs=2, engine="ray", address="auto", step=step)
    assert os.path.exists(mark)
    assert result.all_erased
    assert firm.hashes() == one_by_one.hashes()
    assert firm.states() == one_by_one.states()


def test_without_ray_the_message_says_how_to_get_it(firm, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'faceforget\[ray\]'"):
        run_batches(firm.list, replace(firm.setting), engine="ray")


def test_an_engine_that_there_is_not(cli, tmp_path):
    code, _, message = cli(
        "batch", tmp_path, "--ledger", tmp_path / "l.db", "--out", tmp_path / "o", "--engine", "steam"
    )
    assert code == 2
    assert "Engines: local, ray" in message
