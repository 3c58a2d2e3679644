"""What the figures rest on: photos of the person, a model that tells people apart, the model before the whole list."""

from dataclasses import replace

import pytest
import torch

from faceforget.audit.compared import look_at_all
from faceforget.audit.estimates import Estimate, Sides
from faceforget.audit.looking import Memory, look
from faceforget.audit.measures.verification import Verification
from faceforget.audit.promises import keep_promises
from faceforget.audit.question import Material
from faceforget.audit.questions.reenrolment import Recognised
from faceforget.audit.registry import questions
from faceforget.audit.shares import change_surely
from faceforget.audit.view import Faces

FAR = "tar_far_0.001"


@pytest.fixture(scope="module")
def memory():
    return Memory()


def promises(before, after, faces, memory, origin=None):
    compared = look_at_all(before, after, None, faces, depths=False, memory=memory)
    seen = None if origin is None else look(origin, origin, faces, depths=False, memory=memory)
    return keep_promises(compared, faces, origin=seen).verdict


def test_photos_of_somebody_else_show_nothing_about_the_person(recognizer, faces, names, memory):
    """The model named the person on none of them before, so that it names nobody after is no finding."""
    asked = Faces({names[0]: faces.crops(names[1])})
    verdict = promises(recognizer, recognizer.without(names[:1]), asked, memory)
    assert verdict.of("forgotten") == verdict.of("unrecognisable") == "not measured"
    assert "named the person on 0 of 6 of these photos" in verdict.reason("forgotten")


def test_one_of_several_persons_is_enough_to_know_nothing(recognizer, faces, names, memory):
    asked = Faces({names[0]: faces.crops(names[0]), names[1]: faces.crops(names[2])})
    verdict = promises(recognizer, recognizer.without(names[:2]), asked, memory)
    assert verdict.reason("forgotten") == "the model before did not name 1 of 2 persons on most of these photos"


def test_what_the_list_has_cost_so_far_counts_in_each_of_its_steps(recognizer, faces, names, memory):
    """A step that costs nobody anything, of a list that has cost somebody everything."""
    rows = recognizer.classifier.head.weight.detach().clone()
    rows[3] = -rows[3]
    step = recognizer.with_head(rows, recognizer.labels)
    asked = Faces({names[0]: faces.crops(names[0])}, {}, {name: faces.crops(name) for name in names[1:]})
    after = step.without(names[:1])
    assert promises(step, after, asked, memory).of("others_kept") == "too few photos to say"
    assert promises(step, after, asked, memory, origin=recognizer).of("others_kept") == "failed"


def answers(before, after, reference):
    """Two photos of a stranger match in these shares, and strangers are recognised again in that one."""
    none = dict.fromkeys([FAR], Estimate(None, 0))
    sides = [Verification(none, none, {FAR: Estimate(tar, 60)}, none, {}, {}, "", 0) for tar in (before, after)]
    again = {"5": Estimate(1.0, 8)}
    beside = None if reference is None else {"5": Estimate(reference, 40)}
    return {"verification": Sides(*sides), "reenrolment": Recognised(Sides(again, again, beside), None)}


@pytest.mark.parametrize(
    ("before", "after", "reference", "words"),
    [
        (0.93, 0.93, 0.98, ""),
        (0.93, 0.83, 0.98, ""),
        (0.93, 0.82, 0.98, "match in 82 % and not in 93 %"),
        (0.93, 0.36, 0.98, "no longer tells people apart"),
        (0.93, 0.93, 0.40, "of others, too, only 40 %"),
        (None, None, 0.98, ""),
        (None, None, None, ""),
    ],
)
def test_a_model_that_tells_nobody_apart_shows_nothing_about_the_person(before, after, reference, words):
    material = Material(None, None, None)
    material.answers.update(answers(before, after, reference))
    found = {
        question.name: question.collapse(material) for question in questions() if question.name in material.answers
    }
    told = found["verification"] or found["reenrolment"]
    assert words in told
    assert bool(words) == bool(told)


def test_where_no_photo_changed_the_interval_is_not_without_width():
    """Of 24 photos that stayed right, up to 14 % may not stay so: 1 minus Wilson's interval of 24 of 24."""
    right = {"Ada": torch.ones(12, dtype=torch.bool).numpy(), "Bo": torch.ones(12, dtype=torch.bool).numpy()}
    found = change_surely(right, right)
    assert (found.value, found.photos) == (0, 24)
    assert found.interval[0] == pytest.approx(-0.138, abs=0.001)


def test_a_change_of_the_same_photos_is_not_two_numbers_apart():
    """All of 200 photos stay as they were, half of them wrong: the interval is that of nobody changing."""
    half = {"Ada": (torch.arange(200) % 2 == 0).numpy()}
    low, high = change_surely(half, half).interval
    assert -0.03 < low < 0 < high < 0.03
    assert change_surely({}, {}) is None


def test_rendered_strangers_are_said_to_be_rendered(recognizer, faces, names, memory):
    asked = Faces({names[0]: faces.crops(names[0])}, strangers={name: faces.crops(name) for name in names[1:]})
    after = recognizer.without(names[:1])
    compared = look_at_all(recognizer, after, None, asked, depths=False, rendered=True, memory=memory)
    assert compared.reference == "3 rendered strangers in the person's place, in the model after"
    assert replace(compared, rendered=False).reference.startswith("3 strangers")
