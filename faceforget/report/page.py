"""The frame of a report: one HTML file with its style and pictures inside."""

import base64
import io
from html import escape
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image

from faceforget.photos.align import RGB
from faceforget.photos.decode import decode, read_bytes

PHOTO_SIDE = 264
_JPEG_QUALITY = 85


def page(title: str, body: str) -> str:
    """A complete HTML document.

    Args:
        title: Plain text.
        body: HTML; everything that came from outside must be escaped already.
    """
    style = files("faceforget.report").joinpath("page.css").read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Nothing is fetched, whatever a name or a file may contain.
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def picture(pixels: RGB, alt: str) -> str:
    """An ``<img>`` that carries its pixels ``(H, W, 3)``; no metadata of the photo goes with them."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img src="data:image/jpeg;base64,{data}" alt="{escape(alt)}">'


def photo(path: str | Path, alt: str) -> str:
    """An ``<img>`` of a photo file, upright, its short side at most ``PHOTO_SIDE`` pixels.

    Raises:
        PhotoError: The file cannot be read any more.
    """
    image = Image.fromarray(decode(read_bytes(Path(path))))
    scale = PHOTO_SIDE / min(image.size)
    if scale < 1:
        size = round(image.width * scale), round(image.height * scale)
        image = image.resize(size, Image.Resampling.LANCZOS)
    return picture(np.asarray(image), alt)
