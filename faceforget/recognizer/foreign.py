"""What a file is that is not what was expected, as far as its first bytes say."""

from pathlib import Path

_LONGEST = 512
_STARTS = (
    (b"\xff\xd8\xff", "a JPEG photo"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"PK\x03\x04", "a zip archive or a file of PyTorch"),
    (b"\x80", "a pickle or an old file of PyTorch"),
    (b"SQLite format 3", "a SQLite database"),
    (b"%PDF", "a PDF"),
    (b"<", "a web page or XML"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself"),
)


def content_of(path: Path) -> str:
    """What a file seems to hold, in words such as ``a JPEG photo``; empty where its first bytes do not say.

    Args:
        path: An existing file, untrusted.
    """
    if path.suffix.lower() == ".onnx":
        return "a network in ONNX"
    try:
        with path.open("rb") as file:
            head = file.read(_LONGEST)
    except OSError:
        return ""
    if not head:
        return "an empty file"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP picture"
    known = next((words for start, words in _STARTS if head.startswith(start)), "")
    return known or ("text" if all(byte >= 32 or byte in b"\t\r\n" for byte in head) else "")


def it_is(path: Path) -> str:
    """The same as a sentence with a blank before it, or nothing."""
    words = content_of(path)
    return f" It looks like {words}." if words else ""
