"""What a batch, or a look at one beforehand, has come to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from faceforget.errors import FaceForgetError
from faceforget.requests.closing import Place


@dataclass(frozen=True)
class RequestOutcome:
    """What a request has come to.

    Attributes:
        request: Its id.
        erased: Whether the person is not in the live model any more, and its audit let it through.
        reason: Why not, without names; empty where they were erased.
        kind: The same as a stable name for programs, such as ``unknown_person``.
        error: The same with names and files, if it failed in this run by an error; for the operator's eyes alone.
    """

    request: str
    erased: bool
    reason: str = ""
    kind: str = ""
    error: FaceForgetError | None = None


@dataclass(frozen=True)
class BatchResult:
    """A batch that was carried out.

    Attributes:
        outcomes: By request, in the order of the list.
        place: Where the results are.
        model: SHA-256 of the live model; None where nobody was erased.
    """

    outcomes: tuple[RequestOutcome, ...]
    place: Place
    model: str | None

    @property
    def all_erased(self) -> bool:
        """Whether nobody failed."""
        return all(outcome.erased for outcome in self.outcomes)

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; no names."""
        return {
            "model": self.model,
            "live": str(self.place.live) if self.model else None,
            "requests": [
                {"request": o.request, "erased": o.erased, "reason": o.reason, "kind": o.kind} for o in self.outcomes
            ],
        }  # fmt: skip


@dataclass(frozen=True)
class Checked:
    """What a dry run found out about one line of the list.

    Attributes:
        person: As written there.
        photos: Usable photos: for the erasure, for the check.
        error: Why the request would fail, or None.
        method: Name of the method.
        settings: Its settings as they would be used, if nobody fails; of a request that would fail the defaults.
    """

    person: str
    photos: tuple[int, int]
    error: FaceForgetError | None
    method: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Forecast:
    """What a batch will take, from a trial of one person on this machine.

    Attributes:
        seconds: Of work on one core; None where nobody's photos could be used.
        disk: Bytes that the results need at their most.
        per_photo: Seconds to find the face in a photo, measured on all of them.
        per_person: Seconds of one audit, measured once.
    """

    seconds: float | None
    disk: int
    per_photo: float
    per_person: float | None

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "seconds": None if self.seconds is None else round(self.seconds, 1),
            "disk_bytes": self.disk,
            "seconds_per_photo": round(self.per_photo, 4),
            "seconds_per_audit": None if self.per_person is None else round(self.per_person, 3),
        }
