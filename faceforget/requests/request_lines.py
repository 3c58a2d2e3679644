"""The text of a list of requests, CSV or JSON: who is named, which places, which model and method.

What is at a place is for the caller to look up: on the disk (:mod:`faceforget.requests.request_list`), or among
uploaded files, where a place is never looked up on the disk.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from faceforget.errors import UsageError
from faceforget.photos.photo import Photo, Upload

CHECK = "check"
ENDINGS = (".csv", ".json")
# A list of requests is text that people write; more is a mistake.
_MAX_BYTES = 20 * 2**20
_NEEDED = {"person", "photos"}
_FIELDS = (*sorted(_NEEDED), CHECK, "model", "method")
# A row: person, model, method, places of photos for the erasure, and for the check alone.
_Row = tuple[str, str, str, list[str], list[str]]
_EXPECTED = "Expected are person, photos and, if wanted, check, model and method, of each request."


class RequestListError(UsageError):
    """A list of requests that cannot be read."""


@dataclass(frozen=True)
class Asked:
    """What is asked for one person and one model; all rows of a list that are about both put together.

    Attributes:
        person: As written, without spaces around it.
        photos: For the erasure; none if there are none at the place that was named. Paths, or uploads, which are to be
            read before anything is done about the request.
        check: For the check alone.
        model: Which model to erase them from, resolved; None where the list does not say.
        method: With which method; empty where the list does not say.
        missing: Places that the list names and where nothing was found.
    """

    person: str
    photos: tuple[Path | Upload | Photo, ...]
    check: tuple[Path | Upload | Photo, ...] = ()
    model: Path | None = None
    method: str = ""
    missing: tuple[str, ...] = ()


# The photos at a place that a list names.
Find = Callable[[str], Sequence[Path | Upload | Photo]]


def read_lines(name: str, data: bytes, find: Find, *, folder: Path | None = None) -> tuple[Asked, ...]:
    """The requests of a list, in order.

    - CSV with the columns ``person``, ``photos`` and, if wanted, ``check``, ``model`` and ``method``, in any order and
      case, separated by commas or semicolons. Several rows of one person and one model are put together.
    - JSON: ``{"requests": [{"person": ..., "photos": ..., ...}]}``, or the list alone; photos each a place or a list.

    Args:
        name: What messages call it; its ending says which of the two it is.
        data: The bytes.
        find: Looks a place up.
        folder: Where the paths of models start; without it, a list names none.

    Raises:
        RequestListError: It is neither, a request lacks something, or a person has two methods for one model.
    """
    if len(data) > _MAX_BYTES:
        raise RequestListError(f"{name} has more than {_MAX_BYTES // 2**20} MB.", "Split the list.")
    readers: Mapping[str, Callable[[str], Iterator[_Row]]] = {".csv": _csv, ".json": _json}
    found: dict[tuple[str, Path | None], Asked] = {}
    try:
        for row in readers[PurePath(name).suffix.lower()](data.decode("utf-8-sig")):
            asked = _asked(row, find, folder)
            own = found.get((asked.person, asked.model))
            found[asked.person, asked.model] = asked if own is None else _together(own, asked)
    except UnicodeDecodeError as error:
        raise RequestListError(f"{name} cannot be read: it is not text in UTF-8.", "Save it as “CSV UTF-8”.") from error
    except (ValueError, csv.Error, RecursionError) as error:
        raise RequestListError(f"{name} cannot be read: {error}.", _EXPECTED) from error
    return tuple(found.values())


def _asked(row: _Row, find: Find, folder: Path | None) -> Asked:
    person, model, method, photos, check = row
    if model and folder is None:
        raise RequestListError("The list names a model; here people are erased from the open one.", "Take it out.")
    found = {place: tuple(find(place)) for place in (*photos, *check)}
    own, others = (tuple(photo for place in places for photo in found[place]) for places in (photos, check))
    missing = tuple(place for place in (*photos, *check) if not found[place])
    return Asked(person, own, others, (folder / model).resolve() if folder and model else None, method, missing)


def _together(first: Asked, second: Asked) -> Asked:
    """Two rows of one person and one model."""
    return replace(
        first,
        photos=(*first.photos, *second.photos),
        check=(*first.check, *second.check),
        method=_one_method(first.person, first.method, second.method),
        missing=(*first.missing, *second.missing),
    )


def _one_method(person: str, before: str, now: str) -> str:
    """The method that the rows of a person name; a row without one leaves it to the others."""
    if before and now and before != now:
        raise RequestListError(
            f"The list names two methods for {person!r}: {before!r} and {now!r}.", "Name one: it is one request."
        )
    return before or now


def _csv(text: str) -> Iterator[_Row]:
    head = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text), strict=True, delimiter=";" if ";" in head and "," not in head else ",")
    names = [name.strip().casefold() for name in next(rows, [])]
    if not names:
        raise ValueError("the first row is empty, so that it asks for nobody")
    if not _NEEDED <= set(names) <= set(_FIELDS):
        raise ValueError(f"the first row is {', '.join(names)}")
    for number, row in enumerate(rows, start=2):
        if len(row) > len(names):
            raise ValueError(f"row {number} has more cells than the first row has names")
        cells = {name: cell.strip() for name, cell in zip(names, row, strict=False)}
        if any(cells.values()):
            yield _line(cells, f"row {number}")


def _json(text: str) -> Iterator[_Row]:
    content = json.loads(text)
    lines = content.get("requests") if isinstance(content, dict) else content
    if not isinstance(lines, list):
        raise ValueError("it holds no list of requests")
    for number, line in enumerate(lines, start=1):
        where = f"request {number}"
        if not isinstance(line, dict):
            raise ValueError(f"{where} is none: it has no fields")
        if not _NEEDED <= set(line) <= set(_FIELDS):
            raise ValueError(f"{where} has other fields: {', '.join(line)}")
        yield _line(line, where)


def _line(fields: Mapping[str, object], where: str) -> _Row:
    words = {name: fields.get(name, "") for name in ("person", "model", "method")}
    texts = {name: word.strip() for name, word in words.items() if isinstance(word, str)}
    if not texts.get("person"):
        raise ValueError(f"{where} names no person")
    for name in ("model", "method"):
        if name not in texts:
            raise ValueError(f"the {name} of {where} is no name")
    photos, check = (_places(fields.get(kind, ""), where) for kind in ("photos", CHECK))
    if any("\ud800" <= letter <= "\udfff" for letter in "".join((*texts.values(), *photos, *check))):
        raise ValueError(f"{where} has characters that are none")  # halves of some, as only JSON can write them
    return texts["person"], texts["model"], texts["method"], photos, check


def _places(value: object, where: str) -> list[str]:
    places = [value] if isinstance(value, str) else value
    if not isinstance(places, list) or not all(isinstance(place, str) for place in places):
        raise ValueError(f"the photos of {where} are no paths")
    return [place.strip() for place in places if place.strip()]
