"""Calls of a function as tasks of a Ray cluster.

What the tasks read and write are files: the machines of a cluster must see them at the same paths, and need FaceForget
installed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from faceforget.errors import FaceForgetError, UsageError

T = TypeVar("T")
R = TypeVar("R")

ENGINES = ("local", "ray")
# A process that is killed (out of memory, by hand) is followed by another; more often it is the work itself.
TRIES = 3
# Each wait looks at every task that was handed out; cores beyond so many stay idle.
_HANDED_OUT = 1000


class LostWorkerError(FaceForgetError):
    """A process that worked on something ended without a word, again and again."""


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster; connected to at the first work.

    Attributes:
        address: Of a running cluster; None starts one on this machine, unless this process is connected to one.
        cpus: Tasks at a time, if the cluster is started here; None for one per core.
    """

    address: str | None = None
    cpus: int | None = None

    def carry(
        self, work: Callable[[T], R], items: Sequence[T], *, name: Callable[[T], str], todo: str, code: str = ""
    ) -> Iterator[tuple[T, R | LostWorkerError]]:
        """Do the work on each item as a task with one core and no GPU; the results come as they are ready.

        A task whose worker is lost begins again with another one, so the work must bear being begun twice.

        Args:
            work: A function of a module, or anything else that Ray can send.
            items: What is sent to it, one by one.
            name: What the task is called in Ray's lists and in errors; no person's name.
            todo: What to do about an item that no worker could finish.
            code: Of that error.

        Yields:
            An item with its result, or with an error if no worker could finish it.

        Raises:
            UsageError: Ray is not installed, or there is no cluster at the address.
        """
        ray = self._connected()
        task = ray.remote(num_cpus=1, max_retries=TRIES - 1, retry_exceptions=False)(work)
        left, running = iter(items), dict[Any, T]()
        while True:
            for item in islice(left, _HANDED_OUT - len(running)):
                running[task.options(name=name(item)).remote(item)] = item
            if not running:
                return
            (ready,), _ = ray.wait(list(running), num_returns=1)
            item = running.pop(ready)
            try:
                result: R | LostWorkerError = ray.get(ready)
            except ray.exceptions.RayError as error:
                result = LostWorkerError(
                    f"No worker of the cluster could finish {name(item)}: {type(error).__name__}.", todo, code=code
                )
                result.__cause__ = error
            yield item, result

    def _connected(self) -> Any:  # noqa: ANN401 - an optional package without types
        try:
            import ray
        except ImportError as error:
            raise UsageError("The engine ray needs Ray.", "pip install 'faceforget[ray]'") from error
        if ray.is_initialized():
            return ray
        try:
            if self.address is None:
                ray.init(num_cpus=self.cpus, include_dashboard=False, log_to_driver=False)
            else:
                ray.init(address=self.address, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UsageError(
                f"No Ray cluster answers at {self.address or 'this machine'}.",
                "Check the address, and that Ray and Python are of the same versions there.",
            ) from error
        return ray


def cluster_of(engine: str, address: str | None = None, cpus: int | None = None) -> Cluster | None:
    """The cluster that an engine works on; None for ``local``, which needs none.

    Raises:
        UsageError: There is no such engine, or an address without the engine ``ray``.
    """
    if engine not in ENGINES:
        raise UsageError(f"There is no engine {engine!r}.", f"Engines: {', '.join(ENGINES)}.")
    if engine == "ray":
        return Cluster(address, cpus)
    if address is not None:
        raise UsageError("An address is a Ray cluster's.", 'Give engine="ray".', code="address-without-ray")
    return None
