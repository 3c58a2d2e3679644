"""Where a face is, in pixels of the photo as a viewer shows it."""

import json

import pytest
from PIL import ExifTags, Image

from faceforget.api import recognize
from faceforget.files import sha256_file
from faceforget.photos.decode import MAX_SIDE, shown_size
from faceforget.recognizer.storage import save_recognizer

LARGER = 8
# By EXIF's orientation, how a camera stores a photo that a viewer turns back.
STORED = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


def stored(photo, orientation, path):
    """The photo, eight times as large, as a camera on its side stores it."""
    with Image.open(photo) as image:
        large = image.resize((LARGER * image.width, LARGER * image.height))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    turned = large if STORED[orientation] is None else large.transpose(STORED[orientation])
    turned.save(path, exif=exif)
    return path


@pytest.mark.parametrize("orientation", STORED)
def test_the_size_is_that_of_the_photo_as_it_is_shown(tmp_path, orientation):
    Image.new("RGB", (300, 200)).save(tmp_path / "a.png")
    path = stored(tmp_path / "a.png", orientation, tmp_path / "b.jpg")
    assert shown_size(path.read_bytes()) == (300 * LARGER, 200 * LARGER)


def test_boxes_are_in_pixels_of_a_large_photo_too(recognizer, photo, tmp_path):
    small, large = recognize(recognizer, [photo, stored(photo, 6, tmp_path / "large.jpg")])
    assert large.size == tuple(LARGER * side for side in small.size)
    assert max(large.size) > MAX_SIDE
    assert large.faces[0].box == pytest.approx([LARGER * edge for edge in small.faces[0].box], abs=10 * LARGER)


def test_a_photo_that_cannot_be_read_has_no_size(recognizer):
    (photo,) = recognize(recognizer, [b"no photo"])
    assert (photo.size, photo.faces, photo.error.code) == (None, (), "not-an-image")


def test_the_json_says_with_which_model_and_above_which_similarity(cli, recognizer, photo, tmp_path):
    model, file = tmp_path / "model.safetensors", tmp_path / "names.json"
    save_recognizer(recognizer, model)
    assert cli("recognize", model, photo, "--json", file)[0] == 0
    found = json.loads(file.read_text())
    assert found["model"] == {"file": str(model), "sha256": sha256_file(model)}
    assert found["threshold"]["cosine"] == recognizer.threshold.cosine
    assert found["photos"][0]["size"] == list(shown_size(photo.read_bytes()))
