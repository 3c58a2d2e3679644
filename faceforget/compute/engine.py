"""Who does work that falls into parts: this process, others of this machine, or a cluster.

A room says what is to be done, and gives it to an engine; engines know nothing of faces, audits and models.
"""

import multiprocessing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from typing import Any, Generic, TypeVar

from faceforget.errors import FaceForgetError, UsageError

T = TypeVar("T")
R = TypeVar("R")

# A process that is killed (out of memory, by hand) is followed by another; more often it is the work itself.
TRIES = 3


class LostWorkerError(FaceForgetError):
    """A process that worked on something ended without a word, again and again."""


@dataclass(frozen=True)
class Work(Generic[T, R]):
    """What is done with each item; whoever takes an item over begins it again.

    Attributes:
        do: A function of a module, or anything else that can be sent to another process; so can what it is given and
            what it returns. What can go wrong with an item is part of what it returns.
        name: What an item is called in lists and errors; no person's name.
        todo: What to do about an item that no worker could finish.
        code: Of that error.
    """

    do: Callable[[T], R]
    name: Callable[[T], str]
    todo: str
    code: str = ""

    def lost(self, item: T, what: str) -> LostWorkerError:
        """The error of an item that no worker could finish."""
        return LostWorkerError(f"No worker could finish {self.name(item)}: {what}.", self.todo, code=self.code)


class Engine(ABC):
    """Does work, on several items at a time."""

    @abstractmethod
    def carry(self, work: Work[T, R], items: Sequence[T]) -> Iterator[tuple[T, R | LostWorkerError]]:
        """Do the work on each item.

        Yields:
            An item with its result, or with an error if no worker could finish it; in the order in which they are
            ready.
        """

    def here(self, items: int) -> bool:
        """Whether so many items are done in this process, one after the other, and what they tell is heard here."""
        return False


@dataclass(frozen=True)
class Local(Engine):
    """This machine.

    Each item has a process of its own, so that one that dies takes no other with it. One item, or one process, needs
    none: the work is done here.

    Attributes:
        processes: Items at a time.

    Raises:
        UsageError: There is to be no process.
    """

    processes: int = 1

    def __post_init__(self) -> None:
        if self.processes < 1:
            raise UsageError(f"Expected at least one process, got {self.processes}.", "Give 1 or more.")

    def here(self, items: int) -> bool:
        """Whether there is one process, or work for one."""
        return self.processes == 1 or items <= 1

    def carry(self, work: Work[T, R], items: Sequence[T]) -> Iterator[tuple[T, R | LostWorkerError]]:
        """Do the work on each item, in this process or in others."""
        if self.here(len(items)):
            yield from ((item, work.do(item)) for item in items)
            return
        with ThreadPoolExecutor(self.processes) as threads:
            waiting = {threads.submit(_survived, work, item): item for item in items}
            yield from ((waiting[done], done.result()) for done in as_completed(waiting))


HERE = Local()


def _survived(work: Work[T, R], item: T) -> R | LostWorkerError:
    """Begin an item in one process after another, until one of them lives to its end."""
    for _ in range(TRIES):
        with ProcessPoolExecutor(1, mp_context=_context(work.do)) as process, suppress(BrokenProcessPool):
            return process.submit(work.do, item).result()
    return work.lost(item, f"its process ended without a word {TRIES} times")


def _context(do: Callable[..., Any]) -> BaseContext:
    """Not forked from here: torch's threads and locks do not survive that. A server that has only imported can be."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([do.__module__])
    return context
