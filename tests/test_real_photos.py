"""The main job on real photos with real weights; skipped with a reason where they are absent."""

import pytest
from PIL import Image

from faceforget import api as ff
from faceforget.people.folder import read_people
from faceforget.photos.cache import FaceCache

pytestmark = pytest.mark.real
PEOPLE, TRAIN, UNSEEN = 10, 6, 3


@pytest.fixture(scope="module")
def people(lfw):
    regulars = {name: photos for name, photos in read_people(lfw).items() if len(photos) >= 20}
    return dict(list(regulars.items())[:PEOPLE])


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return ff.Runtime(device="cpu", cache=FaceCache(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def enrolment(people, real_weights, runtime):
    photos = {name: paths[:TRAIN] for name, paths in people.items()}
    return ff.enroll(photos, backbone=real_weights, plan=ff.EnrolmentPlan("head"), runtime=runtime)


@pytest.fixture(scope="module")
def unseen(people):
    return {name: paths[TRAIN : TRAIN + UNSEEN] for name, paths in people.items()}


def test_unseen_photos_get_their_names(enrolment, unseen, runtime):
    sources = [path for paths in unseen.values() for path in paths]
    named = ff.recognize(enrolment.recognizer, sources, runtime=runtime)
    right = [photo.faces[0].recognition.name == path.parent.name for photo, path in zip(named, sources, strict=True)]
    assert sum(right) >= len(right) - 1


def test_other_encodings_of_a_photo_get_the_same_name(enrolment, unseen, runtime, tmp_path):
    original = next(iter(unseen.values()))[0]
    image = Image.open(original).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 8
    image.transpose(Image.Transpose.ROTATE_270).save(tmp_path / "rotated.jpg", quality=95, exif=exif)
    image.convert("L").save(tmp_path / "grey.jpg", quality=95)
    image.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    image.save(tmp_path / "photo.webp", quality=90)
    alpha = image.copy()
    alpha.putalpha(255)
    alpha.save(tmp_path / "alpha.png")
    named = ff.recognize(enrolment.recognizer, sorted(tmp_path.iterdir()), runtime=runtime)
    assert {photo.faces[0].recognition.name for photo in named} == {original.parent.name}


def test_strangers_are_called_unknown_at_the_stated_rate(enrolment, people, lfw, runtime):
    others = {name: paths[:2] for name, paths in read_people(lfw).items() if len(paths) <= 12}
    sources = [path for paths in list(others.values())[:40] for path in paths]
    named = ff.recognize(enrolment.recognizer, sources, runtime=runtime)
    accepted = sum(photo.faces[0].recognition.name != "unknown" for photo in named)
    assert accepted <= 4  # of 80 at 1 %: five or more would happen once in 700 runs


@pytest.mark.parametrize(("method", "fewest_named"), [("delete", 0.95), ("anchored", 0.95)])
def test_a_person_is_forgotten_and_the_audit_sees_it(method, fewest_named, enrolment, people, unseen, runtime):
    person = next(iter(people))
    photos = {person: people[person][:TRAIN]}
    erasure = ff.erase(enrolment.recognizer, photos, method=method, runtime=runtime)
    assert erasure.after.value == 0
    others = ff.Others(retained=unseen)
    report = ff.audit(
        enrolment.recognizer, erasure.recognizer, {person: unseen[person]}, others=others, runtime=runtime
    )
    before, after = report.check.accuracy.before, report.check.accuracy.after
    assert before.forgotten.value == 1
    assert after.forgotten.value <= 1 / 3
    assert after.retained.value >= 0.8
    assert after.retained_named.value >= fewest_named
    assert report.check.rows_removed


def test_somebody_elses_photo_is_refused(enrolment, people, runtime):
    first, second = list(people)[:2]
    with pytest.raises(ff.WrongPersonError, match=second):
        ff.erase(enrolment.recognizer, {first: [*people[first][:3], people[second][0]]}, runtime=runtime)
