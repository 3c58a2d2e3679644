"""A ledger as one JSON file to keep elsewhere, and the check of such a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from faceforget.fields import problems
from faceforget.requests.canonical import TamperedError, canonical, read_canonical
from faceforget.requests.chain import Entry, check_chain, read_entry
from faceforget.requests.keys import SigningKey, check_signature

FORMAT = "faceforget-ledger"
_WHAT = "The export of the ledger"


class _ExportFields(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    format: str
    version: int
    count: int
    head: str
    entries: list[dict[str, Any]]
    public_key: str | None
    signature: str | None


@dataclass(frozen=True)
class ExportedLedger:
    """An export that was found intact.

    Attributes:
        entries: All of them.
        public_key: Whose signature it bears; None where it was not signed.
    """

    entries: tuple[Entry, ...]
    public_key: str | None


def export_ledger(entries: Sequence[Entry], key: SigningKey | None = None) -> bytes:
    """The file. The chain shows a change by accident or by hand; only a signature shows one by a forger."""
    content: dict[str, Any] = {
        "format": FORMAT,
        "version": 1,
        "count": len(entries),
        "head": check_chain(entries),
        "entries": [entry.to_dict() for entry in entries],
        "public_key": key.public if key else None,
        "signature": None,
    }
    if key is not None:
        content["signature"] = key.sign(canonical(content))
    return canonical(content)


def read_export(data: bytes, public_key: str | None = None) -> ExportedLedger:
    """Check an export.

    Args:
        data: The file.
        public_key: Whose signature it must bear; without one, the key that is in the file.

    Raises:
        TamperedError: Anything is not as it was written, or it is not signed by that key.
    """
    content = read_canonical(data, _WHAT)
    try:
        fields = _ExportFields.model_validate(content)
    except ValidationError as error:
        raise TamperedError(
            f"{_WHAT} has other fields than expected: {problems(error)}.", "Use an intact copy."
        ) from error
    entries = tuple(map(read_entry, fields.entries))
    head = check_chain(entries)
    if (fields.format, fields.version, fields.count, fields.head) != (FORMAT, 1, len(entries), head):
        raise TamperedError(f"{_WHAT} does not hold what its head says.", "Use an intact copy.")
    if (fields.public_key is None) != (fields.signature is None) or (public_key and fields.signature is None):
        raise TamperedError(
            f"{_WHAT} is not signed.", "Ask for one that was exported with a key.", code="unsigned-export"
        )
    if fields.signature is not None:
        signer = public_key or fields.public_key or ""
        check_signature(signer, fields.signature, canonical({**content, "signature": None}), _WHAT.lower())
    return ExportedLedger(entries, fields.public_key)
