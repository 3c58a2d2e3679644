"""The entries of a ledger, each sealed with the hash of the one before, and which may follow which."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from faceforget.fields import problems
from faceforget.requests.canonical import TamperedError, digest

State = Literal["planned", "running", "erased", "audited", "purged", "closed", "failed"]
# What the first entry seals.
BEGINNING = "0" * 64

# A joint erasure starts over without those whom its audit failed: erased, then running again.
_AFTER: Mapping[State | None, tuple[State, ...]] = {
    None: ("planned",),
    "planned": ("running", "failed"),
    "running": ("running", "erased", "failed"),
    "erased": ("running", "audited", "failed"),
    "audited": ("purged",),
    "purged": ("closed",),
    "failed": ("closed",),
    "closed": (),
}


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    Attributes:
        seq: 1, 2, 3, ...
        request: Random id of the request.
        state: What it has come to.
        attempt: Which run of the erasure, from 1; 0 before the first.
        at: Time in UTC, ISO 8601.
        body: What there is to say about it; never a name, a face, or a hash of either.
        previous: Hash of the entry before.
        hash: Over all of the above.
    """

    seq: int
    request: str
    state: State
    attempt: int
    at: str
    body: Mapping[str, Any]
    previous: str
    hash: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


class _EntryFields(BaseModel):
    """What a stored entry must look like."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    seq: int
    request: str
    state: State
    attempt: int
    at: str
    body: dict[str, Any]
    previous: str
    hash: str


def sealed(
    seq: int, request: str, state: State, attempt: int, at: str, body: Mapping[str, Any], previous: str
) -> Entry:
    """An entry with its hash."""
    content = (seq, request, state, attempt, at, dict(body), previous)
    return Entry(*content, hash=digest(content))


def read_entry(fields: Mapping[str, Any]) -> Entry:
    """An entry from its stored fields.

    Raises:
        TamperedError: They are not those of an entry.
    """
    try:
        return Entry(**_EntryFields.model_validate(fields).model_dump())
    except ValidationError as error:
        raise TamperedError(f"An entry of the ledger is damaged: {problems(error)}.", "Use an intact copy.") from error


def may_follow(state: State | None, following: State) -> bool:
    """Whether a request in ``state`` (None: not in the ledger) may come to ``following``."""
    return following in _AFTER[state]


def check_chain(entries: Iterable[Entry]) -> str:
    """Check numbers, hashes and the order of states.

    Args:
        entries: From the first on.

    Returns:
        The hash of the last entry.

    Raises:
        TamperedError: With the first entry that does not fit.
    """
    head, states = BEGINNING, dict[str, State]()
    for number, entry in enumerate(entries, start=1):
        content = (entry.seq, entry.request, entry.state, entry.attempt, entry.at, dict(entry.body), entry.previous)
        if entry.seq != number:
            raise _tampered(entry, f"expected number {number}")
        if entry.previous != head:
            raise _tampered(entry, "it does not follow the entry before it")
        if entry.hash != digest(content):
            raise _tampered(entry, "its hash does not match its content")
        if not may_follow(states.get(entry.request), entry.state):
            raise _tampered(entry, f"{entry.state} cannot follow {states.get(entry.request, 'nothing')}")
        head, states[entry.request] = entry.hash, entry.state
    return head


def _tampered(entry: Entry, why: str) -> TamperedError:
    return TamperedError(
        f"Entry {entry.seq} of the ledger (request {entry.request}) is not as it was written: {why}.",
        "Compare with an export that was kept elsewhere.",
        seq=entry.seq,
    )
