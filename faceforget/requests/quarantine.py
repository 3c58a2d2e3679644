"""The model before erasure, kept out of use for some days and then deleted: the way back from an erasure by mistake.

It lies beside the ledger, named by its hash, with a record of the day on which it expires. A batch deletes what has
expired before it begins; ``faceforget ledger expire`` does so without one.
"""

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from faceforget.fields import problems
from faceforget.files import sync_folder, write_atomically
from faceforget.requests.canonical import TamperedError, canonical, read_canonical

FORMAT = "faceforget-quarantine"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal["faceforget-quarantine"] = "faceforget-quarantine"
    version: Literal[1] = 1
    model: str
    expires: str
    deleted: str | None = None


@dataclass(frozen=True)
class Quarantined:
    """A model in quarantine.

    Attributes:
        path: Where it is.
        sha256: Of the file.
        expires: When it will be deleted, ISO 8601, UTC.
    """

    path: Path
    sha256: str
    expires: str


def quarantine_of(ledger: Path) -> Path:
    """The folder."""
    return ledger.with_name(f"{ledger.name}.quarantine")


def put_away(model: Path, sha256: str, days: int, ledger: Path) -> Quarantined:
    """Move a model into quarantine. Doing it again changes nothing, the day of expiry neither.

    Args:
        model: The file; may have been moved before a crash.
        sha256: Its hash.
        days: How long.
        ledger: Beside which the quarantine is.
    """
    folder = quarantine_of(ledger)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    record = _read(_record_path(folder, sha256))
    if record is None or record.deleted:
        expires = (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")
        record = _Record(model=sha256, expires=expires)
        _write(folder, record)
    kept = folder / f"{sha256}{model.suffix}"
    if model.exists():
        _move(model, kept)
    return Quarantined(kept, sha256, record.expires)


def expire(ledger: Path, now: datetime | None = None) -> tuple[Quarantined, ...]:
    """Delete what has expired.

    Returns:
        What was deleted.

    Raises:
        TamperedError: A record is damaged; its model stays.
    """
    folder, gone = quarantine_of(ledger), list[Quarantined]()
    today = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    for path in sorted(folder.glob("*.json")):
        record = _read(path)
        if record is None or record.deleted or record.expires > today:
            continue
        for kept in folder.glob(f"{record.model}.*"):
            if kept != path:
                kept.unlink(missing_ok=True)
                gone.append(Quarantined(kept, record.model, record.expires))
        sync_folder(folder)
        _write(folder, record.model_copy(update={"deleted": today}))
    return tuple(gone)


def _move(source: Path, target: Path) -> None:
    """Onto another disk it is copied first, so that there is one whole file at any moment."""
    try:
        source.replace(target)
    except OSError:
        part = target.with_name(f".{target.name}.part")
        shutil.copyfile(source, part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
        source.unlink()
    sync_folder(target.parent)
    sync_folder(source.parent)


def _record_path(folder: Path, sha256: str) -> Path:
    return folder / f"{sha256}.json"


def _write(folder: Path, record: _Record) -> None:
    write_atomically(_record_path(folder, record.model), canonical(record.model_dump()))


def _read(path: Path) -> _Record | None:
    if not path.is_file():
        return None
    try:
        return _Record.model_validate(read_canonical(path.read_bytes(), str(path)))
    except ValidationError as error:
        raise TamperedError(f"{path} is damaged: {problems(error)}.", "Delete the model beside it by hand.") from error
