"""Threads compute alone, and leave the caller's process as it was."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from faceforget.compute.threads import one_thread, workers
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.registry import make_method
from tests.waiting import LONG

CPU = torch.device("cpu")


def in_a_new_thread(work):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@pytest.fixture(autouse=True)
def three():
    """As a caller has set it, for this thread and all that start later."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def assert_as_before():
    assert torch.get_num_threads() == 3
    assert in_a_new_thread(torch.get_num_threads) == 3


def test_workers_compute_alone_and_nobody_else_does():
    with workers(CPU) as pool:
        assert pool.submit(torch.get_num_threads).result() == 1
        assert_as_before()
    assert_as_before()


def test_workers_of_workers_leave_all_as_it_was():
    def inner():
        with workers(CPU) as pool:
            return pool.submit(torch.get_num_threads).result(), torch.get_num_threads()

    with workers(CPU) as pool:
        assert pool.submit(inner).result() == (1, 1)
    assert_as_before()


def test_many_at_once_leave_all_as_it_was():
    def ask(_):
        with workers(CPU) as pool:
            return pool.submit(torch.get_num_threads).result()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(64))) == {1}
    assert_as_before()


def test_one_thread_is_this_one():
    with one_thread():
        assert torch.get_num_threads() == 1
        assert in_a_new_thread(torch.get_num_threads) == 3
        with workers(CPU) as pool:
            assert pool.submit(torch.get_num_threads).result() == 1
    assert_as_before()


def test_an_erasure_leaves_all_as_it_was():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 3)).eval()
    forget = ForgetSet(torch.rand(4, 3, 2, 2), (0,), anchors=torch.rand(60, 3, 2, 2))
    for name in ("anchored", "dispersed", "delete"):
        make_method(name)(model, forget)
        assert_as_before()


def test_a_blas_that_would_come_later_has_one_thread_too():
    """Else scikit-learn's loops with OpenMP meet a BLAS with several, of which OpenBLAS warns that it may hang."""
    code = """
from concurrent.futures import ThreadPoolExecutor
from threadpoolctl import threadpool_info
from faceforget.compute.threads import one_blas_thread

def blas():
    import sklearn.manifold
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

with one_blas_thread("scipy.linalg"), ThreadPoolExecutor(1) as beside:
    print(set(beside.submit(blas).result()))
"""
    wide = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"} | {"OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], env=wide, capture_output=True, text=True, timeout=LONG)
    assert done.stdout.strip() == "{1}", done.stderr
