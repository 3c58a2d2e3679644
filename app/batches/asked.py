"""Who is to be erased: a list and photos as they were uploaded.

The paths in a list are only ever looked up among the uploaded files, never on the disk of the server.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from app.uploads import check_names, files_in_zip
from faceforget.api import (
    CHECK,
    ENDINGS,
    PHOTO_SUFFIXES,
    Asked,
    RequestListError,
    Upload,
    check_method,
    read_lines,
)
from faceforget.errors import MethodError, UsageError

MOST = 100
EXAMPLE = (
    "person,photos,check\n"
    "Ada Example,ada/1.jpg,\n"
    "Ada Example,ada/2.jpg,\n"
    "Ada Example,ada/3.jpg,\n"
    "Bob Example,bob,bob/check\n"
)


def read_asked(files: Sequence[Upload]) -> tuple[Asked, ...]:
    """The requests in uploaded files: a list and its photos, or zips with a folder per person.

    Args:
        files: A CSV or JSON, zips (a list may be in one), photos.

    Raises:
        UsageError: They are no requests; says what was expected.
    """
    pool = _pool(files)
    lists = [path for path in pool if path.suffix.lower() in ENDINGS]
    if len(lists) > 1:
        raise RequestListError(f"Expected one list, got {len(lists)}: {_named(lists)}.", "Put them into one.")
    photos = {path: photo for path, photo in pool.items() if path not in lists}
    asked = _from_list(lists[0], pool[lists[0]], photos) if lists else _from_folders(photos)
    if not asked:
        raise RequestListError("The list asks for nobody.", "Name at least one person and their photos.")
    if len(asked) > MOST:
        raise RequestListError(
            f"The list asks for {len(asked)} people, the app takes {MOST} at once.",
            "Split it, or use the command line: it has no limit.",
        )
    check_names({request.person: None for request in asked})
    return asked


def _pool(files: Sequence[Upload]) -> dict[PurePosixPath, Upload]:
    """Every file by its path."""
    pool: dict[PurePosixPath, Upload] = {}
    for file in files:
        if file.name.lower().endswith(".zip"):
            inside = files_in_zip(file.data, {*PHOTO_SUFFIXES, *ENDINGS})
            found = {path: Upload(path.name, data) for path, data in inside.items()}
        else:
            found = {PurePosixPath(file.name.replace("\\", "/")): file}
        for path in pool.keys() & found.keys():
            if pool[path].sha256 != found[path].sha256:
                raise RequestListError(f"Two different files are called {path}.", "Rename one, in the list too.")
        pool |= found
    return pool


def _from_folders(photos: Mapping[PurePosixPath, Upload]) -> tuple[Asked, ...]:
    people: dict[str, dict[str, list[Upload]]] = {}
    for path in sorted(photos):
        checks = len(path.parts) > 2 and path.parts[-2] == CHECK
        folder = path.parent.parent if checks else path.parent
        if not folder.name:
            raise RequestListError(
                f"The photo {path.name} says nothing of whose it is.",
                "Add a list, or give a zip with a folder for each person, named after them.",
            )
        own = people.setdefault(folder.name, {"photos": [], CHECK: []})
        own[CHECK if checks else "photos"].append(photos[path])
    return tuple(Asked(person, tuple(own["photos"]), tuple(own[CHECK])) for person, own in people.items())


def _from_list(path: PurePosixPath, file: Upload, photos: Mapping[PurePosixPath, Upload]) -> tuple[Asked, ...]:
    bases = _bases(path, photos)
    return read_lines(f"The list {path.name}", file.data, lambda place: _find(place, bases, photos))


def _bases(path: PurePosixPath, photos: Mapping[PurePosixPath, Upload]) -> tuple[PurePosixPath, ...]:
    """Where the places in a list may start: where the list is, at the top, or in the one folder of the zip."""
    tops = {photo.parts[0] for photo in photos}
    one = [PurePosixPath(top) for top in tops] if len(tops) == 1 else []
    return tuple(dict.fromkeys((path.parent, PurePosixPath(), *one)))


def _find(place: str, bases: Sequence[PurePosixPath], photos: Mapping[PurePosixPath, Upload]) -> list[Upload]:
    """A photo, or those directly in a folder; none if the place is not among the files."""
    for base in bases:
        path = base / place.replace("\\", "/")
        found = [photos[path]] if path in photos else [photos[p] for p in sorted(photos) if p.parent == path]
        if found:
            return found
    return []


def _named(paths: Sequence[PurePosixPath]) -> str:
    return ", ".join(path.name for path in paths)


def replaced(asked: Sequence[Asked], person: str, photos: Sequence[Upload]) -> tuple[Asked, ...]:
    """The requests with other photos for one person.

    Raises:
        UsageError: Nobody is called like that.
    """
    if person not in {request.person for request in asked}:
        raise UsageError(f"The list does not ask for {person!r}.")
    return tuple(
        Asked(person, tuple(photos), method=request.method) if request.person == person else request
        for request in asked
    )


def without_method(asked: Sequence[Asked], person: str) -> tuple[Asked, ...]:
    """The requests, one person's without a method of its own."""
    return tuple(replace(request, method="") if request.person == person else request for request in asked)


def method_problem(request: Asked, promise: str) -> MethodError | None:
    """Why a request cannot be carried out by the method that it names; None where it can.

    Args:
        request: The request.
        promise: What is promised.
    """
    try:
        check_method(request.method, promise)
    except MethodError as error:
        return error
    return None
