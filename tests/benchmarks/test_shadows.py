import json
from collections import Counter

import numpy as np
import pytest
import torch

from benchmarks import membership
from benchmarks.membership import HELD_BACK, NEVER, READ, Settings, main, run_shadow, scaled_confidence, worlds
from faceforget.recognizer.backbone import load_backbone
from faceforget.recognizer.head import to_images
from faceforget.unlearn.registry import make_method


@pytest.mark.parametrize("person", [0, 1, 2])
def test_over_eight_shadows_every_photo_is_in_every_world(person):
    drawn = [worlds(shadow, person, 20) for shadow in range(8)]
    for photo in zip(*drawn, strict=True):
        counts = Counter(photo)
        assert counts[NEVER] == 4
        assert min(counts[READ], counts[HELD_BACK]) >= 1
    assert all(Counter(d)[READ] in (0, 10) for d in drawn)


def test_two_shadows_in_turn_read_the_two_halves():
    first, second = worlds(0, 0, 10), worlds(2, 0, 10)
    assert {first[i] == READ for i in range(10)} == {True, False}
    assert all((a == READ) != (b == READ) for a, b in zip(first, second, strict=True))


def test_scaled_confidence_is_the_log_odds_of_the_best_row(recognizer, faces, names):
    images = to_images(faces.crops(names[0]))
    rows = [1, 2, 3]
    p = (16 * recognizer.cosines(faces.crops(names[0]))[:, rows].double()).softmax(1).amax(1)
    expected = torch.logit(p).tolist()
    assert scaled_confidence(recognizer.classifier, images, rows) == pytest.approx(expected, abs=1e-3)


@pytest.fixture(scope="module")
def parts(faces, names):
    return faces.only(names[:1]), faces.only(names[1:])


def test_a_shadow_of_nobody_studied_is_scored_without_an_erasure(parts, backbone_file):
    shadow = run_shadow(1, *parts, load_backbone(backbone_file), Settings(train="head"))
    (person,) = shadow["studied"]
    assert person["worlds"] == [NEVER] * 6
    assert person["drop_row"] == person["erased"]


def test_a_shadow_erases_whom_it_enrolled(parts, backbone_file, monkeypatch):
    monkeypatch.setattr(membership, "make_method", lambda name, given: make_method(name, {**given, "max_steps": 3}))
    shadow = run_shadow(0, *parts, load_backbone(backbone_file), Settings(train="head"))
    (person,) = shadow["studied"]
    assert Counter(person["worlds"]) == {READ: 3, HELD_BACK: 3}
    assert person["drop_row"] != person["erased"]
    assert len(person["erased"]) == 6


def made_up(number, studied, retained, backbone, settings):
    """A shadow in a moment: what was read stands out once it is erased."""
    own = worlds(number, 0, 6)
    noise = np.random.default_rng(number).normal(0, 1, (2, 6))
    scores = {"drop_row": list(noise[0]), "erased": list(noise[1] + 50 * (np.array(own) == READ))}
    return {"seconds": 0.1, "studied": [{"worlds": own, **scores, "forgotten": True}]}


def test_a_run_that_was_stopped_goes_on(parts, backbone_file, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(membership, "read_photos", lambda *_: parts)
    monkeypatch.setattr(membership, "run_shadow", lambda number, *rest: calls.append(number) or made_up(number, *rest))
    arguments = ["--backbone", str(backbone_file), "--train", "head", "--work", str(tmp_path / "work")]
    out = tmp_path / "result.json"
    main([*arguments, "--out", str(out), "--shadows", "2"])
    assert json.loads(out.read_text())["erased"]["read_or_never"]["auc"]["value"] is None
    main([*arguments, "--out", str(out), "--shadows", "8"])
    assert calls == list(range(8))
    result = json.loads(out.read_text())
    assert result["shadows"] == 8
    assert result["erasures"] == 4
    for attack in ("read_or_never", "read_or_held_back"):
        assert result["erased"][attack]["auc"]["value"] == 1
        assert 0.2 < result["drop_row"][attack]["auc"]["value"] < 0.8
