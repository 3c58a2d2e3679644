"""The requests that came in, a folder each; a request is there whole or not at all.

``OUT/requests/ID/`` holds ``meta.json`` without names; while the request is open the list for the batch with the
person's name, and the photos under numbers; and ``out/``, what the batch leaves. ``OUT/incoming/`` is what is still
being sent. Ids and numbers are the service's own: nothing that a client sends becomes a path.
"""

import secrets
import shutil
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from faceforget.api import TamperedError, canonical, read_canonical, sync_folder, write_atomically
from faceforget.serve.problem import Problem, RefusedError
from faceforget.serve.receive import Received

LIST = "request.json"


class End(BaseModel):
    """How a request ended.

    Attributes:
        at: Time in UTC.
        request: Its id in the ledger and on the receipt.
        erased: Whether the person is out of the live model.
        reason: Why not, without names.
        kind: The same as a name for programs; empty where they were erased, and in files of earlier versions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    at: str
    request: str
    erased: bool
    reason: str
    kind: str = ""


class KeptRequest(BaseModel):
    """What the service keeps of a request; no name, no photo.

    Attributes:
        id: Random; what clients know it by.
        number: 1, 2, 3, ...: the order in which requests are carried out.
        received: Time in UTC.
        promise: What is to be shown.
        method: How; empty for the method of the promise, and in files of earlier versions.
        sent_as: SHA-256 of the client's idempotency key; empty without one.
        content: HMAC under that key of what was asked, until the request is closed.
        end: Set once it is closed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    number: int
    received: str
    promise: str
    method: str = ""
    sent_as: str = ""
    content: str = ""
    end: End | None = None


class Inbox:
    """The requests of a service; safe to use from several threads.

    Raises:
        TamperedError: A record is damaged.
    """

    def __init__(self, out: Path, most_open: int) -> None:
        self.requests, self.incoming = out / "requests", out / "incoming"
        self._most_open = most_open
        shutil.rmtree(self.incoming, ignore_errors=True)  # half-sent when the service ended
        for folder in (self.requests, self.incoming):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        records = sorted(map(_read, self.requests.glob("*/meta.json")), key=lambda record: record.number)
        self._records = {record.id: record for record in records}
        self._changed = threading.Condition()

    def room(self) -> Path:
        """A new folder for what is being sent."""
        folder = self.incoming / secrets.token_hex(8)
        folder.mkdir(mode=0o700)
        return folder

    def accept(self, upload: Received, sent_as: str) -> KeptRequest:
        """Take over what was sent; or return the request as which it came before.

        Args:
            upload: All of it, in a folder of :meth:`room`.
            sent_as: The client's idempotency key, or empty.

        Raises:
            RefusedError: Too many are open, or the key came with another content.
        """
        with self._changed:
            known = self._known(upload, sent_as)
            if known is not None:
                return known
            if len(self._open()) >= self._most_open:
                raise _too_many(self._most_open)
            record = KeptRequest(
                id=upload.folder.name,
                number=max((record.number for record in self._records.values()), default=0) + 1,
                received=_now(),
                promise=upload.promise,
                method=upload.method,
                sent_as=upload.digest_of(sent_as),
                content=upload.fingerprint(sent_as),
            )
            write_atomically(upload.folder / LIST, canonical({"requests": [upload.line()]}))
            write_atomically(upload.folder / "meta.json", canonical(record.model_dump()))
            upload.folder.rename(self.folder(record.id))
            sync_folder(self.requests)
            self._records[record.id] = record
            self._changed.notify_all()
        return record

    def get(self, request: str) -> KeptRequest | None:
        """A request by its id."""
        return self._records.get(request)

    def folder(self, request: str) -> Path:
        """Where everything of a request is."""
        return self.requests / request

    def all(self) -> Sequence[KeptRequest]:
        """In the order of their numbers."""
        with self._changed:
            return tuple(self._records.values())

    def next(self, stop: threading.Event) -> KeptRequest | None:
        """The oldest open request, waiting for one; None once ``stop`` is set and :meth:`wake` called."""
        with self._changed:
            self._changed.wait_for(lambda: stop.is_set() or self._open())
            return None if stop.is_set() else self._open()[0]

    def wake(self) -> None:
        """Let whoever waits look again."""
        with self._changed:
            self._changed.notify_all()

    def close(self, record: KeptRequest, request: str, erased: bool, reason: str, kind: str = "") -> None:
        """Remove what is left of what was sent, then mark the request as closed."""
        folder = self.folder(record.id)
        for sent in ("photos", "check"):
            shutil.rmtree(folder / sent, ignore_errors=True)
        (folder / LIST).unlink(missing_ok=True)
        sync_folder(folder)
        end = End(at=_now(), request=request, erased=erased, reason=reason, kind=kind)
        closed = record.model_copy(update={"content": "", "end": end})
        with self._changed:
            write_atomically(folder / "meta.json", canonical(closed.model_dump()))
            self._records[record.id] = closed

    def _open(self) -> list[KeptRequest]:
        return [record for record in self._records.values() if record.end is None]

    def _known(self, upload: Received, sent_as: str) -> KeptRequest | None:
        digest = upload.digest_of(sent_as)
        same = [record for record in self._records.values() if digest and record.sent_as == digest]
        if same and same[0].content not in ("", upload.fingerprint(sent_as)):
            raise RefusedError(
                409,
                Problem(
                    kind="idempotency_key_reused",
                    expected="the same content with an Idempotency-Key that came before",
                    came="another content",
                    todo="Take a new key for a new request.",
                ),
            )
        return same[0] if same else None


def _read(path: Path) -> KeptRequest:
    try:
        return KeptRequest.model_validate(read_canonical(path.read_bytes(), str(path)))
    except ValidationError as error:
        raise TamperedError(f"{path} is damaged: {error.error_count()} fields.", "Restore it from a backup.") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _too_many(most: int) -> RefusedError:
    problem = Problem(
        kind="too_many_requests",
        expected=f"at most {most} open requests",
        came="one more",
        todo="Send it again later.",
    )
    return RefusedError(429, problem, Retry_After="60")
