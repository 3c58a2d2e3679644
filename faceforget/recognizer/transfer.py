"""One file over HTTP into a ``.part``: resumed by range, retried, the length checked."""

import http.client
import os
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from faceforget.progress import Event, Progress

_MB = 1_000_000
_CHUNK = 1 << 18
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_WORTH_RETRYING = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Source:
    """A file to fetch.

    Attributes:
        name: In a user's words.
        url: Its last part is the file's name. https, unless ``sha256`` is known or the host is this one.
        sha256: As published, or None: trusted on first use.
        size: Bytes as published, or None.
    """

    name: str
    url: str
    sha256: str | None = None
    size: int | None = None

    @property
    def file_name(self) -> str:
        """Name of the file in its folder."""
        return urlsplit(self.url).path.rpartition("/")[2]


class TransferError(Exception):
    """The file did not come; another attempt would end the same."""


class _TemporaryError(TransferError):
    """Worth another attempt."""


def forget(part: Path) -> None:
    """Remove a part and what is known of it."""
    for path in (part, _validator_of(part)):
        path.unlink(missing_ok=True)


def _validator_of(part: Path) -> Path:
    """Holds the server's name for the version that the part is of."""
    return part.with_name(f"{part.name}.version")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


@dataclass(frozen=True)
class Transfer:
    """A file on its way.

    Attributes:
        source: What.
        part: Where to.
        progress: Told about every megabyte.
        timeout: Seconds of silence that count as a failure.
    """

    source: Source
    part: Path
    progress: Progress
    timeout: float

    def until_whole(self, attempts: int, pause: float) -> None:
        """Fill the part, going on where an attempt, or an earlier run, broke off.

        Raises:
            TransferError: ``attempts`` failures in a row, or one for good.
            OSError: The part cannot be written.
        """
        failures, best = 0, _size(self.part)
        while True:
            try:
                return self._attempt()
            except _TemporaryError as error:
                failures = 1 if _size(self.part) > best else failures + 1
                best = max(best, _size(self.part))
                if failures >= attempts:
                    raise TransferError(f"{error} ({attempts} attempts)") from error
                time.sleep(pause * 2 ** (failures - 1))

    def _attempt(self) -> None:
        have = self._usable()
        if have and have == self.source.size:
            return
        try:
            response = self._open(have)
        except urllib.error.HTTPError as error:
            with error:
                if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    raise _http_error(error) from error
                if _whole_size(error.headers) == have:
                    return  # a run that was killed before it could rename
            forget(self.part)
            raise _TemporaryError("the server has another version than the part fetched before") from error
        with response:
            self._receive(response, have)

    def _usable(self) -> int:
        """Bytes to go on from: none, where a mix of two versions would not be noticed."""
        if not self.source.sha256 and not _validator_of(self.part).is_file():
            self.part.unlink(missing_ok=True)
        return _size(self.part)

    def _open(self, have: int) -> http.client.HTTPResponse:
        headers = {"Accept-Encoding": "identity", "User-Agent": "faceforget"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if _validator_of(self.part).is_file():
                headers["If-Range"] = _validator_of(self.part).read_text()
        _check_scheme(self.source, self.source.url)
        request = urllib.request.Request(self.source.url, headers=headers)  # noqa: S310 - scheme just checked
        opener = urllib.request.build_opener(_Redirects(self.source))
        try:
            response: http.client.HTTPResponse = opener.open(request, timeout=self.timeout)
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise TransferError(f"its certificate is not valid: {error.reason}") from error
            raise _TemporaryError(str(error.reason)) from error
        except (OSError, http.client.HTTPException) as error:
            raise _TemporaryError(_words(error)) from error
        return response

    def _receive(self, response: http.client.HTTPResponse, have: int) -> None:
        start, total = _extent(response)
        if total is None:
            raise TransferError("the server does not say how long the file is")
        if self.source.size is not None and total != self.source.size:
            raise TransferError(f"expected {self.source.size} bytes, the server offers {total}")
        if start == 0:
            forget(self.part)
            if version := _version(response.headers):
                _validator_of(self.part).write_text(version)
        elif start != have:
            forget(self.part)
            raise _TemporaryError(f"asked for the bytes from {have}, got those from {start}")
        self._copy(response, start, total)

    def _copy(self, response: http.client.HTTPResponse, done: int, total: int) -> None:
        stage, megabytes = f"downloading {self.source.name}", -(-total // _MB)
        self.progress(Event(stage, done // _MB, megabytes))
        with self.part.open("ab") as file:
            while chunk := _read(response):
                file.write(chunk)
                if (done + len(chunk)) // _MB > done // _MB:
                    self.progress(Event(stage, (done + len(chunk)) // _MB, megabytes))
                done += len(chunk)
            file.flush()
            os.fsync(file.fileno())
        if done < total:
            raise _TemporaryError(f"the connection ended after {done} of {total} bytes")
        if done > total:
            forget(self.part)
            raise _TemporaryError(f"expected {total} bytes, got {done}")
        self.progress(Event(stage, megabytes, megabytes, final=True))


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Never from https to a place that cannot be trusted."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        _check_scheme(self._source, newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _check_scheme(source: Source, url: str) -> None:
    parts = urlsplit(url)
    known = source.sha256 is not None or parts.hostname in _LOOPBACK
    if parts.scheme != "https" and not (parts.scheme == "http" and known):
        raise TransferError(f"expected an https address, got {url}")


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _TemporaryError(_words(error)) from error


def _extent(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """First byte of the answer, and the size of the whole file."""
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        start = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
        return int(start) if start.isdecimal() else -1, _whole_size(response.headers)
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _whole_size(headers: Message) -> int | None:
    size = headers.get("Content-Range", "").rpartition("/")[2]
    return int(size) if size.isdecimal() else None


def _version(headers: Message) -> str:
    """What ``If-Range`` takes: a strong ETag, or else a date."""
    etag: str = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


def _http_error(error: urllib.error.HTTPError) -> Exception:
    words = f"the server answered {error.code} {error.reason}"
    return _TemporaryError(words) if error.code in _WORTH_RETRYING else TransferError(words)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
