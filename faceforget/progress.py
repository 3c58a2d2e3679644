"""Progress as plain events, so that the command line, the app and logs all can show it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Event:
    """One step of a longer piece of work.

    Attributes:
        stage: What is being done, in a user's words, e.g. ``"finding faces"``.
        done: Units finished so far.
        total: Units in all, None when not known.
        values: Numbers worth a curve, e.g. ``{"loss": 0.3}``.
        final: The stage has ended, possibly before ``total`` (an early stop).
    """

    stage: str
    done: int
    total: int | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    final: bool = False


Progress = Callable[[Event], None]


def silent(event: Event) -> None:
    """Ignore progress."""


def tracked(items: Iterable[T], stage: str, total: int, progress: Progress) -> Iterator[T]:
    """Yield ``items``, reporting after each one that the consumer has finished with."""
    progress(Event(stage, 0, total))
    for done, item in enumerate(items, start=1):
        yield item
        progress(Event(stage, done, total))
    progress(Event(stage, total, total, final=True))
