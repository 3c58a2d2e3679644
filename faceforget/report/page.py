"""Pages and pieces of them from the templates beside this file: one HTML file with its style and pictures inside.

Whatever comes from outside, names above all, is escaped by the templates.
"""

import base64
import io
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from faceforget.audit.outcomes import LOOKS
from faceforget.audit.shown.words import shown_name
from faceforget.photos.align import RGB
from faceforget.photos.decode import decode, read_bytes
from faceforget.recognizer.recognizer import UNKNOWN, Recognition

PHOTO_SIDE = 264
_JPEG_QUALITY = 85


def render(template: str, **values: object) -> str:
    """A template of ``report/templates/`` with its values."""
    return _environment().get_template(template).render(**values)


def piece(name: str, *values: object, file: str = "pieces.html") -> str:
    """One macro of a template: a piece of a page, for a page that is put together elsewhere."""
    return str(getattr(_environment().get_template(file).module, name)(*values))


def picture(pixels: RGB, alt: str) -> str:
    """An ``<img>`` that carries its pixels ``(H, W, 3)``; no metadata of the photo goes with them."""
    return piece("picture", pixels, alt)


def style() -> str:
    """The look of every page."""
    return files("faceforget.report").joinpath("page.css").read_text("utf-8")


def answered(found: Recognition) -> str:
    """The answer of a model as text."""
    return UNKNOWN if found.name == UNKNOWN else shown_name(found.name)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("faceforget.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["style"] = style()
    made.filters |= {
        "answered": answered,
        "base64": lambda text: base64.b64encode(text.encode()).decode("ascii"),
        "jpeg": _jpeg,
        "mark": lambda outcome: LOOKS[outcome].mark,
        "percent": lambda share: f"{100 * share:.0f}\u00a0%",
        "shown_name": shown_name,
    }
    return made


def _jpeg(pixels: RGB) -> str:
    """Pixels ``(H, W, 3)`` as the address of an image."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def upright(path: str | Path) -> RGB:
    """The pixels of a photo file, upright, its short side at most ``PHOTO_SIDE`` long.

    Raises:
        PhotoError: The file cannot be read any more.
    """
    image = Image.fromarray(decode(read_bytes(Path(path))))
    scale = PHOTO_SIDE / min(image.size)
    if scale < 1:
        size = round(image.width * scale), round(image.height * scale)
        image = image.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(image)
