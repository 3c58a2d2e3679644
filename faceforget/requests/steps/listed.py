"""Copies that the operator knows of: exported models, caches, thumbnails, anything with the person in it."""

from collections.abc import Sequence
from pathlib import Path

from faceforget.api.runtime import Runtime
from faceforget.errors import FaceForgetError, UsageError
from faceforget.people.folder import person_key
from faceforget.requests.steps.copies import Copy, Fate, removed

_OF_LIST = " of the operator's list"


def read_copies(source: Path, spare: Sequence[Path] = ()) -> tuple[Path, ...]:
    """A list of copies: a path a line, seen from where the list is; lines that begin with # are left out.

    Args:
        source: The list.
        spare: Files that must never be on it, as the ledger.

    Raises:
        UsageError: It cannot be read, or names a folder or one of ``spare``.
    """
    try:
        lines = [line.strip() for line in source.read_text("utf-8-sig").splitlines()]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise UsageError(f"The list of copies {source} cannot be read: {reason}.", "Give a text file.") from error
    paths = tuple(dict.fromkeys((source.parent / line).absolute() for line in lines if line and line[0] != "#"))
    kept = {path.resolve() for path in spare}
    for path in paths:
        if path.is_dir():
            raise UsageError(f"{source} names the folder {path}.", "Name its files, each on a line.")
        if path.resolve() in kept:
            raise UsageError(f"{source} names {path}, which this batch works with.", "Take it off the list.")
    return paths


def listed_copies(
    paths: Sequence[Path], there: Sequence[bool], person: str, delete: bool, runtime: Runtime
) -> list[Copy]:
    """What becomes of each; doing it again changes nothing.

    A path may hold the person's name, and a receipt does not: it gives the place in the list.

    Args:
        paths: The copies.
        there: Which of them were there when the batch was planned.
        person: Who was erased.
        delete: Delete them.
        runtime: Reads each once.
    """
    return [
        Copy(f"copy {number}{_OF_LIST}", *_outcome(path, was, person, delete, runtime))
        for number, (path, was) in enumerate(zip(paths, there, strict=True), start=1)
    ]


def is_listed(copy: str) -> bool:
    """Whether a line of a receipt is about a copy of the list."""
    return copy.endswith(_OF_LIST)


def _outcome(path: Path, was: bool, person: str, delete: bool, runtime: Runtime) -> tuple[Fate, str]:
    if not was:
        return "absent", "it was not there when the batch was planned"
    if delete:
        return ("erased", "the file was removed") if removed(path) else ("kept", "it could not be removed")
    try:
        labels = runtime.load(path).labels
    except (FaceForgetError, OSError):
        return "kept", "no model of this program: nobody looked into it, nor asked for it to be deleted"
    if person_key(person) in map(person_key, labels):
        return "kept", "it names the person: erase them from it too, or remove it"
    return "kept", "it does not name the person; whether its features know them was not asked"
