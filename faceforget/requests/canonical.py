"""One spelling for a JSON document, so that its bytes can be hashed, signed and compared."""

import hashlib
import json
from typing import Any

from faceforget.errors import FaceForgetError


class TamperedError(FaceForgetError):
    """A ledger, an export of one, or a receipt is not as it was written."""


def canonical(content: object) -> bytes:
    """JSON with sorted keys, two spaces of indentation, ASCII only and a line feed at the end.

    Readable by people, and the same bytes for the same content.

    Raises:
        ValueError: A number is not finite: JSON has no word for it.
    """
    text = json.dumps(content, sort_keys=True, indent=2, ensure_ascii=True, allow_nan=False)
    return f"{text}\n".encode("ascii")


def digest(content: object) -> str:
    """SHA-256 of the canonical bytes, as hexadecimal text."""
    return hashlib.sha256(canonical(content)).hexdigest()


def read_canonical(data: bytes, what: str) -> dict[str, Any]:
    """Parse bytes that :func:`canonical` wrote.

    Every other spelling is refused, a changed blank too: otherwise a byte could change and nothing would notice.

    Args:
        data: The file.
        what: What it is, for the message.

    Raises:
        TamperedError: Not JSON, not an object, or not in this spelling.
    """
    try:
        content = json.loads(data.decode("ascii"))
        same = canonical(content) == data
    except UnicodeDecodeError as error:
        raise TamperedError(
            f"{what} is not JSON as it was written: it is no plain text.", "Use an intact copy."
        ) from error
    except (ValueError, RecursionError) as error:
        raise TamperedError(f"{what} is not JSON as it was written: {error}.", "Use an intact copy.") from error
    if not same or not isinstance(content, dict):
        raise TamperedError(
            f"{what} is not spelled as it was written: something was changed, if only a blank.", "Use an intact copy."
        )
    return content
