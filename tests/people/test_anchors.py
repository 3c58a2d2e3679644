import numpy as np
import pytest

from faceforget.people import anchors
from faceforget.people.anchors import AnchorsError, read_sheet, render_anchors, rendered_anchors, write_sheet
from faceforget.photos.align import Framing
from faceforget.recognizer.backbone import BACKBONES
from faceforget.resources import SHIPPED_ANCHORS

every_backbone = pytest.mark.parametrize("spec", BACKBONES.values(), ids=BACKBONES)


@every_backbone
def test_nothing_is_rendered_for_a_backbone_that_has_a_name(spec, monkeypatch):
    monkeypatch.setattr(anchors, "render", None)
    crops = rendered_anchors(spec.framing)
    assert len(crops) >= 390  # an erasure looks at 400 at most
    assert crops.shape[1:] == (spec.framing.size, spec.framing.size, 3)


@every_backbone
def test_a_shipped_picture_is_small(spec):
    assert (SHIPPED_ANCHORS / f"{spec.framing.key}.jpg").stat().st_size < 1.5e6


@every_backbone
def test_the_shipped_ones_are_those_that_the_renderer_makes(spec):
    again = render_anchors(spec.framing, 3).astype(float)
    shipped = rendered_anchors(spec.framing)[:3].astype(float)
    assert np.abs(again - shipped).mean() < 6  # JPEG


OTHER = Framing("box", 64, margin=6)


@pytest.fixture
def made(monkeypatch, tmp_path):
    """Grows by one whenever anchors are rendered."""
    made = []
    monkeypatch.setattr(anchors, "default_cache_folder", lambda: tmp_path / "faces")
    monkeypatch.setattr(
        anchors, "render_anchors", lambda *a, **k: made.append(1) or np.full((3, 64, 64, 3), 90, np.uint8)
    )
    return made


def test_other_framings_are_rendered_once_and_kept(made):
    first, second = rendered_anchors(OTHER), rendered_anchors(OTHER)
    assert made == [1]
    assert np.array_equal(first, second)
    assert first.shape == (3, 64, 64, 3)


def test_kept_ones_that_were_cut_otherwise_are_not_used(made, monkeypatch):
    rendered_anchors(OTHER)
    monkeypatch.setattr(anchors, "PREPROCESSING_VERSION", anchors.PREPROCESSING_VERSION + 1)
    rendered_anchors(OTHER)
    assert made == [1, 1]


def test_a_sheet_keeps_faces_in_their_order(tmp_path):
    crops = np.stack([np.full((16, 16, 3), 60 + 4 * i, np.uint8) for i in range(45)])
    write_sheet(tmp_path / "sheet.jpg", crops)
    assert np.abs(read_sheet(tmp_path / "sheet.jpg", 16).astype(int) - crops).max() <= 3


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_damaged_sheet_says_what_to_do(tmp_path, content):
    (tmp_path / "sheet.jpg").write_bytes(content)
    with pytest.raises(AnchorsError, match="not a picture of anchors"):
        read_sheet(tmp_path / "sheet.jpg", 112)


def test_a_sheet_of_another_size_is_refused(tmp_path):
    write_sheet(tmp_path / "sheet.jpg", np.full((40, 16, 16, 3), 90, np.uint8))
    with pytest.raises(AnchorsError, match="does not hold"):
        read_sheet(tmp_path / "sheet.jpg", 100)
