"""A face is found and cut alike however much of the photo is around it."""

import numpy as np
import pytest
from PIL import Image

from faceforget.photos.align import ALIGNED_LANDMARKS, crop_box, misfit
from faceforget.photos.detect import FaceDetector
from faceforget.photos.photo import Face


@pytest.fixture(scope="module")
def detector():
    return FaceDetector()


@pytest.fixture(scope="module")
def pixels(photo):
    return np.asarray(Image.open(photo).convert("RGB"))


@pytest.fixture(scope="module")
def face(detector, pixels):
    (faces,) = detector.detect([pixels])
    return faces[0]


def cropped(pixels, box, border):
    """The photo cut to the box and a share of it on each side; and where that begins."""
    wide, high = border * (box[2] - box[0]), border * (box[3] - box[1])
    left, top = max(round(box[0] - wide), 0), max(round(box[1] - high), 0)
    return pixels[top : round(box[3] + high), left : round(box[2] + wide)].copy(), np.array([left, top])


def off(found, expected):
    """Largest distance of two sets of points, in distances between the eyes."""
    return np.abs(found - expected).max() / np.linalg.norm(expected[1] - expected[0])


@pytest.mark.parametrize("border", [0.0, 0.05, 0.2, 0.4])
def test_the_points_do_not_depend_on_how_tightly_the_photo_is_cropped(detector, pixels, face, border):
    tight, corner = cropped(pixels, face.box, border)
    (faces,) = detector.detect([tight])
    assert len(faces) == 1
    assert off(faces[0].landmarks + corner, face.landmarks) < 0.15
    eyes = [np.linalg.norm(f.landmarks[1] - f.landmarks[0]) for f in (faces[0], face)]
    assert eyes[0] == pytest.approx(eyes[1], rel=0.1)


def test_a_border_around_the_photo_changes_nothing(detector, pixels, face):
    width = 60
    (faces,) = detector.detect([np.pad(pixels, ((width, width), (width, width), (0, 0)), constant_values=127)])
    assert off(faces[0].landmarks - width, face.landmarks) < 0.1


def test_the_box_of_a_face_that_the_photo_cuts_off_goes_on_beyond_it(detector, pixels, face):
    middle = round(float(face.centre[0]))
    (faces,) = detector.detect([pixels[:, round(face.box[0] * 0.5 + middle * 0.5) :].copy()])
    assert faces[0].box[0] < 0


def test_what_a_photo_shows_does_not_depend_on_the_photos_beside_it(detector, pixels):
    alone = detector.detect([pixels])[0]
    beside = detector.detect([np.zeros_like(pixels), pixels, pixels[:100].copy()])[1]
    assert all(np.array_equal(a.landmarks, b.landmarks) for a, b in zip(alone, beside, strict=True))


@pytest.mark.parametrize("size", [(20, 20), (20, 300), (300, 20)])
def test_small_and_narrow_photos_have_no_face_and_no_error(detector, size):
    assert detector.detect([np.full((*size, 3), 90, np.uint8)]) == [[]]


class Looks:
    """A cascade that finds one face in the mirror and something else, or nothing, in the photo itself."""

    def __init__(self, photo, first, mirrored):
        self.photo, self.first, self.mirrored = photo, first, mirrored

    def find(self, photo):
        import torch

        found = self.first if np.array_equal(photo, self.photo) else self.mirrored
        points = torch.tensor(np.array([face.landmarks for face in found]).reshape(-1, 5, 2))
        boxes = torch.tensor(np.array([face.box for face in found]).reshape(-1, 4))
        return boxes, points, torch.tensor([face.probability for face in found])


def a_face(landmarks):
    return Face(np.array([0.0, 0.0, 112.0, 112.0]), landmarks, 0.99)


MIRRORED = a_face((ALIGNED_LANDMARKS * [-1, 1] + [112, 0])[[1, 0, 2, 4, 3]])
NO_FACE = a_face(ALIGNED_LANDMARKS[[3, 2, 0, 1, 4]])


@pytest.mark.parametrize("first", [(), (NO_FACE,)], ids=["none", "points that are no face's"])
def test_where_no_face_fits_the_photo_is_looked_at_again_in_the_mirror(detector, monkeypatch, first):
    photo = np.zeros((112, 112, 3), np.uint8)
    photo[:, :50] = 200
    monkeypatch.setattr(detector, "_cascade", Looks(photo, first, (MIRRORED,)))
    ((found,),) = detector.detect([photo])
    assert np.allclose(found.landmarks, ALIGNED_LANDMARKS)
    assert np.allclose(found.box, [0, 0, 112, 112])


def test_the_mirror_is_not_asked_where_the_points_fit(detector, monkeypatch):
    photo = np.zeros((112, 112, 3), np.uint8)
    photo[:, :50] = 200
    monkeypatch.setattr(detector, "_cascade", Looks(photo, (a_face(ALIGNED_LANDMARKS),), ()))
    assert len(detector.detect([photo])[0]) == 1


def test_points_of_a_face_fit_at_any_place_size_and_turn_and_others_do_not():
    turned = ALIGNED_LANDMARKS @ np.array([[0.0, -3.0], [3.0, 0.0]]) + 40
    assert misfit(turned) == pytest.approx(0, abs=1e-9)
    assert misfit(NO_FACE.landmarks) > 0.5


def test_a_box_beyond_the_photo_is_not_stretched(pixels):
    """For the backbones that take boxes: what is there keeps its place and size, the rest is black."""
    whole = crop_box(pixels, np.array([20.0, 20.0, 120.0, 120.0]), 112, 0)
    cut = crop_box(pixels[:, 70:], np.array([-50.0, 20.0, 50.0, 120.0]), 112, 0)
    assert not cut[:, :50].any()
    assert np.abs(cut[:, 60:].astype(int) - whole[:, 60:]).mean() < 2
