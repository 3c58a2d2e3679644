"""Several models' batches at once, each in a process of this machine."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext

from faceforget.machines.cluster import TRIES, LostWorkerError
from faceforget.requests.machines.job import Done, Job, carry


def in_processes(jobs: Sequence[Job], count: int) -> Iterator[Done]:
    """Carry out the jobs, ``count`` at a time; the results come as they are ready.

    Each job has a process of its own, so that one that dies takes no other with it.
    """
    with ThreadPoolExecutor(count) as threads:
        for done in as_completed([threads.submit(survive, job, _in_process) for job in jobs]):
            yield done.result()


def survive(job: Job, attempt: Callable[[Job], Done | None]) -> Done:
    """Try a job until it ends with a result or an error; ``attempt`` gives None if the process was lost."""
    for _ in range(TRIES):
        done = attempt(job)
        if done is not None:
            return done
    lost = LostWorkerError(
        f"The process that worked on {job.place.model} ended without a word {TRIES} times.",
        "Look for a lack of memory; nothing is lost: go on with resume=True.",
        code="batch-interrupted",
    )
    return Done(job.place, None, lost)


def _in_process(job: Job) -> Done | None:
    with ProcessPoolExecutor(1, mp_context=_context()) as process:
        try:
            return process.submit(carry, job).result()
        except BrokenProcessPool:
            return None


def _context() -> BaseContext:
    """Not forked from here: torch's threads and locks do not survive that. A server that has only imported can be."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([carry.__module__])
    return context
