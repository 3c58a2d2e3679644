"""What must be known of a request while it is open, and must be gone once it is closed.

One file per request beside the ledger: the person's name, the photos, and the key of the HMAC that stands for the
person in the ledger. Without the key the HMAC says nothing about anybody.
"""

import hmac
import os
import secrets
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from faceforget.files import sync_folder, write_atomically
from faceforget.people.folder import person_key
from faceforget.requests.canonical import TamperedError, canonical, read_canonical


@dataclass(frozen=True)
class PhotoFile:
    """A photo as it was when the request was planned.

    Attributes:
        path: Absolute; of a photo that came without a file what it is called, which is no path.
        sha256: Of its bytes; empty where they could not be read.
    """

    path: str
    sha256: str


@dataclass(frozen=True)
class OpenRequest:
    """A request that is not closed yet.

    Attributes:
        id: Random; all that the ledger knows it by.
        key: Of the HMAC, hexadecimal.
        person: As in the model.
        photos: For the erasure.
        check: For the check alone; where there are none, some of ``photos`` are held back.
    """

    id: str
    key: str
    person: str
    photos: tuple[PhotoFile, ...]
    check: tuple[PhotoFile, ...] = ()

    @property
    def files(self) -> tuple[PhotoFile, ...]:
        """All of its photos."""
        return (*self.photos, *self.check)

    @property
    def subject(self) -> str:
        """HMAC-SHA-256 of the person under the request's own key."""
        return hmac.digest(bytes.fromhex(self.key), person_key(self.person).encode(), "sha256").hex()


class _Fields(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    key: str
    person: str
    photos: tuple[PhotoFile, ...]
    check: tuple[PhotoFile, ...]


def new_request(person: str, photos: tuple[PhotoFile, ...], check: tuple[PhotoFile, ...] = ()) -> OpenRequest:
    """A request with a random id and a random key."""
    return OpenRequest(secrets.token_hex(8), secrets.token_hex(32), person, photos, check)


class OpenRequests:
    """The files of the open requests of a ledger."""

    def __init__(self, ledger: Path) -> None:
        self.folder = ledger.with_name(f"{ledger.name}.open")

    def put(self, request: OpenRequest) -> None:
        """Keep a request until it is closed."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(self._path(request.id), canonical(asdict(request)))

    def get(self, request: str) -> OpenRequest | None:
        """A request, or None once it was destroyed.

        Raises:
            TamperedError: The file is damaged.
        """
        path = self._path(request)
        try:
            data = path.read_bytes()
            if not data.strip(b"\0"):  # overwritten, but a crash came before it was removed
                return None
            fields = _Fields.model_validate(read_canonical(data, "The file of an open request"))
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise TamperedError(f"{path} is damaged.", "Delete it and submit the request again.") from error
        return OpenRequest(fields.id, fields.key, fields.person, fields.photos, fields.check)

    def ids(self) -> list[str]:
        """Requests that were not destroyed."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def destroy(self, request: str) -> None:
        """Overwrite and remove a request's file, key and all; nothing happens the second time."""
        path = self._path(request)
        if not path.exists():
            return
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(self.folder)

    def destroy_all_but(self, requests: Collection[str]) -> None:
        """Destroy what a crash left behind before its requests came into the ledger."""
        for request in self.ids():
            if request not in requests:
                self.destroy(request)
        for part in self.folder.glob(".*.part"):
            part.unlink(missing_ok=True)

    def _path(self, request: str) -> Path:
        return self.folder / f"{request}.json"
