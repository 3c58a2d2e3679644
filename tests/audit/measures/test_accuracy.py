from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from faceforget.audit import looking
from faceforget.audit.classifier import check_classifier
from faceforget.audit.estimates import Rate
from faceforget.audit.measures.accuracy import (
    absorbed_by,
    accuracy,
    closed_set_accuracy,
    named_rightly,
    named_share,
    with_rows_of,
)
from faceforget.audit.view import Faces
from faceforget.errors import ModelFileError, UnknownPersonError
from faceforget.recognizer.head import to_images
from faceforget.recognizer.recognizer import UNKNOWN, Threshold


@pytest.fixture(scope="module")
def people(faces):
    return {name: faces.crops(name) for name in faces.photos}


@pytest.fixture(scope="module")
def embedded(recognizer, people):
    return {name: recognizer.embed(crops) for name, crops in people.items()}


@pytest.mark.parametrize(
    ("hits", "photos", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_wilson_intervals_agree_with_published_values(hits, photos, low, high):
    """Newcombe 1998 and Brown, Cai & DasGupta 2001."""
    assert Rate(hits, photos).interval == pytest.approx((low, high), abs=5e-4)


def test_no_photos_are_not_a_zero():
    assert Rate(0, 0).value is None
    assert Rate(0, 0).interval is None


def test_accuracy_counts_the_best_row():
    assert closed_set_accuracy(torch.tensor([[0.9, 0.1], [0.2, 0.3], [0.5, 0.4]]), [0, 1, 1]) == Rate(2, 3)


def test_identical_models_give_identical_numbers(recognizer, people, names):
    faces = Faces(
        {names[0]: people[names[0]]}, retained={n: people[n] for n in names[1:]}, strangers={"A": people[names[0]]}
    )
    report = check_classifier(recognizer, recognizer, faces)
    assert report.accuracy.before == report.accuracy.after
    assert not report.rows_removed


def test_dropping_the_row_changes_nothing_once_it_is_put_back(recognizer, people, names):
    """The trivial erasure: without the row nobody is named, with it everything is as before."""
    dropped = recognizer.without([names[0]])
    report = check_classifier(recognizer, dropped, Faces({names[0]: people[names[0]]}))
    assert report.accuracy.before.forgotten == report.accuracy.after.forgotten
    assert report.rows_removed
    assert names[0] not in report.accuracy.after.absorbed_by
    assert sum(report.accuracy.after.absorbed_by.values()) == pytest.approx(1)


def test_rows_that_take_photos_from_the_person_are_seen(recognizer, people, names):
    """The other rows become three of the person's own photos: those three go there, whatever the old row."""
    rows = torch.cat([recognizer.classifier.head.weight[:1], recognizer.embed(people[names[0]][:3])])
    stolen = recognizer.with_head(rows.detach(), recognizer.labels)
    report = check_classifier(recognizer, stolen.without([names[0]]), Faces({names[0]: people[names[0]]}))
    assert report.accuracy.after.forgotten.value <= 0.5 < report.accuracy.before.forgotten.value


def test_rows_are_put_back_in_the_order_of_before(recognizer, names):
    restored = with_rows_of(recognizer, recognizer.without([names[1]]))
    assert restored.labels == recognizer.labels
    expected = functional.normalize(recognizer.classifier.head.weight, dim=1)
    assert torch.allclose(restored.classifier.head.weight, expected, atol=1e-6)


def test_models_that_do_not_belong_together_are_refused(recognizer):
    other = replace(recognizer, labels=("A", "B", "C", "D"))
    with pytest.raises(ModelFileError, match="not made from BEFORE"):
        with_rows_of(recognizer, other)


def test_a_person_whom_before_does_not_know(recognizer, people, names):
    with pytest.raises(UnknownPersonError):
        check_classifier(recognizer, recognizer, Faces({"Nobody": people[names[0]]}))


def test_photos_go_to_unknown_when_nobody_is_near_enough(recognizer, embedded, names):
    strict = replace(recognizer, threshold=Threshold(1.0, 0.0, "test"))
    assert absorbed_by(strict, embedded[names[0]]) == {UNKNOWN: 1.0}
    assert named_share(strict, embedded[names[0]]) == Rate(0, 6)


def test_a_right_candidate_who_is_not_similar_enough_is_not_named(recognizer, embedded):
    strict = replace(recognizer, threshold=Threshold(1.0, 0.0, "test"))
    lax = replace(recognizer, threshold=Threshold(-1.0, 1.0, "test"))
    assert named_rightly(strict, embedded) == Rate(0, 24)
    assert named_rightly(lax, embedded) == accuracy(lax, embedded)


def test_accuracy_of_everybody(recognizer, embedded):
    assert accuracy(recognizer, embedded).photos == 24


def test_the_report_is_plain_json_values(recognizer, people, names):
    content = check_classifier(
        recognizer, recognizer.without([names[0]]), Faces({names[0]: people[names[0]]})
    ).to_dict()
    assert content["accuracy"]["before"]["retained"] is None
    assert 0 <= content["accuracy"]["after"]["forgotten"] <= 1
    assert content["people"] == [names[0]]
    assert content["photos"]["forgotten"] == 6
    assert not any(isinstance(value, np.generic) for value in content["absorbed_by"].values())


def test_every_photo_is_embedded_once_per_network_with_progress(recognizer, people, names, monkeypatch):
    seen, events = [], []
    monkeypatch.setattr(looking, "to_images", lambda crops, device: seen.append(len(crops)) or to_images(crops, device))
    retained = {name: people[name] for name in names[1:]}
    faces = Faces({names[0]: people[names[0]]}, retained=retained, strangers={"A": people[names[0]]})
    check_classifier(recognizer, recognizer.without([names[0]]), faces, progress=events.append)
    assert sum(seen) == 24  # a dropped row leaves the network as it was, and the stranger is the person
    assert {event.stage for event in events if event.final} == {
        "checking before", "checking after",
    }  # fmt: skip
