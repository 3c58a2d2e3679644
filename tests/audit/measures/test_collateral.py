from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from synthetic_people import made_up_view, photos_of, projected_out
from torch.nn import functional

from faceforget.audit.estimates import Rate, plain
from faceforget.audit.measures import collateral as question
from faceforget.audit.measures.accuracy import accuracies, named_rightly
from faceforget.audit.measures.collateral import collateral
from faceforget.audit.view import Groups


@pytest.fixture(scope="module")
def view(recognizer):
    return made_up_view(recognizer, spread=1.4, retained=8)


@pytest.fixture(scope="module")
def before(view):
    return replace(view, used=view.model)


def with_retained(view, **changed):
    """Some retained people's photos in the other model."""
    photos = view.embeddings
    return replace(view, embeddings=replace(photos, retained={**photos.retained, **changed}))


def test_identical_models_cost_nothing(before):
    found = collateral(before, before)
    for change in (found.accuracy_change, found.named_change, found.strangers_nearest_change):
        assert change.value == 0
        assert change.interval == (0, 0)
    assert found.became_unknown.hits == 0
    assert found.strangers_named.before == found.strangers_named.after


def test_a_deleted_row_costs_nobody_anything(before, view):
    found = collateral(before, view)
    assert found.accuracy_change.value == 0
    assert found.forgotten_named.before.value > 0.8
    assert found.forgotten_named.after.value < 0.3


def test_a_direction_that_is_projected_out_costs_little(before, view):
    found = collateral(before, projected_out(view))
    assert found.accuracy_change.value == pytest.approx(0, abs=0.05)
    assert found.strangers_nearest_change.value == pytest.approx(0, abs=0.1)


def test_who_loses_most_is_found(before, view):
    """R3's photos become somebody else's, R5's half of them."""
    r5 = torch.cat([view.embeddings.retained["R5"][:4], view.embeddings.retained["R0"][:4]])
    after = with_retained(view, R3=view.embeddings.retained["R0"], R5=r5)
    found = collateral(before, after)
    assert (found.worst.name, found.worst.number) == ("R3", 5)
    assert found.worst.accuracy.before.value > 0.9
    assert found.worst.accuracy.after.value == 0
    assert found.accuracy_change.value == pytest.approx(-12 / 64, abs=0.02)
    low, high = found.accuracy_change.interval
    assert low < found.accuracy_change.value < high <= 0


def test_of_equal_losses_the_less_accurate_one_is_worst(before, view):
    swapped = view.embeddings.retained["R0"]
    half = torch.cat([view.embeddings.retained["R2"][:4], swapped[:4]])
    found = collateral(with_retained(before, R2=half), with_retained(view, R2=swapped, R4=half[4:].repeat(2, 1)))
    assert found.worst.name == "R4"
    quarter = torch.cat([view.embeddings.retained["R4"][:4], swapped[:4]])
    found = collateral(with_retained(before, R2=half), with_retained(view, R2=swapped, R4=quarter))
    assert found.worst.name == "R2"


def test_changes_agree_with_the_accuracies(before, view):
    after = projected_out(view)
    noise = photos_of(torch.zeros(128), 8, 1.0, torch.Generator().manual_seed(9))
    after = with_retained(after, R1=noise)
    old, new, found = accuracies(before), accuracies(after), collateral(before, after)
    assert found.named_change.value == pytest.approx(new.retained_named.value - old.retained_named.value)
    assert found.strangers_named.after == new.strangers_named
    named = named_rightly(before.used, {"R1": before.embeddings.retained["R1"]})
    assert found.retained_unknown.after.hits >= 8
    assert found.became_unknown.hits >= named.hits > 0


def test_look_alikes_are_the_nearest_rows(before, view):
    rows = functional.normalize(view.model.classifier.head.weight.double(), dim=1)
    rows[4] = functional.normalize(rows[0] + 0.1 * rows[4], dim=0)
    cosines = (rows[1:] @ rows[0]).numpy()
    model = view.model.with_head(rows.float(), view.model.labels)
    found = collateral(replace(before, model=model), view).look_alikes
    assert [alike.name for alike in found] == [f"R{i}" for i in np.argsort(-cosines)[:5]]
    assert found[0].name == "R3"
    assert found[0].similarity == pytest.approx(cosines.max(), abs=1e-5)
    assert {alike.erased for alike in found} == {"E"}


def test_strangers_agree_with_scikit_learn(before, monkeypatch):
    """With the photos in their order, the first three are the gallery."""

    class InOrder:
        def permutation(self, count):
            return np.arange(count)

    monkeypatch.setattr(question.np.random, "default_rng", lambda seed: InOrder())
    found = question._nearest(before, 0)
    strangers = before.embeddings.strangers
    nearest = KNeighborsClassifier(1).fit(
        np.concatenate([own[:3] for own in strangers.values()]), np.repeat(list(strangers), 3)
    )
    assert {name: flags.tolist() for name, flags in found.items()} == {
        name: (nearest.predict(own[3:].numpy()) == name).tolist() for name, own in strangers.items()
    }


def test_strangers_who_are_no_longer_told_apart_are_seen(before, view):
    noise = photos_of(torch.zeros(128), 96, 1.0, torch.Generator().manual_seed(9)).split(8)
    strangers = dict(zip(view.embeddings.strangers, noise, strict=True))
    found = collateral(before, replace(view, embeddings=replace(view.embeddings, strangers=strangers)))
    assert found.strangers_nearest.before.value > 0.8
    assert found.strangers_nearest.after.value < 0.3
    assert found.strangers_nearest_change.interval[1] < 0


def test_a_lax_threshold_names_everybody(before, view):
    lax = replace(view, used=replace(view.used, threshold=replace(view.used.threshold, cosine=-1.0)))
    found = collateral(before, lax)
    assert found.strangers_named.after.value == found.forgotten_named.after.value == 1
    assert found.retained_unknown.after.hits == 0


def test_without_others_it_is_said(before, view):
    alone = Groups(view.embeddings.forgotten)
    found = collateral(replace(before, embeddings=alone), replace(view, embeddings=alone))
    assert found.look_alikes == ()
    assert found.worst is None
    assert "needs" in found.accuracy_change.note
    assert "needs" in found.strangers_nearest.before.note
    assert plain(found)["strangers_named"] == {"before": None, "after": None, "reference": None}


def test_a_model_without_anybody_left_names_nobody(before, view):
    empty = replace(view, used=view.used.with_head(torch.zeros(0, 128), ()))
    found = collateral(before, empty)
    assert found.strangers_named.after.hits == 0
    assert found.retained_unknown.after == Rate(64, 64)
