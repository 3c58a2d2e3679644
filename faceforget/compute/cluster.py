"""Work as tasks of a Ray cluster.

What the tasks read and write are files: the machines of a cluster must see them at the same paths, and need FaceForget
installed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from faceforget.compute.engine import TRIES, Engine, Local, LostWorkerError, R, T, Work
from faceforget.errors import UsageError

ENGINES = ("local", "ray")
# Each wait looks at every task that was handed out; cores beyond so many stay idle.
_HANDED_OUT = 1000


@dataclass(frozen=True)
class Cluster(Engine):
    """A Ray cluster; connected to at the first work.

    Attributes:
        address: Of a running cluster; None starts one on this machine, unless this process is connected to one.
        cpus: Tasks at a time, if the cluster is started here; None for one per core.
    """

    address: str | None = None
    cpus: int | None = None

    def carry(self, work: Work[T, R], items: Sequence[T]) -> Iterator[tuple[T, R | LostWorkerError]]:
        """Do the work on each item as a task with one core and no GPU.

        A task whose worker is lost begins again with another one.

        Raises:
            UsageError: Ray is not installed, or there is no cluster at the address.
        """
        ray = self._connected()
        task = ray.remote(num_cpus=1, max_retries=TRIES - 1, retry_exceptions=False)(work.do)
        left, running = iter(items), dict[Any, T]()
        while True:
            for item in islice(left, _HANDED_OUT - len(running)):
                running[task.options(name=work.name(item)).remote(item)] = item
            if not running:
                return
            (ready,), _ = ray.wait(list(running), num_returns=1)
            item = running.pop(ready)
            try:
                result: R | LostWorkerError = ray.get(ready)
            except ray.exceptions.RayError as error:
                result = work.lost(item, type(error).__name__)
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


def engine_of(name: str, address: str | None = None, at_a_time: int | None = None) -> Engine:
    """The engine of a name.

    Args:
        name: One of ``ENGINES``.
        address: Of a running Ray cluster.
        at_a_time: Items; None is one in this process, or one per core of a cluster that is started here.

    Raises:
        UsageError: There is no such engine, or an address without the engine ``ray``.
    """
    if name not in ENGINES:
        raise UsageError(f"There is no engine {name!r}.", f"Engines: {', '.join(ENGINES)}.")
    if name == "ray":
        return Cluster(address, at_a_time)
    if address is not None:
        raise UsageError("An address is a Ray cluster's.", 'Give engine="ray".', code="address-without-ray")
    return Local(at_a_time or 1)
