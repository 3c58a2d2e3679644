"""What can be chosen on the page Forget, and what the page says of it."""

import re
from base64 import b64decode

import pytest

from app.curves import curves, points_of
from app.jobs import StageProgress
from app.methods import CHOICES, caveat, method_of, not_kept, reads_anchors, refusal, takes_steps, title, words
from faceforget.api.method_words import METHOD_OF_PROMISE, caveat_of
from faceforget.errors import DestroyedModelError, NotForgottenError, UsageError
from faceforget.report.curves import CURVES, line
from faceforget.unlearn.data import Step
from faceforget.unlearn.registry import METHODS

NAMES = [choice.name for choice in CHOICES]


def test_the_list_is_short_and_begins_with_delete():
    assert NAMES[0] == "delete"
    assert len(NAMES) == len(set(NAMES)) <= 8
    assert set(METHOD_OF_PROMISE.values()) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_method_to_choose_needs_nobody_elses_photos_and_says_what_it_reads(name):
    reads = METHODS[name].reads
    assert set(reads) <= {"nothing", "forget photos", "anchors"}
    assert ("their photos" in words(name).split("Reads")[-1]) == ("forget photos" in reads)
    assert ("rendered people" in words(name)) == reads_anchors(name) == ("anchors" in reads)


@pytest.mark.parametrize("name", NAMES)
def test_what_to_know_of_a_method_is_said_in_its_own_name(name):
    heading, text = caveat(name)
    assert bool(heading) == bool(text)
    assert caveat_of(name).removeprefix(name) in text
    assert name not in text.split()
    assert text or not next(choice for choice in CHOICES if choice.name == name).baseline


def test_the_promise_decides_where_nobody_chose():
    assert {promise: method_of(promise, None) for promise in METHOD_OF_PROMISE} == METHOD_OF_PROMISE
    assert method_of("forgotten", "delete") == "delete"


def test_only_the_promise_s_own_method_is_said_to_keep_unrecognisable():
    assert [name for name in NAMES if not not_kept("unrecognisable", name)[0]] == ["dispersed"]
    assert "DELETE is not made to keep this promise." in not_kept("unrecognisable", "delete")


def test_the_baselines_are_said_not_to_keep_forgotten():
    unkept = [name for name in NAMES if not_kept("forgotten", name)[0]]
    assert unkept == ["random_label", "boundary_shrink", "head_only", "drop_row"]


@pytest.mark.parametrize("name", NAMES)
def test_there_are_curves_where_the_method_takes_steps(name):
    assert takes_steps(name) == hasattr(METHODS[name]().settings, "max_steps")


def test_a_destroyed_model_is_said_in_the_words_of_the_page():
    found = refusal(DestroyedModelError("x", "y", code="destroyed-model", left=0.031, least=0.8), "random_label")
    assert found.message == "Random label would have destroyed the model, so nothing was erased."
    assert "agrees to 0.03" in found.todo
    assert "below 0.8" in found.todo
    assert "allow_damage" not in str(found)


def test_a_person_who_was_not_forgotten_too():
    found = refusal(NotForgottenError("x", code="not-forgotten", advice="max_steps=2"), "boundary_shrink")
    assert found.message.startswith("Boundary shrink did not make the model forget them")
    other = UsageError("Too few.", "Add some.")
    assert refusal(other, "delete") is other


def test_a_method_that_cannot_be_chosen_keeps_its_name():
    assert title("scrub") == "scrub"


STEPS = [Step(n, 5 / n, 5 / n, 0.1 - 0.1 / n, 1 / n) for n in range(1, 601)]


def test_the_curves_say_where_they_began_and_where_they_are():
    found = curves(points_of(STEPS), 600)
    values = re.findall(r'data-curve="(\w+)".*?class="value">(.*?)<span.*?</span>(.*?)<', found)
    assert values == [
        ("forgetting", "5", "0.0083"),
        ("retention", "≈\u00a00", "0.1"),
        ("probability_left", "100\u00a0%", "0.2\u00a0%"),
    ]


def test_a_curve_ends_at_its_last_step_and_halfway_where_there_are_as_many_to_come():
    def ends(values, budget):
        drawn = re.search(r'points="([^"]+)"', line(CURVES[0], values, budget))[1].split()
        return [float(drawn[place].split(",")[0]) for place in (0, -1)]

    first, last = ends([1.0] * 600, 600)
    assert ends([1.0], 600) == [first, first]
    assert ends([1.0] * 25, 625)[1] == pytest.approx((first + last) / 2, abs=0.1)  # 25² = 625


def test_a_curve_of_many_steps_stays_small():
    images = re.findall(r"base64,([^\"]+)", curves(points_of(STEPS), 600))
    assert all(len(b64decode(image)) < 6000 for image in images)


def test_before_the_first_step_the_curves_are_empty():
    assert curves([], 0).count("…<span") == len(CURVES)


def test_seconds_left_follow_the_pace_so_far():
    assert StageProgress("erasing", 101, 601, first=1, seconds=2.0).seconds_left == pytest.approx(10.0)
    assert StageProgress("erasing", 601, 601, first=1, seconds=2.0).seconds_left == 0
    assert StageProgress("erasing", 1, 601, first=1).seconds_left is None
    assert StageProgress("asking", 5, None, first=1, seconds=2.0).seconds_left is None
