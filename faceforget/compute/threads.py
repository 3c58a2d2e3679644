"""Threads of this process: who computes beside whom, and with how many threads each sum is shared.

torch's number is each thread's own. But whoever sets it also sets what threads begin with that start later, in all of
the process; and it is the caller's process. So it is put back here at once.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module

import torch
from threadpoolctl import threadpool_limits

from faceforget.compute.cores import cores

_MOST = 8
# From when torch's number for all is read until it is put back.
_setting = threading.Lock()


def workers(device: torch.device) -> ThreadPoolExecutor:
    """A batch for each core, each computed by one thread.

    Two threads on one small network wait for each other more than they compute: twice the time, and on a busy
    machine ten times. A GPU gets its batches one by one.
    """
    count = min(cores(), _MOST) if device.type == "cpu" else 1
    return ThreadPoolExecutor(count, initializer=share_among, initargs=(1,))


def share_among(threads: int) -> None:
    """From here on, as many threads share a sum of torch's in this thread; in every other all is as it was."""
    torch.get_num_threads()  # a thread's first call takes the number for all, and would take it after this otherwise
    with _setting, ThreadPoolExecutor(1) as new:
        for_all = new.submit(torch.get_num_threads).result()  # a thread that has set nothing has the number for all
        torch.set_num_threads(threads)
        new.submit(torch.set_num_threads, for_all).result()


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums of this thread are not shared: they depend on how many threads share them.

    BLAS has one number for the whole process, which is put back at the end.
    """
    threads = torch.get_num_threads()
    share_among(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        share_among(threads)


@contextmanager
def one_blas_thread(*used: str) -> Iterator[None]:
    """BLAS has one thread in the whole process: with several, many small matrices take ten times as long.

    Args:
        used: Modules that bring a BLAS of their own. They are imported before: one that comes later would keep all its
            threads, and as long as this thread sets the number no other can, as scikit-learn does around its loops
            with OpenMP, in which a BLAS with threads of its own may hang.
    """
    for module in used:
        import_module(module)
    with threadpool_limits(1, "blas"):
        yield
