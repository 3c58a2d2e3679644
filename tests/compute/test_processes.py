"""Two processes do what one does: the same training and the same erasure, within the rounding of sums."""

import multiprocessing
import os
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from faceforget.compute.ports import held_port
from faceforget.compute.processes import joined
from faceforget.compute.start import start
from faceforget.recognizer.head import CosineHead, FaceClassifier
from faceforget.recognizer.training import TrainingSettings, fine_tune
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.methods.delete import Delete, DeleteSettings
from faceforget.unlearn.registry import make_method
from tests.waiting import LONG

PHOTOS = 21  # the last batch is smaller, and of odd size


def classifier():
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.PReLU(8), nn.Flatten(), nn.Linear(8 * 49, 16))
    return FaceClassifier(body, CosineHead(torch.eye(6, 16))).eval()


def photos():
    return torch.rand(PHOTOS, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def train():
    model, losses = classifier(), []
    targets = torch.arange(PHOTOS) % 6
    settings = TrainingSettings(epochs=3, batch_size=8, learning_rate=0.05)
    fine_tune(model, photos(), targets, settings, progress=lambda event: losses.append(event.values["loss"]))
    return model.state_dict(), losses


def erase():
    settings = DeleteSettings(moves="all", batch_size=10, max_steps=7, learning_rate=0.01, margin=None)
    augment = lambda images, generator: images + torch.rand(images.shape, generator=generator) / 10  # noqa: E731
    done = Delete(settings)(classifier(), ForgetSet(photos(), (0, 1)), augment=augment)
    return done.model.state_dict(), [step.loss for step in done.steps] + [step.probability_left for step in done.steps]


def stop():
    settings = DeleteSettings(
        moves="all", batch_size=10, max_steps=200, learning_rate=0.01, margin=0.5, margin_share=0.8
    )
    done = Delete(settings)(classifier(), ForgetSet(photos(), (0,)))
    assert done.stopped_early
    return done.model.state_dict(), [len(done.steps), done.steps[-1].loss]


def refused():
    try:
        make_method("bad_teacher", {})(classifier(), ForgetSet(photos(), (0,)))
    except Exception as error:
        return {}, [type(error).__name__]
    return {}, []


WORK = {"train": train, "erase": erase, "stop": stop, "refused": refused}


def as_one_of_two(rank, port, work, folder):
    torch.set_num_threads(1)  # others of OpenMP do not survive a fork
    os.environ |= {
        "RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        "GLOO_SOCKET_IFNAME": "lo",
    }  # fmt: skip
    with joined() as which:
        assert which == rank
        torch.save(WORK[work](), Path(folder) / f"{rank}.pt")


def by_two(work, folder):
    fork = multiprocessing.get_context("fork")
    with held_port() as port:
        processes = [fork.Process(target=as_one_of_two, args=(rank, port, work, folder)) for rank in range(2)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(LONG)
            assert process.exitcode == 0
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("work", ["train", "erase", "stop"])
def test_two_processes_equal_one(work, tmp_path):
    one, numbers = WORK[work]()
    start = classifier().state_dict()
    assert any(not torch.allclose(one[key], start[key], atol=1e-3) for key in one)  # something was learned
    for state, own in by_two(work, tmp_path):
        assert own == pytest.approx(numbers, rel=1e-4)
        for key, value in one.items():
            # Rounding of weights of up to 1; what was learned, or not shared, is a hundred times this and more.
            torch.testing.assert_close(state[key], value, rtol=1e-3, atol=1e-5)


def test_both_processes_have_the_same_weights_to_the_bit(tmp_path):
    (first, _), (second, _) = by_two("train", tmp_path)
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_method_whose_batches_cannot_be_shared_refuses(tmp_path):
    assert [names for _, names in by_two("refused", tmp_path)] == [["MethodError"], ["MethodError"]]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("pass", 0),
        ("import os, sys; sys.exit(int(os.environ['WORLD_SIZE']) - 1)", 2),
        ("import os, sys, time; os.environ['RANK'] == '1' and sys.exit(4); time.sleep(60)", 4),
    ],
)
def test_processes_of_a_command_end_together(code, expected, monkeypatch):
    monkeypatch.setattr("faceforget.compute.start._WAIT_S", 0.2)
    assert start(3, [sys.executable, "-c", code]) == expected
