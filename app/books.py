"""The ledger of the app: which it is, and its entries as a user reads them."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.batches.ending import close_orphans
from app.batches.folder import Folder, sweep
from faceforget.api import (
    ERASED,
    Entry,
    Ledger,
    Receipt,
    SigningKey,
    ensure_key,
    export_ledger,
    load_key,
    load_public_key,
    read_receipt,
    sha256_bytes,
    why_failed,
)
from faceforget.errors import FaceForgetError, UsageError

# Set by `faceforget app --ledger FILE`.
LEDGER_VARIABLE = "FACEFORGET_APP_LEDGER"
# By the state of a request that is not closed yet.
OPEN_WORDS = {
    "planned": "waiting",
    "running": "being erased",
    "erased": "erased, not checked yet",
    "audited": "checked",
    "purged": "checked, copies removed",
    "failed": "could not be erased",
}


def given_ledger() -> Path | None:
    """The ledger that the app was started with; None where each session has its own."""
    path = os.environ.get(LEDGER_VARIABLE)
    return Path(path) if path else None


def _parent() -> Path:
    """Where folders of sessions go: beside the ledger that outlives them, so that what a crash left is found."""
    given = given_ledger()
    return given.with_name(f"{given.name}.app") if given else Path(tempfile.gettempdir())


def new_folder() -> Folder:
    """A folder for a session."""
    return Folder(_parent())


def clear_up() -> int:
    """Remove what a killed server left behind, and close the requests that it had open."""
    given = given_ledger()

    def before(folder: Path) -> None:
        if given is not None:
            close_orphans(folder, given)

    return sweep(_parent(), before) if _parent().is_dir() else 0


def ledger_in(folder: Folder | None) -> Path | None:
    """The ledger of a session; None where there cannot be one yet."""
    return given_ledger() or (folder.path / "ledger.db" if folder else None)


def key_of(ledger: Path) -> Path:
    """The key that signs its receipts."""
    return ledger.with_name(f"{ledger.name}.key")


@dataclass(frozen=True)
class LedgerRecord:
    """What the ledger says about one request.

    Attributes:
        request: Its id.
        promise: What was promised.
        state: Of the last entry.
        erased: Whether it was closed as erased.
        reason: Why not; empty if erased, or open.
        verdicts: Of its audit, by promise.
        entries: All of its entries.
    """

    request: str
    promise: str
    state: str
    erased: bool
    reason: str
    verdicts: dict[str, Any]
    entries: tuple[Entry, ...]

    @property
    def outcome(self) -> str:
        """In words."""
        if self.state == "closed":
            return "ERASED" if self.erased else "NOT ERASED"
        return OPEN_WORDS.get(self.state, self.state)


def read_records(ledger: Path | None) -> tuple[LedgerRecord, ...]:
    """Every request, the latest first.

    Raises:
        FaceForgetError: The ledger cannot be read.
    """
    if ledger is None or not ledger.is_file():
        return ()
    with Ledger(ledger) as opened:
        entries = opened.entries()
    of: dict[str, list[Entry]] = {}
    for entry in entries:
        of.setdefault(entry.request, []).append(entry)
    return tuple(_record(tuple(own)) for own in reversed(of.values()))


def _record(entries: tuple[Entry, ...]) -> LedgerRecord:
    body = {entry.state: entry.body for entry in entries}
    failed, last = body.get("failed", {}), entries[-1]
    audit = body.get("audited") or failed.get("audit") or {}
    erased = last.state == "closed" and last.body.get("outcome") == ERASED
    return LedgerRecord(
        last.request,
        str(entries[0].body.get("settings", {}).get("promise", "")),
        last.state,
        erased,
        "" if erased or not failed else why_failed(failed),
        dict(audit.get("verdicts", {})),
        entries,
    )


def verify(ledger: Path) -> int:
    """Check the ledger; the number of its entries.

    Raises:
        TamperedError: With the first entry that is not as it was written.
    """
    with Ledger(ledger) as opened:
        return opened.verify()


def signed_export(ledger: Path) -> bytes:
    """The ledger as one file, signed.

    Raises:
        TamperedError: It is not intact.
    """
    signer: SigningKey = ensure_key(key_of(ledger))
    with Ledger(ledger) as opened:
        opened.verify()
        return export_ledger(opened.entries(), signer)


@dataclass(frozen=True)
class CheckedReceipt:
    """A receipt that is as it was signed.

    Attributes:
        receipt: What it says.
        signer: Whose signature that is: ``given``, the key that was uploaded; ``ours``, this ledger's; else ``any``.
        recorded: Whether the ledger holds this very receipt.
    """

    receipt: Receipt
    signer: str
    recorded: bool


def check_receipt(data: bytes, ledger: Path | None, public_key: bytes | None = None) -> CheckedReceipt:
    """Check an uploaded receipt.

    Args:
        data: The JSON.
        ledger: Where to look it up.
        public_key: The file of the operator's public key.

    Raises:
        TamperedError: It was changed, or is signed by another key.
        FaceForgetError: The key is none.
    """
    public = _public(public_key) if public_key is not None else None
    receipt = read_receipt(data, public)
    if not isinstance(receipt.content.get("request"), str) or not isinstance(receipt.content.get("outcome"), str):
        raise UsageError("The file is signed, but it is not a receipt of a request.", "Give the JSON of a receipt.")
    recorded = False
    ours = False
    if ledger is not None and ledger.is_file():
        with Ledger(ledger) as opened:
            entries = opened.of(receipt.content["request"])
        recorded = any(entry.body.get("receipt") == sha256_bytes(data) for entry in entries)
        ours = key_of(ledger).is_file() and load_key(key_of(ledger)).public == receipt.public_key
    return CheckedReceipt(receipt, "given" if public else "ours" if ours else "any", recorded)


def _public(data: bytes) -> str:
    with tempfile.TemporaryDirectory(prefix="faceforget-app-") as folder:
        path = Path(folder) / "key.pub"
        path.write_bytes(data)
        try:
            return load_public_key(path)
        except FaceForgetError as error:
            # Its message has a path of ours.
            raise UsageError("The file is not a public key.", "Give the .pub file of the operator's key.") from error
