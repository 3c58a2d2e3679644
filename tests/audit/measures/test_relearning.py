import copy
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from faceforget.audit.measures import relearning as asked
from faceforget.audit.measures.relearning import FAR, TAR, Relearning, accepted, over_people, relearning
from faceforget.recognizer.head import CosineHead, FaceClassifier


@pytest.fixture(scope="module")
def model():
    """A network of one layer for photos of two by two, that knows three people."""
    torch.manual_seed(0)
    embedder = nn.Sequential(nn.Flatten(), nn.Linear(12, 8, bias=False)).eval().requires_grad_(False)
    classifier = FaceClassifier(embedder, CosineHead(torch.randn(3, 8))).requires_grad_(False)
    return SimpleNamespace(
        classifier=classifier, spec=SimpleNamespace(embedding_size=8), labels=("a", "b", "c"), device="cpu"
    )


def photos_of(person, count, seed=0):
    """``(count, 2, 2, 3)`` photos that show one colour in each person's own place, and a little of everything."""
    found = np.random.default_rng((person, seed)).integers(0, 20, (count, 12))
    found[:, person] = 255
    return found.reshape(count, 2, 2, 3).astype(np.uint8)


OWN, OTHERS = photos_of(0, 12), np.concatenate([photos_of(person, 20) for person in (3, 5, 7, 9)])
QUICK = {"starts": 1, "max_steps": 100, "rate": 0.01}


@pytest.fixture(scope="module")
def learnt(model):
    events = []
    return relearning(model, OWN[:4], OWN[4:], OTHERS, **QUICK, progress=events.append), events


def test_a_person_is_learnt_and_the_steps_are_where_the_curve_crosses(learnt):
    found, _ = learnt
    assert found.reached
    assert not found.never
    first = next(step for step, share in found.curve if share >= TAR)
    assert found.steps.value == first == found.runs[0] > 0
    assert (found.steps.photos, found.learnt_from, found.held_out) == (8, 4, 80)


def test_who_is_told_from_nobody_is_not_learnt(model, learnt):
    """The network takes strangers for the person too, here because their photos are alike."""
    alike = photos_of(0, 80, seed=1)
    found = relearning(model, OWN[:4], OWN[4:], alike, **QUICK)
    assert found.never
    assert found.steps.value is None
    assert found.runs == (None,)
    assert "not within 100 steps from 1 of 1 starts" in found.steps.note


@pytest.mark.parametrize(
    ("strangers", "share"),
    [
        ([0.1] * 200, 1.0),
        ([0.95] * 200, 0.0),
        ([0.1] * 198 + [0.95] * 2, 1.0),
        ([0.1] * 197 + [0.95] * 3, 0.0),
        ([0.1] * 99 + [0.95], 1.0),
        ([0.1] * 98 + [0.95], 0.0),
    ],
)
def test_photos_count_only_above_all_but_one_in_a_hundred_of_strangers(strangers, share):
    own, strangers = np.full(8, 0.9), np.array(strangers)
    assert accepted(own, strangers) == share
    if share:
        assert (strangers >= own.min()).mean() <= FAR


def made(runs, budget=40):
    """A result whose runs took these steps."""
    return Relearning(asked._median([runs], 8, budget, 0), runs, budget, 5, 100, ((0, 0.0),))


@pytest.mark.parametrize(
    ("runs", "value", "words"),
    [
        ((5, 9, 30), 9, ""),
        ((5, 9, None), 9, "not within 40 steps from 1 of 3 starts"),
        ((5, None, None), None, "not within 40 steps from 2 of 3 starts"),
        ((5, None), None, "1 of 2 starts"),
    ],
)
def test_a_start_that_did_not_get_there_is_no_number(runs, value, words):
    found = made(runs)
    assert found.steps.value == value
    assert words in found.steps.note
    assert found.never == (value is None)
    assert (found.steps.interval is None) == (None in runs)


def test_several_persons_have_the_median_of_their_medians_and_an_interval_over_them():
    found = over_people([made((4, 4, 4)), made((10, 12, 20)), made((30, None, None))])
    assert found.steps.value == 12
    assert found.steps.photos == 24
    assert "1 of 3 persons" in found.steps.note
    assert found.runs == (4, 4, 4, 10, 12, 20, 30, None, None)
    found = over_people([made((4, 4, 4)), made((10, 12, 20)), made((30, 30, 30))])
    assert found.steps.interval == (4, 30)


def test_persons_without_photos_are_left_out(model):
    nobody = relearning(model, OWN[:0], OWN[4:], OTHERS)
    assert over_people([nobody, made((4, 4, 4))]).steps.value == 4
    assert over_people([nobody, nobody]).steps.note == nobody.steps.note


def test_the_given_model_is_not_changed(model):
    before = copy.deepcopy(model.classifier.state_dict())
    relearning(model, OWN[:4], OWN[4:], OTHERS, starts=1, max_steps=3)
    assert all(torch.equal(value, before[key]) for key, value in model.classifier.state_dict().items())
    assert all(parameter.grad is None for parameter in model.classifier.parameters())


def test_learning_works_where_gradients_are_off(model, learnt):
    with torch.no_grad():
        assert relearning(model, OWN[:4], OWN[4:], OTHERS, **QUICK) == learnt[0]


def test_each_start_has_a_row_of_its_own(model):
    found = relearning(model, OWN[:4], OWN[4:], OTHERS, starts=3, max_steps=100, rate=0.01)
    assert len(found.runs) == 3
    assert len(set(found.runs)) > 1


def test_every_look_is_reported(learnt):
    found, events = learnt
    assert [(event.done, event.values["recognised"]) for event in events] == list(found.curve)
    assert [event.final for event in events] == [False] * (len(events) - 1) + [True]


def test_one_looks_after_every_step_at_first_and_then_less_often():
    looks = list(asked._looks(200))
    assert looks[:6] == [0, 1, 2, 3, 4, 5]
    assert looks[-1] == 200
    assert all(1 <= after - before <= max(1, 0.25 * after) for before, after in pairwise(looks))


def test_only_as_many_photos_as_asked_for_are_learnt_from(model):
    few = relearning(model, OWN[:1], OWN[4:], OTHERS, **QUICK)
    asked_for = relearning(model, OWN[:4], OWN[4:], OTHERS, **QUICK, photos=1)
    assert few == asked_for
    assert asked_for.learnt_from == 1


@pytest.mark.parametrize(
    ("learn", "probe", "strangers", "why"),
    [(0, 2, 60, "photos to learn from"), (2, 0, 60, "other photos"), (2, 2, 49, "needs 50 photos of strangers")],
)
def test_what_is_missing_is_said(model, learn, probe, strangers, why):
    found = relearning(model, OWN[:learn], OWN[4 : 4 + probe], OTHERS[:strangers])
    assert not found.reached
    assert not found.never
    assert why in found.steps.note
