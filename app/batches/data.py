"""What there is to say about a batch: how it is carried out, what was found out about it, and what it came to."""

from dataclasses import dataclass, field, replace

from app.batches.asked import method_problem
from app.people import OpenModel
from faceforget.api import Asked, RequestOutcome, State, sha256_bytes
from faceforget.errors import FaceForgetError


@dataclass(frozen=True)
class Terms:
    """How a batch is carried out.

    Attributes:
        promise: What is promised.
        joint: All in one pass, or each in a pass of their own.
        allow_mismatch: Use photos that seem to show somebody else.
    """

    promise: str = "forgotten"
    joint: bool = True
    allow_mismatch: bool = False


@dataclass
class LiveBatch:
    """What can be shown of a batch under way; the worker fills it.

    Attributes:
        states: What each request has come to, in the order of the list.
    """

    states: tuple[State, ...] = ()


@dataclass(frozen=True)
class Line:
    """What was found out about one request.

    Attributes:
        asked: The request.
        usable: How many of its photos can be used.
        read: How many of these the erasure reads; the others are for the check.
        error: Why the request would fail; None if it would not.
        refused: Photos that cannot be used, each with the reason.
    """

    asked: Asked
    usable: int
    read: int
    error: FaceForgetError | None
    refused: tuple[tuple[str, str], ...] = ()

    @property
    def given(self) -> int:
        """Photos that were asked for."""
        return len(self.asked.photos) + len(self.asked.check) + len(self.asked.missing)

    def promised(self, promise: str) -> "Line":
        """The same; where the request names a method that it cannot, this is what is wrong with it."""
        problem = method_problem(self.asked, promise)
        return self if problem is None else replace(self, error=problem)


@dataclass(frozen=True)
class NamedOutcome(RequestOutcome):
    """What a request has come to, with whose it is; only its id is in the ledger and in the receipt.

    Attributes:
        person: Whose.
    """

    person: str = field(kw_only=True)


@dataclass(frozen=True)
class EndedBatch:
    """A batch that has ended.

    Attributes:
        asked: The requests, in the order of the outcomes.
        terms: How it was carried out.
        outcomes: Of each.
        model: The new model; None where nobody was erased.
        file: Its file.
        receipts: A zip with the receipts as HTML, PDF and JSON, and the public key.
        cancelled: Whether the user stopped it.
    """

    asked: tuple[Asked, ...]
    terms: Terms
    outcomes: tuple[NamedOutcome, ...]
    model: OpenModel | None
    file: bytes = field(repr=False)
    receipts: bytes = field(repr=False)
    cancelled: bool = False

    @property
    def erased(self) -> tuple[str, ...]:
        """Who was erased."""
        return tuple(outcome.person for outcome in self.outcomes if outcome.erased)

    @property
    def failed(self) -> tuple[Asked, ...]:
        """Requests of those who were not."""
        return tuple(a for a, outcome in zip(self.asked, self.outcomes, strict=True) if not outcome.erased)

    @property
    def sha256(self) -> str:
        """Of the model's file."""
        return sha256_bytes(self.file)
