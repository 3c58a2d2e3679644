"""Several models' batches as tasks of a Ray cluster.

Model, results, ledger and photos are files: the machines of a cluster must see them at the same paths, on a disk whose
locks work across machines, as NFS 4 (:meth:`Ledger.share`; https://www.sqlite.org/faq.html#q5).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from faceforget.errors import UsageError
from faceforget.requests.machines.job import Done, Job, LostWorkerError, carry
from faceforget.requests.machines.processes import TRIES


def on_ray(jobs: Sequence[Job], count: int, address: str | None) -> Iterator[Done]:
    """Carry out the jobs; the results come as they are ready.

    A task whose worker is lost goes to another one, which goes on from the ledger and the files.

    Args:
        jobs: The jobs.
        count: How many at a time, if the cluster is started here.
        address: Of a running cluster; None starts one on this machine, unless this process is connected to one.

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address.
    """
    ray = _connected(count, address)
    task = ray.remote(num_cpus=1, max_retries=TRIES - 1, retry_exceptions=False)(carry)
    waiting = {task.options(name=f"erase:{job.place.model.stem}").remote(job): job for job in jobs}
    while waiting:
        (ready,), _ = ray.wait(list(waiting), num_returns=1)
        yield _result(ray, ready, waiting.pop(ready))


def _result(ray: Any, ready: Any, job: Job) -> Done:  # noqa: ANN401 - an optional package without types
    try:
        done: Done = ray.get(ready)
    except ray.exceptions.RayError as error:
        lost = LostWorkerError(
            f"The cluster lost every worker that took {job.place.model}: {type(error).__name__}.",
            "Nothing is lost: go on with --resume.",
        )
        return Done(job.place, None, lost)
    return done


def _connected(count: int, address: str | None) -> Any:  # noqa: ANN401
    try:
        import ray
    except ImportError as error:
        raise UsageError("The engine ray needs Ray.", "pip install 'faceforget[ray]'") from error
    if ray.is_initialized():
        return ray
    try:
        if address is None:
            ray.init(num_cpus=count, include_dashboard=False, log_to_driver=False)
        else:
            ray.init(address=address, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"No Ray cluster answers at {address or 'this machine'}: {error}.", "Check --address."
        ) from error
    return ray
