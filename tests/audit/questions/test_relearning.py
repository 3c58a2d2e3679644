import numpy as np
import pytest
import torch

from faceforget.audit.questions.relearning import _summary, relearning


@pytest.fixture(scope="module")
def without(recognizer, names):
    return recognizer.without(names[:1])


@pytest.fixture(scope="module")
def own(faces, names):
    return faces.crops(names[0])


@pytest.fixture(scope="module")
def learnt(without, own):
    events = []
    return relearning(without, own[:3], own[3:], starts=1, max_steps=40, rate=5e-4, progress=events.append), events


def test_a_person_is_learnt_and_the_steps_are_where_the_curve_crosses(learnt):
    found, _ = learnt
    assert found.reached
    first = next(step for step, share in enumerate(found.curve) if share >= 0.9)
    assert found.steps.value == first > 0
    assert found.steps.photos == found.learnt_from == 3
    low, high = found.steps.interval
    assert low <= first <= high


def test_steps_are_the_mean_over_the_starts_and_finished_ones_stay_where_they_got():
    """Three photos; the first start gets there after one step, the second after three."""
    none, some, every = [False] * 3, [True, False, False], [True] * 3
    runs = [np.array([none, every]), np.array([none, some, some, every])]
    found = _summary(runs, 5, 10, 0)
    assert (found.steps.value, found.reached, found.learnt_from) == (2.0, True, 5)
    assert found.curve == pytest.approx([0, 2 / 3, 2 / 3, 1])


def test_a_start_that_fails_counts_as_all_its_steps_and_is_said():
    every, none = [[True] * 3], [[False] * 3]
    found = _summary([np.array(none + every), np.array(none * 11)], 5, 10, 0)
    assert found.steps.value == (1 + 10) / 2
    assert not found.reached
    assert found.steps.interval is None
    assert "1 of 2 starts" in found.steps.note


def test_the_given_model_is_not_changed(without, own):
    weights, training = without.weights_hash(), without.classifier.training
    relearning(without, own[:2], own[2:4], starts=1, max_steps=3)
    assert without.weights_hash() == weights
    assert without.classifier.training == training
    assert all(parameter.grad is None for parameter in without.classifier.parameters())


def test_learning_works_where_gradients_are_off(without, own):
    with torch.no_grad():
        found = relearning(without, own[:2], own[2:4], starts=1, max_steps=3)
    assert len(found.curve) == 4


def test_the_same_seed_gives_the_same_numbers(without, own):
    first, second = (relearning(without, own[:2], own[2:4], starts=2, max_steps=3, seed=7) for _ in range(2))
    assert first == second


def test_giving_up_is_said(without, own):
    double = without.with_head(without.embed(own).mean(0, keepdim=True), ("somebody just like them",))
    found = relearning(double, own[:1], own[1:], max_steps=1)
    assert not found.reached
    assert found.steps.value == 1
    assert found.steps.interval is None
    assert "not within 1 steps from 3 of 3 starts" in found.steps.note


def test_every_step_is_reported(learnt):
    found, events = learnt
    assert [event.values["recognised"] for event in events] == list(found.curve)
    assert [event.final for event in events] == [False] * (len(events) - 1) + [True]


def test_only_as_many_photos_as_asked_for_are_learnt_from(without, own):
    few = relearning(without, own[:1], own[4:], starts=1, max_steps=2)
    asked = relearning(without, own[:3], own[4:], photos=1, starts=1, max_steps=2)
    assert few == asked
    assert asked.learnt_from == 1


@pytest.mark.parametrize(("learn", "probe"), [(slice(0, 0), slice(2, 4)), (slice(0, 2), slice(0, 0))])
def test_no_photos_are_said(without, own, learn, probe):
    found = relearning(without, own[learn], own[probe])
    assert found.steps.value is None
    assert "needed" in found.steps.note
