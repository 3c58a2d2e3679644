import numpy as np
import pytest

from faceforget.audit.measures.heat_energy import energy_inside, face_region, heat_energy, spread
from faceforget.audit.view import Faces
from faceforget.photos.align import ALIGNED_LANDMARKS
from faceforget.recognizer.backbones.facenet import SPEC as FACENET
from faceforget.recognizer.backbones.mobile import SPEC as MOBILE


def test_the_region_holds_the_landmarks_and_leaves_the_corners_out():
    region = face_region(MOBILE.framing)
    assert all(region[round(y), round(x)] for x, y in ALIGNED_LANDMARKS)
    assert not region[[0, 0, -1, -1], [0, -1, 0, -1]].any()
    assert not region[56, [2, -3]].any()
    assert 0.4 < region.mean() < 0.6


def test_the_region_of_a_box_fills_the_box():
    """Semi-axes of (160 - 14) / 2 pixels."""
    region = face_region(FACENET.framing)
    assert region.sum() == pytest.approx(np.pi * 73**2, rel=0.005)
    assert (region == region[::-1]).all()
    assert (region == region.T).all()


def test_even_heat_has_the_area_of_the_region_inside():
    region = face_region(MOBILE.framing)
    found = energy_inside(np.ones((5, 112, 112), np.float32), region)
    assert found.value == pytest.approx(region.mean())
    assert found.interval == pytest.approx((region.mean(), region.mean()))


@pytest.mark.parametrize(("inside", "share"), [(True, 1.0), (False, 0.0)])
def test_heat_on_one_side_only(inside, share):
    region = face_region(MOBILE.framing)
    found = energy_inside(np.stack([(region == inside).astype(np.float32)] * 3), region)
    assert found.value == share


def test_each_photo_counts_alike_and_the_interval_spans_them():
    region = np.array([[True, False]])
    heat = np.array([[[100, 0]], [[0, 1]], [[1, 1]], [[3, 1]]], np.float32)
    found = energy_inside(heat, region)
    assert found.value == pytest.approx((1 + 0 + 0.5 + 0.75) / 4)
    assert found.interval[0] < found.value < found.interval[1]
    assert found.photos == 4


def test_maps_without_heat_are_left_out_and_said():
    heat = np.zeros((4, 1, 2), np.float32)
    heat[:2, 0, 0] = 1
    found = energy_inside(heat, np.array([[True, False]]))
    assert (found.value, found.photos) == (1.0, 2)
    assert "2 of 4" in found.note
    assert energy_inside(heat[2:], np.array([[True, False]])).value is None


def test_photos_are_spread_over_people():
    people = {name: np.full((count, 1), i) for i, (name, count) in enumerate({"A": 3, "B": 1, "C": 2, "D": 0}.items())}
    assert [(n, i) for n, i, _ in spread(people, 5)] == [("A", 0), ("B", 0), ("C", 0), ("A", 1), ("C", 1)]
    assert [(n, i) for n, i, _ in spread(people, 2)] == [("A", 0), ("C", 0)]
    assert spread({}, 3) == []


def test_the_heat_of_a_model(recognizer, faces, names):
    others = {name: faces.crops(name) for name in names[1:]}
    looked_at = Faces({names[0]: faces.crops(names[0])}, retained=others)
    found = heat_energy(recognizer, looked_at, photos=6)
    assert found == heat_energy(recognizer, looked_at, photos=6)
    for group in (found.forgotten, found.retained):
        assert 0 < group.inside.value < 1
        assert group.heat.value > 0
        assert group.inside.photos == 6


def test_rows_that_point_away_take_the_heat(recognizer, faces, names):
    looked_at = Faces({names[0]: faces.crops(names[0])})
    rows = recognizer.classifier.head.weight.detach().clone()
    rows[recognizer.index_of(names[0])] *= -1
    turned = heat_energy(recognizer.with_head(rows, recognizer.labels), looked_at, photos=4)
    assert turned.forgotten.heat.value < heat_energy(recognizer, looked_at, photos=4).forgotten.heat.value
    assert turned.retained.inside.value is None
    assert turned.retained.inside.note == "no photos"
