"""Who is to be erased, and where their photos are: a CSV, a JSON file, or a folder per person."""

from collections.abc import Iterable
from pathlib import Path

from faceforget.errors import PeopleFolderError
from faceforget.files import sha256_bytes, sha256_file
from faceforget.people.folder import person_key, photos_in, read_people
from faceforget.photos.opened import OpenedFiles
from faceforget.photos.photo import Photo, Upload
from faceforget.requests.open_requests import PhotoFile
from faceforget.requests.request_lines import CHECK, ENDINGS, Asked, RequestListError, read_lines


def read_requests(source: Path) -> tuple[Asked, ...]:
    """The requests, in the order of the list.

    - A folder with a subfolder per person; photos in ``NAME/check`` are for the check alone.
    - ``.csv`` or ``.json`` as :func:`faceforget.requests.request_lines.read_lines` has them: each place a photo or a
      folder of photos, seen from where the list is; ``model``, if not all requests are about one; and ``method``, if
      one is to be carried out otherwise than the promise says.

    Whether a method may be named is not looked at here: that depends on the promise.

    Raises:
        RequestListError: It is none of these, holds nobody, names a person of one model in two spellings, or two
            methods for one.
    """
    if source.is_dir():
        asked = _from_folder(source)
    elif source.is_file():
        asked = _from_file(source)
    else:
        raise RequestListError(f"There is no list of requests {source}.", "Check the path.")
    if not asked:
        raise RequestListError(f"{source} asks for nobody.", "Name at least one person and their photos.")
    _check_spellings(source, asked)
    return asked


def hashed(photos: Iterable[Path | Upload | Photo], files: OpenedFiles | None = None) -> tuple[PhotoFile, ...]:
    """The photos with their hashes as they are now; a photo that was read has its own.

    Args:
        photos: Of a request.
        files: Keeps what was read of a file for whoever searches it next.
    """
    return tuple(
        PhotoFile(str(photo.absolute()), hash_of(photo.absolute(), files))
        if isinstance(photo, Path)
        else PhotoFile(_name(photo), photo.sha256)
        for photo in photos
    )


def _name(photo: Upload | Photo) -> str:
    return photo.source if isinstance(photo, Photo) else photo.name


def hash_of(path: Path, files: OpenedFiles | None = None) -> str:
    """SHA-256 of a photo's file; empty where it cannot be read."""
    try:
        data = files.read(path) if files is not None else None
        return sha256_file(path) if data is None else sha256_bytes(data)
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return ""


def _from_folder(folder: Path) -> tuple[Asked, ...]:
    people = read_people(folder)
    checks = {person: folder / person / CHECK for person in people}
    return tuple(
        Asked(person, tuple(photos), _found(checks[person]) if checks[person].is_dir() else ())
        for person, photos in people.items()
    )


def _from_file(source: Path) -> tuple[Asked, ...]:
    if source.suffix.lower() not in ENDINGS:
        raise RequestListError(
            f"Expected a folder, a .csv or a .json as list of requests, got {source}.", "Rename or convert it."
        )
    folder = source.parent
    return read_lines(str(source), source.read_bytes(), lambda place: _found(folder / place), folder=folder)


def _found(place: Path) -> tuple[Path, ...]:
    """A photo, or the photos of a folder; a place that is not there is kept, so that the photo gets its own error."""
    try:
        return tuple(photos_in(place)) if place.is_dir() else (place,)
    except PeopleFolderError:
        return ()
    except OSError:  # a name too long, a folder that may not be read
        return (place,)


def _check_spellings(source: Path, asked: tuple[Asked, ...]) -> None:
    seen: dict[tuple[Path | None, str], str] = {}
    for request in asked:
        twin = seen.setdefault((request.model, person_key(request.person)), request.person)
        if twin != request.person:
            raise RequestListError(
                f"{source} asks for the same person twice: {twin!r} and {request.person!r}.", "Write the name one way."
            )
