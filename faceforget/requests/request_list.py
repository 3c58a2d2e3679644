"""Who is to be erased, and where their photos are: a CSV, a JSON file, or a folder per person."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceforget.errors import PeopleFolderError, UsageError
from faceforget.fields import problems
from faceforget.files import sha256_file
from faceforget.people.folder import person_key, photos_in, read_people
from faceforget.requests.open_requests import PhotoFile

CHECK = "check"
# A list of requests is text that people write; more is a mistake.
_MAX_BYTES = 20 * 2**20


class RequestListError(UsageError):
    """A list of requests that cannot be read."""


@dataclass(frozen=True)
class Asked:
    """One line of the list.

    Attributes:
        person: As written there.
        photos: For the erasure; none if there are none at the place that was named.
        check: For the check alone.
        model: Which model to erase them from, resolved; None where the list does not say.
        method: With which method; empty where the list does not say.
    """

    person: str
    photos: tuple[Path, ...]
    check: tuple[Path, ...] = ()
    model: Path | None = None
    method: str = ""


class _Line(BaseModel):
    """A request as JSON, or a row of a CSV."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    person: str = Field(min_length=1)
    photos: str | list[str]
    check: str | list[str] = ""
    model: str = ""
    method: str = ""


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    requests: list[_Line]


def read_requests(source: Path) -> tuple[Asked, ...]:
    """The requests, in the order of the list.

    - A folder with a subfolder per person; photos in ``NAME/check`` are for the check alone.
    - ``.csv`` with the columns ``person``, ``photos`` and, if wanted, ``check``: a photo or a folder of photos, seen
      from where the CSV is; ``model``, if not all requests are about one; and ``method``, if one is to be carried out
      otherwise than the promise says. Several rows of one person and one model are put together.
    - ``.json``: ``{"requests": [{"person": ..., "photos": ..., "check": ..., "model": ..., "method": ...}]}``, photos
      each a path or a list of paths.

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


def hashed(paths: Iterable[Path]) -> tuple[PhotoFile, ...]:
    """The photos with their hashes as they are now."""
    return tuple(PhotoFile(str(path.absolute()), hash_of(path)) for path in paths)


def hash_of(path: Path) -> str:
    """SHA-256 of a photo's file; empty where it cannot be read."""
    try:
        return sha256_file(path)
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
    if source.stat().st_size > _MAX_BYTES:
        raise RequestListError(f"{source} has more than {_MAX_BYTES // 2**20} MB.", "Split the list.")
    readers = {".csv": _csv_lines, ".json": _json_lines}
    if source.suffix.lower() not in readers:
        raise RequestListError(
            f"Expected a folder, a .csv or a .json as list of requests, got {source}.", "Rename or convert it."
        )
    try:
        lines = readers[source.suffix.lower()](source.read_bytes().decode("utf-8-sig"))
    except (ValueError, csv.Error, RecursionError) as error:
        raise RequestListError(
            f"{source} cannot be read: {_reason(error)}.",
            "Expected are person, photos and, if wanted, check, model and method, of each request.",
        ) from error
    photos: dict[tuple[str, Path | None], dict[str, list[Path]]] = {}
    methods: dict[tuple[str, Path | None], str] = {}
    for line in lines:
        model = (source.parent / line.model).resolve() if line.model else None
        own = photos.setdefault((line.person, model), {"photos": [], CHECK: []})
        methods[line.person, model] = one_method(line.person, methods.get((line.person, model), ""), line.method)
        for kind, named in (("photos", line.photos), (CHECK, line.check)):
            places = [named] if isinstance(named, str) else named
            own[kind] += [path for place in places if place for path in _found(source.parent / place)]
    return tuple(
        Asked(person, tuple(own["photos"]), tuple(own[CHECK]), model, methods[person, model])
        for (person, model), own in photos.items()
    )


def one_method(person: str, before: str, now: str) -> str:
    """The method that the rows of a person name; a row without one leaves it to the others.

    Args:
        person: Whose rows.
        before: What the rows so far name; empty if nothing.
        now: What the next one names.

    Raises:
        RequestListError: Another one.
    """
    if before and now and before != now:
        raise RequestListError(
            f"The list names two methods for {person!r}: {before!r} and {now!r}.", "Name one: it is one request."
        )
    return before or now


def _csv_lines(text: str) -> list[_Line]:
    rows = csv.DictReader(io.StringIO(text), strict=True)
    return [_Line.model_validate(_named(row, number)) for number, row in enumerate(rows, start=2)]


def _named(row: Mapping[str | None, str | None], number: int) -> dict[str, str]:
    """A row without the empty end of a short one."""
    if None in row:
        raise ValueError(f"row {number} has more cells than the head has names")
    return {str(name).strip(): value for name, value in row.items() if value is not None}


def _json_lines(text: str) -> list[_Line]:
    content = json.loads(text)
    return list(_File.model_validate(content if isinstance(content, dict) else {"requests": content}).requests)


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


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return problems(error)
    return str(error)
