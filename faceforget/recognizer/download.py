"""Fetch a file of weights once: resumed, retried, checked, and noticed if it changes later.

Where no SHA-256 is published, the file is trusted on first use: over https, of the length that the
server announced, read without running code and of the right shapes. Its SHA-256 is then written to
``NAME.sha256`` beside it and checked at every later use. This notices a file that changes later; it
cannot notice one that was already wrong when it first came.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from faceforget.errors import BackboneError
from faceforget.files import sha256_file, sync_folder, write_atomically
from faceforget.progress import Progress, silent
from faceforget.recognizer.transfer import Source, Transfer, TransferError, forget


def download(
    source: Source,
    folder: Path,
    *,
    check: Callable[[Path], object] = Path.stat,
    progress: Progress = silent,
    attempts: int = 4,
    timeout: float = 30.0,
    pause: float = 1.0,
) -> Path:
    """The file's path in ``folder``, fetched if it is not there yet, and verified in any case.

    Args:
        source: What to fetch.
        folder: Gets the file and ``NAME.sha256``; while the file comes, ``NAME.part`` and ``NAME.lock``.
        check: Raises BackboneError for a file that is not what it should be; called before a file
            gets its final name, and for one without ``NAME.sha256`` that somebody else put there.
        progress: Told about every megabyte.
        attempts: Failures in a row, without a new byte between them, before giving up.
        timeout: Seconds of silence that count as a failure.
        pause: Seconds before the second attempt; doubled before each further one.

    Raises:
        BackboneError: Not reachable, not what it should be, or changed since its first use. The
            message says how to do without a connection.
    """
    target = folder / source.file_name
    advice = f"Fetch {source.url} on another machine and put it at {target}, or give its path as backbone."
    try:
        if not target.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{target}.lock"):  # a second process waits, then finds the file
                if not target.is_file():
                    Transfer(source, _part_of(target), progress, timeout).until_whole(attempts, pause)
                    _install(source, target, check)
    except TransferError as error:
        raise BackboneError(
            f"Could not download the weights {source.name}: {error}.",
            advice,
            code="no-download",
            url=source.url,
            target=target,
        ) from error
    except OSError as error:  # the network's own are TransferErrors
        raise BackboneError(
            f"Cannot write into {folder}: {error}.", advice, code="no-download", url=source.url, target=target
        ) from error
    _verify(source, target, check)
    return target


def _record_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.sha256")


def _part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _expected(source: Source, target: Path) -> str | None:
    """The SHA-256 published or, else, remembered from the first use."""
    record = _record_of(target)
    if source.sha256 is None and record.is_file():
        return (record.read_text(errors="replace").split() or [""])[0]
    return source.sha256


def _install(source: Source, target: Path, check: Callable[[Path], object]) -> None:
    """Give a whole ``.part`` its final name, if it is what it should be."""
    part = _part_of(target)
    expected, found = _expected(source, target), sha256_file(part)
    try:
        if expected is not None and found != expected:
            where = f" (from {_record_of(target)})" if source.sha256 is None else ""
            raise TransferError(f"expected the SHA-256 {expected}{where}, got {found}")
        try:
            check(part)
        except BackboneError as error:
            raise TransferError(f"what came is something else: {error.message}") from error
    except TransferError:
        forget(part)
        raise
    _remember(source, target, found)
    part.replace(target)
    sync_folder(target.parent)
    forget(part)


def _remember(source: Source, target: Path, sha256: str) -> None:
    if source.sha256 is None:
        write_atomically(_record_of(target), f"{sha256}  {target.name}\n".encode())


def _verify(source: Source, target: Path, check: Callable[[Path], object]) -> None:
    """Compare a file with its SHA-256; remember that of a file which has none and is fit."""
    record = _record_of(target)
    expected, found = _expected(source, target), sha256_file(target)
    if expected is None:
        check(target)
        with suppress(OSError):  # a folder that cannot be written to still serves
            _remember(source, target, found)
    elif found != expected:
        published = "published" if source.sha256 else f"in {record.name}, of its first use"
        raise BackboneError(
            f"{target} was changed: expected the SHA-256 {published}, {expected}, got {found}.",
            "Delete the file to fetch it again"
            + ("." if source.sha256 else f"; if you replaced it yourself, delete {record.name} instead."),
            expected=expected,
            found=found,
        )
