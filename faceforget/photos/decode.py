"""Untrusted bytes to an upright RGB image.

In this order: byte cap, accepted formats only, pixel cap before decoding, a cheaper JPEG draft,
first frame, EXIF rotation, RGB, long side capped. MTCNN needs most of these (modes L and RGBA
crash it, a 6000 px side takes 30 times as long for the same faces).
"""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from faceforget.photos.align import RGB
from faceforget.photos.errors import (
    DamagedImageError,
    DecompressionBombError,
    NotAnImageError,
    PhotoMissingError,
    PhotoTooLargeError,
    PhotoTooSmallError,
)

MAX_BYTES = 20 * 2**20
MAX_PIXELS = 50_000_000
MAX_SIDE = 1024
MIN_SIDE = 20
FORMATS = ("JPEG", "PNG", "WEBP")
# Values of EXIF's orientation whose photos a viewer turns by a quarter.
_ON_ITS_SIDE = (5, 6, 7, 8)
# Transparent pixels show this; a mid grey makes no edges against skin.
_BEHIND_ALPHA = (128, 128, 128)


def read_bytes(source: bytes | Path) -> bytes:
    """The bytes of a photo, capped.

    Raises:
        PhotoMissingError: No readable file.
        PhotoTooLargeError: More than ``MAX_BYTES``.
    """
    if isinstance(source, bytes):
        data = source
    else:
        try:
            with source.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:  # ValueError: a name that no file can have
            reason = getattr(error, "strerror", None) or error
            raise PhotoMissingError(f"Cannot read the photo: {reason}.", "Check the path.") from error
    if len(data) > MAX_BYTES:
        raise PhotoTooLargeError(
            f"The photo has more than {MAX_BYTES // 2**20} MB.", "Save a smaller copy.", limit=MAX_BYTES
        )
    return data


def decode(data: bytes) -> RGB:
    """An untrusted photo as ``(H, W, 3)`` uint8 RGB, upright, its long side at most ``MAX_SIDE``.

    Args:
        data: The file's bytes, as from :func:`read_bytes`.

    Raises:
        NotAnImageError: Not JPEG, PNG, WebP (or HEIC where pillow-heif is installed).
        DecompressionBombError: More than ``MAX_PIXELS``.
        DamagedImageError: Truncated or corrupt.
        PhotoTooSmallError: A side under ``MIN_SIDE``.
    """
    image = _open(data)
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise DecompressionBombError(
            f"The photo has {width * height / 1e6:.0f} megapixels, the limit is {MAX_PIXELS / 1e6:.0f}.",
            "Save a smaller copy.",
            pixels=width * height,
        )
    if min(width, height) < MIN_SIDE:
        raise PhotoTooSmallError(
            f"The photo is {width}x{height} pixels, at least {MIN_SIDE} on each side are needed.",
            "Use the original photo.",
        )
    try:
        upright = _upright_rgb(image)
    except Exception as error:  # on hostile bytes Pillow's decoders raise almost anything, struct.error too
        raise DamagedImageError(f"The photo is damaged: {error}.", "Use another copy.") from error
    return np.asarray(upright, dtype=np.uint8).copy()


def shown_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels as a viewer shows the photo: turned as its EXIF says, not reduced.

    Raises:
        PhotoError: It cannot be read.
    """
    image = _open(data)
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception as error:  # as in decode
        raise DamagedImageError(f"The photo is damaged: {error}.", "Use another copy.") from error
    width, height = image.size
    return (height, width) if orientation in _ON_ITS_SIDE else (width, height)


def _open(data: bytes) -> Image.Image:
    formats = [*FORMATS, "HEIF"] if _heif_registered() else list(FORMATS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data), formats=formats)
    except UnidentifiedImageError as error:
        raise NotAnImageError(
            "The file is not an image that can be read." if data else "The file is empty.",
            f"Accepted are {', '.join(formats)}.",
        ) from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise DecompressionBombError(
            f"The photo has far more than {MAX_PIXELS / 1e6:.0f} megapixels.", "Save a smaller copy."
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise DamagedImageError(f"The photo is damaged: {error}.", "Use another copy.") from error


def _heif_registered() -> bool:
    """HEIC is an optional extra; registering twice does no harm."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _upright_rgb(image: Image.Image) -> Image.Image:
    image.draft("RGB", (MAX_SIDE, MAX_SIDE))  # JPEG decodes at a half, quarter or eighth for a fraction of the time
    image.seek(0)
    image.load()
    rgb = _to_rgb(ImageOps.exif_transpose(image))
    if max(rgb.size) > MAX_SIDE:
        rgb.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return rgb


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":  # 16-bit grey: Pillow clips instead of scaling
        values = np.asarray(image).astype(np.uint16, copy=False)
        shift = 8 if values.max(initial=0) > 255 else 0
        return Image.fromarray((values >> shift).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        behind = Image.new("RGBA", rgba.size, (*_BEHIND_ALPHA, 255))
        return Image.alpha_composite(behind, rgba).convert("RGB")
    return image.convert("RGB")
