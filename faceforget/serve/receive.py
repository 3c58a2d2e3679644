"""A multipart body, read as it comes: every limit holds before the bytes are kept.

Photos go to disk under numbers, in the order in which they came; the names that the client's files have are not read.
"""

import hashlib
import hmac
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from anyio import to_thread
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from faceforget.api import METHOD_OF_PROMISE, methods_for, person_key, sha256_bytes, write_atomically
from faceforget.serve.problem import Problem, RefusedError
from faceforget.serve.settings import Limits

if TYPE_CHECKING:  # it is there for no one else
    from python_multipart.multipart import MultipartCallbacks

_PHOTOS = ("photos", "check")
_TEXTS = ("person", "promise", "method")
# No character takes more bytes in UTF-8.
_BYTES_OF_CHARACTER = 4


@dataclass
class Received:
    """What a client asked for, all of it on disk.

    Attributes:
        folder: With ``photos/001``, ... and ``check/001``, ...
        person: The name.
        promise: What is to be shown.
        method: How; empty for the method of the promise.
        photos: SHA-256 of each photo: for the erasure, for the check.
    """

    folder: Path
    person: str = ""
    promise: str = "forgotten"
    method: str = ""
    photos: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in _PHOTOS})

    def line(self) -> dict[str, object]:
        """As a line of a list of requests."""
        paths = {
            kind: [f"{kind}/{number:03d}" for number in range(1, len(own) + 1)] for kind, own in self.photos.items()
        }
        return {"person": self.person, **paths}

    @staticmethod
    def digest_of(sent_as: str) -> str:
        """What is kept of an idempotency key."""
        return sha256_bytes(sent_as.encode()) if sent_as else ""

    def fingerprint(self, sent_as: str) -> str:
        """HMAC-SHA-256 of the content under the idempotency key, which the service does not keep."""
        method = [self.method] if self.method else []  # without one it is as in records of earlier versions
        content = repr((self.person, self.promise, self.photos, *method)).encode()
        return hmac.digest(sent_as.encode(), content, hashlib.sha256).hex() if sent_as else ""


async def receive(content_type: str, stream: AsyncIterable[bytes], folder: Path, limits: Limits) -> Received:
    """Read a body to its end.

    Args:
        content_type: Header of the call.
        stream: The body.
        folder: Empty; for the photos.
        limits: What is accepted.

    Raises:
        RefusedError: 400, 413, 415 or 422, with what was wrong.
    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise _refused(415, "media_type", "a body of type multipart/form-data", "another type", "See /openapi.json.")
    parts = _Parts(limits)
    with _malformed():
        parser = MultipartParser(options[b"boundary"], parts.callbacks())
    total, upload = 0, Received(folder)
    async for chunk in stream:
        total += len(chunk)
        if total > limits.body:
            raise body_too_large(limits)
        with _malformed():
            parser.write(chunk)
        for sent, data in parts.take():
            upload.photos[sent].append(sha256_bytes(data))
            path = folder / sent / f"{len(upload.photos[sent]):03d}"
            await to_thread.run_sync(write_atomically, path, data)
    if not parts.ended:
        raise _refused(
            400, "malformed_body", "a multipart body with its last boundary", "a part of one", "Send it all."
        )
    upload.person = _person(parts.texts, limits)
    upload.promise = _promise(parts.texts)
    upload.method = _method(parts.texts, upload.promise)
    if not upload.photos["photos"]:
        raise _refused(422, "missing_field", "at least one file in the field photos", "none", "Send photos.")
    return upload


def body_too_large(limits: Limits) -> RefusedError:
    """413 for the whole."""
    return _refused(413, "body_too_large", f"a body of at most {limits.body} bytes", "more", "Send fewer photos.")


class _Parts:
    """Callbacks of the parser; a part is kept in memory until it is whole, and is never more than one photo."""

    def __init__(self, limits: Limits) -> None:
        self.texts: dict[str, bytes] = {}
        self.ended = False
        self._limits = limits
        self._whole: list[tuple[str, bytes]] = []
        self._count = 0
        self._header, self._value, self._disposition = b"", b"", b""
        self._name, self._data = "", bytearray()

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def take(self) -> Iterator[tuple[str, bytes]]:
        """Photos that are whole, each once."""
        whole, self._whole = self._whole, []
        yield from whole

    def _begin(self) -> None:
        self._disposition, self._data = b"", bytearray()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        known = ", ".join((*_TEXTS, *_PHOTOS))
        if self._name not in (*_TEXTS, *_PHOTOS):
            raise _refused(422, "unknown_field", f"the fields {known}", "another one", "Leave it out.")
        if self._name in self.texts:
            raise _refused(422, "field_twice", f"{self._name} once", "it twice", "One request is for one person.")
        if self._name in _PHOTOS and b"filename" not in options:
            raise _refused(422, "not_a_file", f"files in the field {self._name}", "a text", "Send it as a file.")
        self._count += self._name in _PHOTOS
        if self._count > self._limits.photos:
            expected = f"at most {self._limits.photos} photos"
            raise _refused(422, "too_many_photos", expected, "more", "Send the best ones: a dozen do.")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        photo = self._name in _PHOTOS
        most = self._limits.photo if photo else _BYTES_OF_CHARACTER * self._limits.name
        if len(self._data) + end - start > most:
            what = "photos" if photo else f"a {self._name}"
            raise _refused(
                413 if photo else 422,
                "photo_too_large" if photo else "field_too_long",
                f"{what} of at most {most} bytes",
                "more",
                "Send a smaller copy." if photo else "Shorten it.",
            )
        self._data += data[start:end]

    def _part_end(self) -> None:
        if self._name in _PHOTOS:
            self._whole.append((self._name, bytes(self._data)))
        else:
            self.texts[self._name] = bytes(self._data)
        self._data = bytearray()

    def _end(self) -> None:
        self.ended = True


def _person(texts: dict[str, bytes], limits: Limits) -> str:
    if "person" not in texts:
        raise _refused(422, "missing_field", "the field person", "none", "Name the person as the model does.")
    try:
        person = texts["person"].decode().strip()
    except ValueError:
        person = ""
    if not person.isprintable() or person_key(person) in ("", "unknown") or len(person) > limits.name:
        raise _refused(
            422,
            "person",
            f"a name of 1 to {limits.name} characters that print, in UTF-8, other than unknown",
            "something else",
            "Name the person as the model does.",
        )
    return person


def _promise(texts: dict[str, bytes]) -> str:
    promise = texts.get("promise", b"forgotten").decode("utf-8", "replace")
    if promise not in METHOD_OF_PROMISE:
        raise _refused(422, "promise", f"one of {', '.join(METHOD_OF_PROMISE)}", "something else", "Pick one.")
    return promise


def _method(texts: dict[str, bytes], promise: str) -> str:
    if "method" not in texts:
        return ""
    method, allowed = texts["method"].decode("utf-8", "replace"), methods_for(promise)
    if method not in allowed:
        expected = f"with the promise {promise} {'one of ' if allowed[1:] else ''}{', '.join(allowed)}"
        raise _refused(422, "method", expected, "something else", "Pick one, or leave it out.")
    return method


@contextmanager
def _malformed() -> Iterator[None]:
    try:
        yield
    except (FormParserError, ValueError, KeyError) as error:
        raise _refused(
            400, "malformed_body", "a multipart body as its boundary says", "something else", "Use an HTTP library."
        ) from error


def _refused(status: int, kind: str, expected: str, came: str, todo: str) -> RefusedError:
    return RefusedError(status, Problem(kind=kind, expected=expected, came=came, todo=todo))
