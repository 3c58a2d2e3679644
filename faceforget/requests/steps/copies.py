"""Every copy of a person that an erasure can reach: what is done with it, and why another is kept."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from faceforget.errors import FaceForgetError
from faceforget.files import sync_folder
from faceforget.people.folder import person_key
from faceforget.photos.cache import FaceCache
from faceforget.requests.open_requests import OpenRequest
from faceforget.requests.plan import Configuration
from faceforget.requests.quarantine import put_away

Fate = Literal["erased", "kept", "absent"]


class UploadsLeftError(FaceForgetError):
    """What was uploaded cannot be removed, and no receipt may say that it was."""


@dataclass(frozen=True)
class Copy:
    """What became of one copy.

    Attributes:
        copy: What it is.
        outcome: Erased, kept, or absent: it was not there.
        reason: How that is known, or why it is kept.
    """

    copy: str
    outcome: Fate
    reason: str


_LIST = Copy("list of requests", "kept", "it is the operator's: it names the person")
_UPLOADS = (
    Copy("photos", "erased", "what was uploaded was removed before this was signed; originals elsewhere were not"),
    Copy("list of requests", "erased", "the service's own, with the person's name: removed before this was signed"),
)


def purge(
    request: OpenRequest,
    labels: Sequence[str],
    others: Sequence[Copy],
    configuration: Configuration,
    caches: Sequence[FaceCache],
    needed: Collection[str] = (),
) -> list[dict[str, str]]:
    """Remove what can be removed, and say what is left. Doing it again changes nothing.

    Args:
        request: The erased person's request.
        labels: Names in the live model.
        others: What became of the model before, and of the copies that the operator listed.
        configuration: What the operator wants removed.
        caches: Where crops may be.
        needed: Photos that another open request has still to read.
    """
    gone = person_key(request.person) not in map(person_key, labels)
    copies = [
        Copy("classifier row", *_outcome(gone, "the live model has no row for the person")),
        Copy("label", *_outcome(gone, "the live model does not hold the name")),
        _crops(request, caches),
        *(_UPLOADS if configuration.uploaded else (_photos(request, configuration.delete_photos, needed), _LIST)),
        *others,
        Copy("candidate models, faces in memory", "erased", "moved or removed when the new model went live"),
        Copy("backups, and copies that nobody listed", "kept", "out of reach: only listed copies are known"),
    ]
    return [asdict(copy) for copy in copies]


def kept_copies(uploaded: bool) -> list[dict[str, str]]:
    """What is left of somebody who was not erased: all, but for what was uploaded to this program."""
    reason = "the person was not erased"
    kept = ("classifier row", "label", "model") if uploaded else ("classifier row", "label", "photos", "model")
    return [asdict(copy) for copy in (*(Copy(name, "kept", reason) for name in kept), *(_UPLOADS if uploaded else ()))]


def discard(uploads: Sequence[Path]) -> None:
    """Remove what was uploaded; what is gone already is passed over.

    Raises:
        UploadsLeftError: A file could not be removed.
    """
    left = sum(not removed(path) for path in uploads)
    if left:
        raise UploadsLeftError(
            f"{left} of {len(uploads)} uploaded files could not be removed.", "Check who may write into their folder."
        )


def _outcome(gone: bool, reason: str) -> tuple[Literal["erased", "kept"], str]:
    return ("erased", reason) if gone else ("kept", "it is still in the live model")


def forget_faces(request: OpenRequest, caches: Sequence[FaceCache]) -> None:
    """Remove the crops of a request's photos."""
    for photo in (*request.photos, *request.check):
        for cache in caches if photo.sha256 else ():
            cache.forget(photo.sha256)


def _crops(request: OpenRequest, caches: Sequence[FaceCache]) -> Copy:
    forget_faces(request, caches)
    reason = "no entry for these photos; other photos of the person may have some"
    return Copy("face crops in the cache", "erased", reason)


def _photos(request: OpenRequest, delete: bool, needed: Collection[str]) -> Copy:
    if not delete:
        return Copy("photos", "kept", "they are the operator's, who did not ask for them to be deleted")
    paths = [Path(photo.path) for photo in (*request.photos, *request.check)]
    waiting = [path for path in paths if str(path) in needed]
    left = sum(not removed(path) for path in paths if path not in waiting)
    for folder in {path.parent for path in paths}:
        _remove_empty(folder, request.person)
    if waiting:
        return Copy("photos", "kept", f"another open request still reads {len(waiting)} of {len(paths)}, and decides")
    if left:
        return Copy("photos", "kept", f"{left} of {len(paths)} could not be removed")
    return Copy("photos", "erased", "the files that the list named were removed")


def model_before(model: Path, sha256: str, configuration: Configuration, ledger: Path) -> Copy:
    """Keep the model before, put it away, or remove it. Doing it again changes nothing.

    Args:
        model: Its file.
        sha256: Its hash.
        configuration: What the operator wants.
        ledger: Beside which the quarantine is.
    """
    name = "model before erasure"
    if configuration.quarantine:
        kept = put_away(model, sha256, configuration.quarantine, ledger)
        return Copy(name, "kept", f"in quarantine until {kept.expires}; it knows the person, and is deleted then")
    if not configuration.delete_model:
        return Copy(name, "kept", "it is the operator's, who did not ask for it to be deleted; it knows the person")
    if not removed(model):
        return Copy(name, "kept", "it could not be removed")
    return Copy(name, "erased", "the file was removed")


def removed(path: Path) -> bool:
    """Remove a file; whether it is gone."""
    try:
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            sync_folder(path.parent)
    except OSError:
        return False
    return True


def _remove_empty(folder: Path, person: str) -> None:
    """A folder that bears the person's name goes with its photos, if nothing else is in it."""
    named = folder if person_key(folder.name) == person_key(person) else folder.parent
    for place in (folder, named):
        if person_key(named.name) == person_key(person) and place.is_dir() and not any(place.iterdir()):
            place.rmdir()
