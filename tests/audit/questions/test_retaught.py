"""Relearning as an audit asks it: of which models, told from whom, and what a verdict may make of it."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from faceforget.audit.compared import look_at_all
from faceforget.audit.estimates import Estimate, Sides
from faceforget.audit.measures.relearning import Relearning
from faceforget.audit.questions import relearning as question
from faceforget.audit.questions.relearning import figure_of, retaught
from faceforget.audit.thresholds import thresholds
from faceforget.audit.verdict import judge
from faceforget.audit.view import Faces
from faceforget.unlearn.layers.scatter import Scatter

RULE = {"unrecognisable": {"relearned": thresholds()["unrecognisable"]["relearned"]}}
NEVER, MISSING = "never", "missing"


def taking(steps, budget=200):
    """A result: so many steps, never within the budget, or not tried at all."""
    if steps == MISSING:
        return Relearning(Estimate(None, 8, note="too few photos"))
    if steps == NEVER:
        return Relearning(Estimate(None, 8, note="not within 200 steps"), (None,) * 3, budget)
    return Relearning(Estimate(steps, 8), (steps,) * 3, budget)


@pytest.mark.parametrize(
    ("after", "reference", "outcome"),
    [
        (30, 20, "passed"),
        (12, 20, "partial"),
        (5, 20, "failed"),
        (NEVER, 20, "passed"),
        (NEVER, NEVER, "not measured"),
        (30, NEVER, "failed"),
        (150, NEVER, "not measured"),
        (200, NEVER, "not measured"),
        (MISSING, 20, "not measured"),
        (30, MISSING, "not measured"),
        (NEVER, MISSING, "not measured"),
    ],
)
def test_never_within_the_budget_is_a_bound_and_no_number(after, reference, outcome):
    """It is enough for the model after; a reference that was never learnt is longer than anybody knows."""
    figure = figure_of(Sides(taking(5), taking(after), taking(reference)))
    assert judge({"relearned": figure}, RULE).of("unrecognisable") == outcome


@pytest.fixture(scope="module")
def people(faces, names):
    """The first person, and eight strangers who are noise."""
    own, rng = faces.crops(names[0]), np.random.default_rng(0)
    strangers = {f"stranger {i}": rng.integers(0, 256, (7, *own.shape[1:]), dtype=np.uint8) for i in range(8)}
    return Faces({names[0]: own[3:]}, {names[0]: own[:3]}, {}, strangers)


@pytest.fixture
def asked(monkeypatch):
    """Who was taught to what, told from how many: in place of the teaching, which takes long."""
    calls = []

    def answer(model, learn, probe, strangers, **_):
        layered = isinstance(model.classifier.embedder.scatter, Scatter)
        calls.append((layered, len(learn), strangers))
        return taking(NEVER if layered else 9)

    monkeypatch.setattr(question, "relearning", answer)
    return calls


def with_layer(model):
    """The model as after an erasure: with noise in one place."""
    size = model.spec.embedding_size
    cone = functional.normalize(torch.ones(1, size), dim=1), torch.tensor([0.9])
    classifier = copy.deepcopy(model.classifier)
    classifier.embedder.scatter = Scatter.nowhere(size, torch.Generator().manual_seed(0)).around(*cone)
    return replace(model, classifier=classifier.requires_grad_(False))


def compared(recognizer, people, names, *, layer=False, retrained=False):
    bare = recognizer.without(names[:1])
    after = with_layer(bare) if layer else bare
    return look_at_all(recognizer, after, bare if retrained else None, people, depths=False)


def test_with_the_layer_taken_off_it_is_asked_again(recognizer, people, names, asked):
    found = retaught(compared(recognizer, people, names, layer=True), people)
    assert found.as_it_is.after.never
    assert found.as_it_is.reference.never
    assert found.layer_off.after.steps.value == found.layer_off.reference.steps.value == 9
    assert found.layer_off.before == found.as_it_is.before
    # Before is the model after without its layer, bit for bit: it is taught once. And three strangers to each.
    assert len(asked) == 2 + 2 * 3


def test_without_a_layer_there_is_nothing_to_take_off(recognizer, people, names, asked):
    assert retaught(compared(recognizer, people, names), people).layer_off is None


def test_the_person_is_told_from_strangers_who_are_not_taught(recognizer, people, names, asked):
    retaught(compared(recognizer, people, names), people)
    assert {len(strangers) for _, _, strangers in asked} == {5 * 7}
    retaught(compared(recognizer, people, names, retrained=True), people)
    assert len(asked[-1][2]) == 8 * 7
    assert {taught for _, taught, _ in asked} == {3, 5}


def test_without_strangers_it_says_so(recognizer, faces, names):
    own = faces.crops(names[0])
    alone = Faces({names[0]: own[3:]}, {names[0]: own[:3]})
    found = retaught(compared(recognizer, alone, names), alone)
    assert found.as_it_is.reference is None
    assert "photos of strangers" in found.as_it_is.after.steps.note
