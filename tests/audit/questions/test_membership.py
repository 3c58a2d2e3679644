from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.nn import functional

from faceforget.audit.estimates import Rate, plain
from faceforget.audit.questions.membership import auc_within, membership
from faceforget.audit.view import Groups, View
from faceforget.recognizer.head import CosineHead, FaceClassifier

PEOPLE = [f"P{number:02d}" for number in range(16)]
PERSON, OTHERS = PEOPLE[0], PEOPLE[1:]


def photos_at(angle, count, seed, size=32):
    """Unit embeddings of each person, about ``angle`` radians off their row (rows are unit vectors)."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.eye(len(PEOPLE), size)
    found = {}
    for index, name in enumerate(PEOPLE):
        noise = functional.normalize(torch.randn(count, size, generator=generator), dim=1)
        spread = angle * (1 + 0.1 * torch.randn(count, 1, generator=generator))
        found[name] = functional.normalize(rows[index] + spread.tan() * noise, dim=1)
    return found


@pytest.fixture(scope="module")
def model(recognizer):
    """Sixteen people whose rows are the first unit vectors."""
    head = CosineHead(torch.eye(len(PEOPLE), 32)).requires_grad_(False)
    classifier = FaceClassifier(recognizer.classifier.embedder, head).eval()
    return replace(recognizer, classifier=classifier, labels=tuple(PEOPLE))


def view_of(model, used, enrolled, unseen):
    strangers = {"S": unseen[PERSON][:10]}
    groups = Groups(
        {PERSON: unseen[PERSON]}, {PERSON: enrolled[PERSON]}, {name: unseen[name] for name in OTHERS}, strangers
    )
    return View(model, used, groups), {name: enrolled[name] for name in OTHERS}


@pytest.fixture(scope="module")
def overfitted(model):
    """Enrolled photos lie on their rows, unseen ones far away: as bad a leak as there can be."""
    return view_of(model, model, photos_at(0.2, 10, 1), photos_at(1.2, 10, 2))


@pytest.fixture(scope="module")
def alike(model):
    return view_of(model, model, photos_at(0.8, 20, 1), photos_at(0.8, 20, 2))


def test_a_model_that_learnt_its_photos_by_heart_gives_them_away(overfitted):
    found = membership(*overfitted)
    assert found.auc["confidence"].value == 1
    assert found.auc["modified_entropy"].value == 1
    assert found.judged_forget == Rate(10, 10)
    assert found.judged_unseen.value <= 0.2
    assert found.attack_accuracy.value > 0.9


def test_photos_that_are_alike_cannot_be_told_apart(alike):
    found = membership(*alike)
    for estimate in (*found.auc.values(), *found.auc_row_kept.values(), found.attack_accuracy):
        low, high = estimate.interval
        assert low < 0.5 < high
    assert found.judged_forget.interval[0] < found.judged_unseen.interval[1]


def test_an_erasure_that_fits_the_forget_photos_marks_them_too(model):
    """The forget photos end up further from the row than the unseen ones: an AUC of 0 is no better than 1."""
    enrolled, unseen = photos_at(1.3, 10, 1), photos_at(0.3, 10, 2)
    view, _ = view_of(model, model.without([PERSON]), enrolled, unseen)
    assert membership(view).auc_row_kept["confidence"].value == 0


def test_without_the_row_photos_are_scored_for_the_best_of_the_others(model, overfitted):
    view, members = overfitted
    dropped = replace(view, used=model.without([PERSON]))
    found = membership(dropped, members)
    logits = 16 * torch.cat([view.embeddings.forget_photos[PERSON], view.embeddings.forgotten[PERSON]])[:, 1:16]
    expected = roc_auc_score([1] * 10 + [0] * 10, logits.softmax(1).amax(1))
    assert found.auc["confidence"].value == pytest.approx(expected)
    assert found.auc_row_kept == membership(view).auc_row_kept


def test_the_control_alone_needs_nobody_else(overfitted):
    view, _ = overfitted
    alone = membership(replace(view, embeddings=replace(view.embeddings, retained={}, strangers={})))
    assert alone.auc == membership(view).auc
    assert alone.judged_forget.value is None
    assert "people who stay" in alone.judged_forget.note
    assert (alone.judged_forget.photos, alone.judged_unseen.photos) == (10, 10)


def test_a_stranger_has_no_row_and_is_measured_as_handed_out(alike):
    view, members = alike
    found = membership(view.as_if("S"), members)
    assert found.auc_row_kept["confidence"].value is None
    assert found.auc["confidence"].photos == 10
    assert found.judged_forget.photos == 6


def test_too_few_photos_are_said(overfitted):
    view, _ = overfitted
    few = replace(view.embeddings, forget_photos={PERSON: view.embeddings.forget_photos[PERSON][:2]})
    estimate = membership(replace(view, embeddings=few)).auc["confidence"]
    assert estimate.value is None
    assert "got 2 and 10" in estimate.note


def test_no_forget_photos_at_all(overfitted):
    view, members = overfitted
    found = membership(replace(view, embeddings=replace(view.embeddings, forget_photos={})), members)
    assert found.judged_forget.value is None
    assert found.judged_unseen.value is not None
    assert found.auc["confidence"].value is None


def test_the_same_seed_gives_the_same_numbers(alike):
    assert plain(membership(*alike, seed=3)) == plain(membership(*alike, seed=3))
    assert membership(*alike, seed=3) == membership(*alike, seed=3)


def test_auc_agrees_with_scikit_learn_ties_included(rng):
    high, low = rng.integers(2, 9, 30).astype(float), rng.integers(0, 7, 20).astype(float)
    estimate = auc_within([(high, low)])
    assert estimate.value == pytest.approx(roc_auc_score([1] * 30 + [0] * 20, np.concatenate([high, low])))
    assert estimate.interval[0] < estimate.value < estimate.interval[1]


def test_people_are_compared_with_themselves_only():
    """The second person's scores are all higher: pooled the AUC would be 0.75, within each it is 1."""
    ones = np.array([1.0, 1.0]), np.array([0.0, 0.0])
    assert auc_within([ones, (ones[0] + 5, ones[1] + 5)]).value == 1


def test_the_interval_of_the_auc_covers_the_truth():
    """Normals one standard deviation apart: the AUC is 0.760 (normal distribution at 1 / sqrt 2)."""
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        low, high = auc_within([(generator.normal(1, 1, 30), generator.normal(0, 1, 30))]).interval
        covered += low <= 0.7602 <= high
    assert 178 <= covered <= 199
