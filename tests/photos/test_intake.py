import io

import cv2
import numpy as np
import pytest
from PIL import Image

from faceforget.photos.align import ALIGNED_LANDMARKS, Framing, align, similarity_transform
from faceforget.photos.cache import FaceCache, FrozenCache
from faceforget.photos.choose import quality_problem
from faceforget.photos.decode import decode
from faceforget.photos.detect import FaceDetector
from faceforget.photos.errors import (
    FaceTooBlurredError,
    FaceTooSmallError,
    NoFaceError,
    NotAnImageError,
    OtherFramingError,
    PhotoMissingError,
)
from faceforget.photos.intake import PhotoIntake
from faceforget.photos.photo import Face

FIVE_POINT = Framing("five_point", 112)


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def pixels(photo):
    return np.asarray(Image.open(photo).convert("RGB"))


def read_one(source, **options):
    return PhotoIntake(FIVE_POINT, **options).read([source])[0]


def test_a_similarity_transform_is_recovered(rng):
    angle, scale, shift = 0.4, 1.7, np.array([5.0, -3.0])
    rotation = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    source = rng.normal(size=(5, 2)) * 20
    found = similarity_transform(source, source @ rotation.T + shift)
    assert np.allclose(found, np.hstack([rotation, shift[:, None]]))


def test_mirrored_points_give_a_rotation_not_a_reflection():
    mirrored = ALIGNED_LANDMARKS * [-1, 1]
    assert np.linalg.det(similarity_transform(mirrored, ALIGNED_LANDMARKS)[:, :2]) > 0


def test_alignment_agrees_with_opencv(pixels, photo):
    face = read_one(photo).faces[0]
    ours = align(pixels, face.landmarks)
    matrix, _ = cv2.estimateAffinePartial2D(face.landmarks, ALIGNED_LANDMARKS, method=cv2.LMEDS)
    theirs = cv2.warpAffine(pixels, matrix, (112, 112))
    assert np.abs(ours.astype(int) - theirs).mean() < 20


@pytest.mark.parametrize("framing", [FIVE_POINT, Framing("box", 160, 14)])
def test_one_face_is_found_and_framed(photo, framing):
    found = PhotoIntake(framing).read([photo])[0]
    assert found.error is None
    assert found.note is None
    assert found.crop.shape == (framing.size, framing.size, 3)


def test_every_rendered_photo_has_a_face(faces):
    assert faces.count == 24
    assert not faces.refused


def test_batches_find_what_single_photos_find(people_dir, names):
    photos = [np.asarray(Image.open(path)) for path in sorted((people_dir / names[0]).iterdir())[:3]]
    photos.append(np.zeros((90, 70, 3), np.uint8))
    detector = FaceDetector()
    together = detector.detect(photos)
    for pixels, found in zip(photos, together, strict=True):
        alone = detector.detect([pixels])[0]
        assert len(found) == len(alone)
        assert all(np.abs(f.box - one.box).max() < 0.5 for f, one in zip(found, alone, strict=True))  # pixels
    assert together[-1] == []


def test_a_photo_without_a_face(tmp_path):
    found = read_one(png(np.full((200, 200, 3), 120, np.uint8)))
    assert isinstance(found.error, NoFaceError)
    with pytest.raises(NoFaceError):
        _ = found.crop


def test_of_several_faces_the_larger_is_chosen_and_the_reason_given(pixels):
    small = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    wide = np.full((160, 260, 3), 127, np.uint8)
    wide[:, :160], wide[40:120, 170:250] = pixels, small
    found = read_one(png(wide))
    assert found.error is None
    assert found.note.count == 2
    assert "times as large" in found.note.why
    assert found.faces[found.chosen].box[0] < 160


def test_of_two_equal_faces_the_one_nearer_the_middle_is_chosen(pixels):
    wide = np.full((160, 420, 3), 127, np.uint8)
    wide[:, 130:290], wide[:, :130] = pixels, pixels[:, 15:145]
    found = read_one(png(wide))
    assert found.note.count == 2
    assert "middle" in found.note.why
    assert found.faces[found.chosen].box[0] > 130


def test_a_face_of_a_few_pixels_is_too_small(pixels):
    canvas = np.full((160, 160, 3), 127, np.uint8)
    canvas[50:92, 50:92] = cv2.resize(pixels, (42, 42), interpolation=cv2.INTER_AREA)
    assert isinstance(read_one(png(canvas)).error, FaceTooSmallError | NoFaceError)


def test_a_face_without_detail_is_too_blurred(pixels):
    large = cv2.resize(pixels, None, fx=4, fy=4)
    found = read_one(png(cv2.GaussianBlur(large, (0, 0), 14)))
    assert isinstance(found.error, FaceTooBlurredError | NoFaceError)


def test_each_photo_has_its_own_outcome_and_order_is_kept(photo, tmp_path):
    (tmp_path / "text.jpg").write_text("not a photo")
    outcomes = PhotoIntake(FIVE_POINT).read([tmp_path / "none.jpg", photo, b"junk", tmp_path / "text.jpg", photo])
    assert [type(outcome.error) for outcome in outcomes] == [
        PhotoMissingError, type(None), NotAnImageError, NotAnImageError, type(None),
    ]  # fmt: skip
    assert outcomes[2].source == "photo 3"


class NoDetector:
    def detect(self, photos):
        raise AssertionError("the photo was searched again")


def test_the_cache_saves_the_search(photo, tmp_path):
    cache = FaceCache(tmp_path / "faces")
    first = read_one(photo, cache=cache)
    intake = PhotoIntake(FIVE_POINT, cache=cache)
    intake._detector = NoDetector()
    again = intake.read([photo])[0]
    assert np.array_equal(first.crop, again.crop)
    assert (tmp_path / "faces").stat().st_mode & 0o077 == 0
    other = PhotoIntake(Framing("box", 160, 14), cache=cache)
    other._detector = NoDetector()
    with pytest.raises(AssertionError, match="searched again"):
        other.read([photo])


def test_a_damaged_cache_entry_is_searched_again(photo, tmp_path):
    cache = FaceCache(tmp_path)
    read_one(photo, cache=cache)
    entry = next(tmp_path.glob("??/*.npz"))
    entry.write_bytes(entry.read_bytes()[:100])
    assert read_one(photo, cache=cache).error is None


def test_what_must_not_be_remembered_is_not(photo, tmp_path):
    cache = FaceCache(tmp_path)
    found = PhotoIntake(FIVE_POINT, cache=cache).read([photo], remember=False)[0]
    assert cache.count() == 0
    read_one(photo, cache=cache)
    assert cache.count() == 1
    assert cache.forget(found.sha256) == 1
    assert cache.count() == 0


def test_clear_empties_the_cache(photo, tmp_path):
    cache = FaceCache(tmp_path / "faces")
    read_one(photo, cache=cache)
    assert cache.clear() == 1
    assert cache.count() == 0


def test_progress_counts_photos(photo):
    events = []
    PhotoIntake(FIVE_POINT).read([photo, b"junk"], progress=events.append)
    assert [event.done for event in events] == [0, 1, 2, 2]
    assert events[-1].final


def test_each_defect_of_a_face_has_its_own_error(rng):
    def face(height):
        return Face(np.array([0.0, 0.0, height, height]), np.zeros((5, 2)), 0.99)

    sharp = rng.integers(0, 255, (112, 112, 3), dtype=np.uint8)
    assert quality_problem(face(100), sharp) is None
    assert isinstance(quality_problem(face(20), sharp), FaceTooSmallError)
    assert isinstance(quality_problem(face(100), np.full((112, 112, 3), 90, np.uint8)), FaceTooBlurredError)


def test_a_photo_that_was_read_is_handed_on(photo):
    first = PhotoIntake(FIVE_POINT).read([photo])[0]
    intake = PhotoIntake(FIVE_POINT)
    intake._detector = NoDetector()
    again, missing = intake.read([first, "nowhere.jpg"])
    assert again is first
    assert isinstance(missing.error, PhotoMissingError)


def test_a_photo_that_was_cut_for_another_backbone_is_not(photo):
    first = PhotoIntake(FIVE_POINT).read([photo])[0]
    with pytest.raises(OtherFramingError, match="expected box-160-14, got five_point-112-0"):
        PhotoIntake(Framing("box", 160, 14)).read([first])


def test_what_is_kept_is_not_opened_again(photo, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo.read_bytes())
    intake = PhotoIntake(FIVE_POINT, keep=True)
    first = intake.read([path])[0]
    path.unlink()
    assert intake.read([path])[0] is first
    intake.let_go(str(path))
    assert isinstance(intake.read([path])[0].error, PhotoMissingError)


def test_a_picture_is_kept_for_those_who_show_it(photo):
    pixels = decode(photo.read_bytes())
    small, whole, none = (PhotoIntake(FIVE_POINT, picture=side).read([photo])[0].picture for side in (80, 1024, 0))
    assert small.shape == (80, 80, 3)
    assert np.array_equal(whole, pixels)
    assert none is None


def test_a_frozen_cache_is_read_and_left_as_it_is(photo, tmp_path):
    cache = FaceCache(tmp_path)
    found = read_one(photo, cache=FrozenCache(cache))
    assert cache.count() == 0
    read_one(photo, cache=cache)
    assert FrozenCache(cache).forget(found.sha256) == 0
    assert FrozenCache(cache).get(found.sha256, FIVE_POINT).faces
    assert FrozenCache(None).get(found.sha256, FIVE_POINT) is None
