import contextlib
import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from faceforget.photos import decode as module
from faceforget.photos.decode import decode, read_bytes
from faceforget.photos.errors import (
    DamagedImageError,
    DecompressionBombError,
    NotAnImageError,
    PhotoError,
    PhotoMissingError,
    PhotoTooLargeError,
    PhotoTooSmallError,
)


def scene(width=64, height=48):
    """A gradient with a red top left corner, so that rotations show."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    pixels = np.stack([x, y, 255 - x], axis=2).astype(np.uint8)
    pixels[: height // 4, : width // 4] = (255, 0, 0)
    return Image.fromarray(pixels)


def encode(image, format_name="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


JPEG = encode(scene(), "JPEG", quality=95)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
def test_accepted_formats(format_name):
    pixels = decode(encode(scene(), format_name, quality=95))
    assert pixels.shape == (48, 64, 3)
    assert np.abs(pixels.astype(int) - np.asarray(scene(), int)).mean() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_honoured(orientation):
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = scene() if orientation == 1 else scene().transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(decode(encode(stored, exif=exif)), np.asarray(scene()))


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "1", "LA", "RGBA", "I;16"])
def test_every_mode_becomes_rgb(mode):
    if mode == "I;16":
        image = Image.fromarray((np.asarray(scene().convert("L")).astype(np.uint16)) * 257)
    else:
        image = scene().convert(mode)
    pixels = decode(encode(image, "JPEG" if mode == "CMYK" else "PNG"))
    assert pixels.shape == (48, 64, 3)
    expected = np.asarray(scene().convert("L" if mode in ("L", "LA", "I;16", "1") else "RGB").convert("RGB"), int)
    blocks = [values.reshape(6, 8, 8, 8, 3).mean((1, 3)) for values in (pixels, expected)]  # dithering evens out
    assert np.abs(blocks[0] - blocks[1]).mean() < 12


def test_what_lies_under_transparency_does_not_show():
    image = scene().convert("RGBA")
    image.putalpha(Image.fromarray(np.zeros((48, 64), np.uint8)))
    assert (decode(encode(image)) == 128).all()


def test_the_first_frame_of_an_animation_is_used():
    data = encode(scene(), "WEBP", save_all=True, append_images=[Image.new("RGB", (64, 48))], lossless=True)
    assert decode(data).mean() > 60


def test_the_long_side_is_capped():
    assert decode(encode(scene(3000, 1500), "JPEG")).shape == (512, 1024, 3)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", NotAnImageError),
        (b"hello, I am a .jpg", NotAnImageError),
        (encode(scene(), "GIF"), NotAnImageError),
        (encode(scene(), "BMP"), NotAnImageError),
        (JPEG[: len(JPEG) // 2], DamagedImageError),
        (encode(scene())[:-60], DamagedImageError),
        (encode(Image.new("RGB", (1, 1))), PhotoTooSmallError),
        (encode(Image.new("1", (8000, 7500))), DecompressionBombError),
        (encode(Image.new("1", (20000, 20000))), DecompressionBombError),
    ],
)
def test_each_defect_has_its_own_error(data, error):
    with pytest.raises(error) as caught:
        decode(data)
    assert caught.value.todo


def test_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "nothing.jpg", tmp_path):
        with pytest.raises(PhotoMissingError):
            read_bytes(path)


def test_too_many_bytes_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    (tmp_path / "large.jpg").write_bytes(b"x" * 101)
    with pytest.raises(PhotoTooLargeError):
        read_bytes(tmp_path / "large.jpg")


def test_whatever_a_decoder_raises_is_a_damaged_photo(monkeypatch):
    def fail(image):
        raise struct.error("required argument is not an integer")  # seen from Pillow on a mutated EXIF block

    monkeypatch.setattr(module.ImageOps, "exif_transpose", fail)
    with pytest.raises(DamagedImageError, match="required argument"):
        decode(JPEG)


@settings(max_examples=150, deadline=None)
@given(
    source=st.sampled_from([JPEG, encode(scene()), encode(scene(), "WEBP")]),
    edits=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.integers(0, 4000),
)
def test_damaged_bytes_give_a_photo_or_a_typed_error(source, edits, cut):
    data = bytearray(source)
    for position, value in edits:
        data[position % len(data)] = value
    with contextlib.suppress(PhotoError):
        assert decode(bytes(data[: max(1, len(data) - cut)])).ndim == 3
