from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_curve
from synthetic_people import made_up_view, photos_of, projected_out, with_forgotten

from faceforget.audit.estimates import Rate, plain
from faceforget.audit.measures import pairs
from faceforget.audit.measures.pairs import impostor_scores, pairs_by_person, pairs_by_photo
from faceforget.audit.measures.verification import verification
from faceforget.audit.view import Groups

KEYS = ["tar_far_0.01", "tar_far_0.001", "eer"]


@pytest.fixture(scope="module")
def view(recognizer):
    return made_up_view(recognizer, spread=1.4, strangers=30)


@pytest.fixture(scope="module")
def found(view):
    return verification(view)


def scores_by_hand(people):
    """Genuine and impostor cosines, pair by pair in float64."""
    photos = [(name, photo.double()) for name, own in people.items() for photo in own]
    genuine = [float(a @ b) for (x, a), (y, b) in combinations(photos, 2) if x == y]
    return np.array(genuine), np.array([float(a @ b) for (x, a), (y, b) in combinations(photos, 2) if x != y])


@pytest.mark.parametrize("group", ["forgotten", "retained", "strangers"])
def test_tar_agrees_with_scikit_learn_pair_by_pair(view, found, group):
    _, impostor = scores_by_hand(view.embeddings.strangers)
    genuine, _ = scores_by_hand(getattr(view.embeddings, group))
    truth = np.r_[np.ones(len(genuine)), np.zeros(len(impostor))]
    fars, tars, _ = roc_curve(truth, np.r_[genuine, impostor], drop_intermediate=False)
    for far in (0.01, 0.001):
        assert getattr(found, group)[f"tar_far_{far}"].value == pytest.approx(tars[fars <= far].max(), abs=1e-6)


def test_the_false_accept_rate_is_kept_and_used(view, found):
    _, impostor = scores_by_hand(view.embeddings.strangers)
    assert found.impostor_pairs == len(impostor) == 30 * 29 // 2 * 64
    for far in (0.01, 0.001):
        share = (impostor > found.thresholds[f"far_{far}"] + 1e-7).mean()
        assert far - 2 / len(impostor) < share <= far


def test_intervals_hold_their_value(found):
    for group in (found.forgotten, found.retained, found.strangers, found.forgotten_accepted):
        for estimate in group.values():
            low, high = estimate.interval
            assert 0 <= low <= estimate.value <= high <= 1
            assert low < high


def test_photos_are_resampled_and_not_pairs(recognizer):
    """Two photos of eight are of nobody: with 28 pairs as if independent the interval would be far smaller."""
    view = made_up_view(recognizer, strangers=30)
    photos = view.embeddings.forgotten["E"].clone()
    photos[:2] = photos_of(torch.zeros(128), 2, 1.0, torch.Generator().manual_seed(5))
    tar = verification(with_forgotten(view, photos)).forgotten["tar_far_0.01"]
    assert tar.value == pytest.approx(15 / 28, abs=0.04)
    pairs_low, pairs_high = Rate(15, 28).interval
    assert tar.interval[1] - tar.interval[0] > 1.3 * (pairs_high - pairs_low)


def test_a_perfect_model_is_not_sure_from_eight_photos(recognizer):
    found = verification(made_up_view(recognizer, spread=0.3, strangers=30))
    assert found.forgotten["tar_far_0.001"].value == 1
    assert found.forgotten["eer"].value == 0
    assert found.forgotten["tar_far_0.001"].interval == pytest.approx(Rate(8, 8).interval)


def test_a_person_whose_photos_look_like_anybody(view):
    """Only the person is gone: their TAR comes down to FAR, the others keep theirs."""
    noise = photos_of(torch.zeros(128), 60, 1.0, torch.Generator().manual_seed(1))
    erased = verification(with_forgotten(view, noise))
    assert erased.forgotten["tar_far_0.01"].value < 0.05
    assert erased.forgotten["eer"].value == pytest.approx(0.5, abs=0.05)
    assert erased.strangers == verification(view).strangers


def test_a_direction_that_is_projected_out_of_everything_costs_the_person_alone(view, found):
    erased = verification(projected_out(view))
    assert erased.forgotten["tar_far_0.01"].value < 0.2 < found.forgotten["tar_far_0.01"].value
    assert erased.strangers["tar_far_0.01"].value == pytest.approx(found.strangers["tar_far_0.01"].value, abs=0.05)


def test_a_deleted_row_changes_nothing(view, found):
    assert verification(replace(view, used=view.model)) == found


def test_a_collapsed_model_tells_nobody_apart(view):
    same = view.embeddings.map(lambda own: torch.ones_like(own) / 128**0.5)
    found = verification(replace(view, embeddings=same))
    assert found.strangers["tar_far_0.01"].value == 0
    assert found.strangers["eer"].value == 0.5


def test_strangers_are_accepted_as_the_person_at_the_stated_rate(found):
    assert found.forgotten_accepted["far_0.01"].value == pytest.approx(0.01, abs=0.02)


def test_histograms_hold_every_pair(found):
    assert {group: sum(counts) for group, counts in found.histograms.items()} == {
        "forgotten": 28,
        "retained": 6 * 28,
        "strangers": 30 * 28,
        "impostors": found.impostor_pairs,
    }
    assert {len(counts) for counts in found.histograms.values()} == {80}


def test_few_strangers_are_said(recognizer):
    found = verification(made_up_view(recognizer, strangers=3))
    assert found.forgotten["tar_far_0.001"].value is None
    assert found.forgotten["tar_far_0.001"].note == "192 impostor pairs cannot show a FAR of 0.001"
    assert found.forgotten["tar_far_0.01"].note == "the threshold rests on 1 of 192 impostor pairs"
    assert found.thresholds["far_0.001"] is None
    assert list(found.forgotten) == KEYS


def test_without_strangers_retained_people_are_the_impostors(view):
    photos = view.embeddings
    found = verification(replace(view, embeddings=replace(photos, strangers={})))
    assert found.impostors == "retained"
    assert "not strangers" in found.forgotten["eer"].note
    assert found.strangers["eer"].value is None
    assert found.forgotten_accepted["far_0.01"].value is not None


def test_without_anybody_else_nothing_is_measured(view):
    found = verification(replace(view, embeddings=Groups(view.embeddings.forgotten)))
    assert found.impostors == ""
    assert found.forgotten["eer"].note == "needs photos of two other people"
    assert plain(found.forgotten) == dict.fromkeys(KEYS)


def test_one_photo_makes_no_pair(view):
    found = verification(with_forgotten(view, view.embeddings.forgotten["E"][:1]))
    assert found.forgotten["eer"].note == "needs two photos of one person"


def test_pairs_of_two_erased_persons_are_not_genuine(view):
    strangers = view.embeddings.strangers
    edges = np.linspace(-1, 1, 2001)
    genuine, _ = scores_by_hand({"A": strangers["S0"], "B": strangers["S1"]})
    for of in (pairs_by_photo, pairs_by_person):
        two = of({"A": strangers["S0"], "B": strangers["S1"]}, edges)
        assert np.sort(two.scores) == pytest.approx(np.sort(genuine), abs=1e-6)
        everything = two.rejected(np.arange(two.units))
        assert everything == pytest.approx((genuine[:, None] <= edges).mean(0), abs=0.02)
        assert everything[-1] == 1


def test_one_photo_drawn_again_and_again_makes_no_pair(view):
    drawn = pairs_by_photo(view.embeddings.forgotten, np.linspace(-1, 1, 11)).rejected(np.zeros(8, dtype=int))
    assert np.isnan(drawn).all()


def test_of_very_many_photos_a_part_makes_impostor_pairs(view, monkeypatch):
    monkeypatch.setattr(pairs, "_MOST_PHOTOS", 50)
    few = impostor_scores(view.embeddings.strangers, seed=0)
    assert 50 * 49 / 2 - 400 < len(few) < 50 * 49 / 2
    assert few == pytest.approx(impostor_scores(view.embeddings.strangers, seed=0))


def test_a_stranger_in_the_persons_place(view):
    placed = verification(view.as_if("S0"))
    assert placed.forgotten["eer"].photos == 3
    assert placed.impostor_pairs == 29 * 28 // 2 * 64
