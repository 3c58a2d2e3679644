"""Work in a thread beside the page: what it is doing, its result, and a way to stop it."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from faceforget.errors import FaceForgetError
from faceforget.progress import Event, Progress

T = TypeVar("T")
State = Literal["waiting", "running", "done", "failed", "cancelled"]

_log = logging.getLogger(__name__)
# One heavy job at a time: torch's random numbers and matplotlib's style belong to the whole process, and two
# erasures on two cores take as long side by side as in turn.
_turn = threading.Lock()
_impatient: set["Job[Any]"] = set()  # those that wait for their turn
_POLL = 0.1


class CancelledError(Exception):
    """The user does not want the result any more."""


@dataclass(frozen=True)
class StageProgress:
    """How far one part of the work is.

    Attributes:
        name: In a user's words.
        done: Units finished so far.
        total: Units in all, None when not known.
        first: Units that were finished when it was first heard of.
        seconds: Since then.
    """

    name: str
    done: int
    total: int | None
    first: int = 0
    seconds: float = 0.0

    @property
    def seconds_left(self) -> float | None:
        """Of this part, at its pace so far; None while that is not known."""
        if self.total is None or self.done <= self.first:
            return None
        return max(self.total - self.done, 0) * self.seconds / (self.done - self.first)


class Job(Generic[T]):
    """One piece of work; read its attributes from any thread."""

    def __init__(self, work: Callable[[Progress], T], *, patient: bool = False) -> None:
        """Start it.

        Args:
            work: Called in a thread, with what it is to report to.
            patient: Whether it lets others go first, before it begins and at each of its steps.
        """
        self.state: State = "waiting"
        self.stage: StageProgress | None = None
        self.points: tuple[Mapping[str, float], ...] = ()
        self.budget = 0  # steps that the erasure cannot exceed
        self.error: FaceForgetError | None = None
        self.started = time.monotonic()
        self.seconds = 0.0
        self._result: T | None = None
        self._work, self._patient, self._has_turn = work, patient, False
        self._stage_began = (0.0, 0)  # when, and with how many units finished
        self._cancel = threading.Event()
        if not patient:
            _impatient.add(self)  # here and not in the thread, which may begin late: whoever is patient must know
        self._thread = threading.Thread(target=self._run, daemon=True, name="faceforget-job")
        self._thread.start()

    @property
    def active(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in ("waiting", "running")

    @property
    def result(self) -> T:
        """What the work gave.

        Raises:
            RuntimeError: It is not done.
        """
        if self.state != "done" or self._result is None:
            raise RuntimeError(f"The job has no result: it is {self.state}.")
        return self._result

    def cancel(self) -> None:
        """Stop at the next step of the work; what was done so far is thrown away, unless the work itself ends it."""
        self._cancel.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end; whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._take_turn()
            self._result = self._work(self._heard)
            self.state = "done"
        except CancelledError:
            self._result, self.state = None, "cancelled"
        except FaceForgetError as error:
            self.error, self.state = error, "failed"
        except Exception:
            _log.exception("A job of the app failed")  # for the operator's terminal; the page says less
            self.error = FaceForgetError(
                "Something went wrong that FaceForget did not foresee.",
                "The model is as it was. Try again; the terminal in which the app runs says more.",
            )
            self.state = "failed"
        finally:
            self._give_turn()
            self.seconds = time.monotonic() - self.started

    def _take_turn(self) -> None:
        try:
            while self._must_let_pass() or not _turn.acquire(timeout=_POLL):
                self._stop_if_cancelled()
        finally:
            _impatient.discard(self)
        self._has_turn = True
        self._stop_if_cancelled()
        self.state = "running"

    def _give_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            _turn.release()

    def _must_let_pass(self) -> bool:
        waits = self._patient and bool(_impatient)
        if waits:
            time.sleep(_POLL)
        return waits

    def _heard(self, event: Event) -> None:
        self._stop_if_cancelled()
        if self._patient and _impatient:
            self._give_turn()
            self.state = "waiting"
            self._take_turn()
        now = time.monotonic()
        if self.stage is None or self.stage.name != event.stage or event.done < self.stage.done:
            self._stage_began = (now, event.done)
        began, first = self._stage_began
        self.stage = StageProgress(event.stage, event.done, event.total, first, now - began)
        if event.stage == "erasing" and event.values:
            self.budget = event.total or 0
            self.points = (*self.points, dict(event.values))

    def _stop_if_cancelled(self) -> None:
        if self._cancel.is_set():
            raise CancelledError
