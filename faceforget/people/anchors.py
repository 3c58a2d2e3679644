"""Anchors: faces of rendered people that hold everybody else in place while one person is erased.

They are nobody's data. One photo each of many people serves better than many photos of few. They come as one
picture, face beside face, cropped and aligned as a backbone wants them. The pictures for every backbone that has a
name are shipped; for another framing they are rendered once and kept in the cache folder.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceforget.errors import FaceForgetError
from faceforget.files import write_atomically
from faceforget.people.conditions import sample_conditions
from faceforget.people.dataset import photo_seed
from faceforget.people.population import sample_identity
from faceforget.people.render.scene import render
from faceforget.photos.align import Framing
from faceforget.photos.cache import PREPROCESSING_VERSION, default_cache_folder
from faceforget.photos.intake import PhotoIntake
from faceforget.progress import Progress, silent, tracked
from faceforget.resources import SHIPPED_ANCHORS

Crops = NDArray[np.uint8]

ANCHORS = 800
# Far from the people that are embedded, rendered for demos or measured on.
FIRST_IDENTITY = 50_000
_PHOTO_SIZE = 224
_COLUMNS = 40
_QUALITY = 75
# What JPEG may leave of black.
_BLACK = 40


class AnchorsError(FaceForgetError):
    """A picture of anchors that cannot be used."""


def rendered_anchors(framing: Framing, *, count: int = ANCHORS, progress: Progress = silent) -> Crops:
    """Faces of rendered people ``(N, S, S, 3)``, in a backbone's framing.

    Args:
        framing: How faces are cut.
        count: How many to render where none are shipped.
        progress: Told about every rendered face; only where none are shipped, the first time.

    Raises:
        AnchorsError: The picture of them was damaged.
    """
    shipped = SHIPPED_ANCHORS / f"{framing.key}.jpg"
    kept = default_cache_folder().parent / "anchors" / f"{framing.key}.{PREPROCESSING_VERSION}.jpg"
    for path in (shipped, kept):
        if path.is_file():
            return read_sheet(path, framing.size)
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_sheet(kept, render_anchors(framing, count, progress=progress))
    return read_sheet(kept, framing.size)


def write_sheet(path: Path, crops: Crops) -> None:
    """Keep crops ``(N, S, S, 3)`` as one JPEG, row by row; what is left of the last row is black."""
    size = crops.shape[1]
    rows = -(-len(crops) // _COLUMNS)
    sheet = np.zeros((rows * _COLUMNS, size, size, 3), np.uint8)
    sheet[: len(crops)] = crops
    pixels = sheet.reshape(rows, _COLUMNS, size, size, 3).swapaxes(1, 2).reshape(rows * size, _COLUMNS * size, 3)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    write_atomically(path, buffer.getvalue())


def read_sheet(path: Path, size: int) -> Crops:
    """The crops ``(N, S, S, 3)`` in a picture of :func:`write_sheet`.

    Raises:
        AnchorsError: It is no such picture.
    """
    try:
        with Image.open(path, formats=("JPEG",)) as image:
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, ValueError) as error:
        raise AnchorsError(f"{path} is not a picture of anchors: {error}.", "Delete it, or restore it.") from error
    rows, columns = pixels.shape[0] // size, pixels.shape[1] // size
    if (rows * size, columns * size) != pixels.shape[:2] or columns != _COLUMNS:
        raise AnchorsError(
            f"{path} does not hold {_COLUMNS} faces of {size} pixels in a row.", "Delete it, or restore it."
        )
    crops = pixels.reshape(rows, size, columns, size, 3).swapaxes(1, 2).reshape(-1, size, size, 3)
    return np.ascontiguousarray(crops[crops.reshape(len(crops), -1).max(1) > _BLACK])


def render_anchors(framing: Framing, count: int = ANCHORS, *, progress: Progress = silent) -> Crops:
    """Render people and cut out their faces ``(N, S, S, 3)``; who is not found in their photo is left out."""
    people = tracked(range(count), "rendering anchors", count, progress)
    return cut_anchors([anchor_photo(place) for place in people], framing, progress=progress)


def anchor_photo(place: int) -> bytes:
    """The photo, a PNG, of the person who stands at a place among the anchors, from 0."""
    identity = FIRST_IDENTITY + place
    pixels = render(sample_identity(identity), sample_conditions(photo_seed(identity, 0)), _PHOTO_SIZE)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def cut_anchors(photos: Sequence[bytes], framing: Framing, *, progress: Progress = silent) -> Crops:
    """The faces ``(N, S, S, 3)`` in photos of anchors; who is not found is left out."""
    found = PhotoIntake(framing).read(photos, progress=progress, stage="finding anchors")
    return np.stack([photo.crop for photo in found if photo.error is None])
