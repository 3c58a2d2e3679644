"""The text of a list of requests, CSV or JSON: who is named, which places, which model and method.

What is at a place is for the caller to look up: on the disk (:mod:`faceforget.requests.request_list`), or among
uploaded files, where a place is never looked up on the disk.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from faceforget.errors import UsageError

CHECK = "check"
ENDINGS = (".csv", ".json")
# A list of requests is text that people write; more is a mistake.
_MAX_BYTES = 20 * 2**20
_NEEDED = {"person", "photos"}
_FIELDS = (*sorted(_NEEDED), CHECK, "model", "method")
_EXPECTED = "Expected are person, photos and, if wanted, check, model and method, of each request."


class RequestListError(UsageError):
    """A list of requests that cannot be read."""


@dataclass
class Line:
    """What a list says of one person and one model, all rows put together.

    Attributes:
        person: As written, without spaces around it.
        model: As written; empty where the list does not say.
        photos: Places of photos for the erasure.
        check: Places of photos for the check alone.
        method: Empty where the list does not say.
    """

    person: str
    model: str = ""
    photos: list[str] = field(default_factory=list)
    check: list[str] = field(default_factory=list)
    method: str = ""


def read_lines(name: str, data: bytes, *, model: Callable[[str], str] = str) -> tuple[Line, ...]:
    """The lines of a list, in order.

    - CSV with the columns ``person``, ``photos`` and, if wanted, ``check``, ``model`` and ``method``, in any order and
      case, separated by commas or semicolons. Several rows of one person and one model are put together.
    - JSON: ``{"requests": [{"person": ..., "photos": ..., ...}]}``, or the list alone; photos each a place or a list.

    Args:
        name: What messages call it; its ending says which of the two it is.
        data: The bytes.
        model: Gives what a model is called one spelling, so that rows about it are put together.

    Raises:
        RequestListError: It is neither, a request lacks something, or a person has two methods for one model.
    """
    if len(data) > _MAX_BYTES:
        raise RequestListError(f"{name} has more than {_MAX_BYTES // 2**20} MB.", "Split the list.")
    readers: Mapping[str, Callable[[str], Iterator[Line]]] = {".csv": _csv, ".json": _json}
    found: dict[tuple[str, str], Line] = {}
    try:
        for line in readers[PurePath(name).suffix.lower()](data.decode("utf-8-sig")):
            which = model(line.model) if line.model else ""
            own = found.setdefault((line.person, which), Line(line.person, which))
            own.photos += line.photos
            own.check += line.check
            own.method = _one_method(line.person, own.method, line.method)
    except UnicodeDecodeError as error:
        raise RequestListError(f"{name} cannot be read: it is not text in UTF-8.", "Save it as “CSV UTF-8”.") from error
    except (ValueError, csv.Error, RecursionError) as error:
        raise RequestListError(f"{name} cannot be read: {error}.", _EXPECTED) from error
    return tuple(found.values())


def _one_method(person: str, before: str, now: str) -> str:
    """The method that the rows of a person name; a row without one leaves it to the others."""
    if before and now and before != now:
        raise RequestListError(
            f"The list names two methods for {person!r}: {before!r} and {now!r}.", "Name one: it is one request."
        )
    return before or now


def _csv(text: str) -> Iterator[Line]:
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


def _json(text: str) -> Iterator[Line]:
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


def _line(fields: Mapping[str, object], where: str) -> Line:
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
    return Line(texts["person"], texts["model"], photos, check, texts["method"])


def _places(value: object, where: str) -> list[str]:
    places = [value] if isinstance(value, str) else value
    if not isinstance(places, list) or not all(isinstance(place, str) for place in places):
        raise ValueError(f"the photos of {where} are no paths")
    return [place.strip() for place in places if place.strip()]
