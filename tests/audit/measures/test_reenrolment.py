from dataclasses import replace

import numpy as np
import pytest
import torch
from synthetic_people import made_up_view, photos_of, projected_out, with_forgotten
from torch.nn import functional

from faceforget.audit.estimates import Rate, plain
from faceforget.audit.measures.reenrolment import draw_photos, photo_gallery, prototype_attack, reenrolment
from faceforget.audit.view import Groups


@pytest.fixture(scope="module")
def view(recognizer):
    return made_up_view(recognizer)


def test_a_row_that_was_only_deleted_is_no_obstacle(view):
    """The trivial erasure: all photos are recognised again, and eight photos do not make one sure."""
    found = reenrolment(view)
    assert list(found) == ["1", "5", "10"]
    assert [estimate.value for estimate in found.values()] == [1, 1, 1]
    assert found["5"].photos == 8
    assert found["5"].interval == pytest.approx(Rate(8, 8).interval)


def test_a_person_whose_direction_is_projected_out_is_not_recognised_again(view):
    found = reenrolment(projected_out(view))
    assert all(estimate.value < 0.4 for estimate in found.values())
    assert all(low <= e.value <= high for e in found.values() for low, high in [e.interval])


def test_photos_that_say_nothing_are_at_chance(view):
    """Random embeddings against six others: one in seven, give or take."""
    noise = photos_of(torch.zeros(128), 412, 1.0, torch.Generator().manual_seed(1))
    random = with_forgotten(view, noise[:400], noise[400:406])
    random = replace(random, used=view.used.with_head(noise[406:], view.used.labels))
    assert reenrolment(random, counts=(1,))["1"].value == pytest.approx(1 / 7, abs=0.05)


def test_a_collapsed_model_recognises_nobody(view):
    same = torch.zeros(8, 128)
    same[:, 0] = 1
    collapsed = with_forgotten(view, same, same)
    collapsed = replace(collapsed, used=view.used.with_head(same[:6], view.used.labels))
    assert reenrolment(collapsed, counts=(5,))["5"].value == 0


def test_by_hand(view):
    """Two photos read and one unseen: each draw of two takes the two that were read."""
    read, probe = view.embeddings.forget_photos["E"][:2], view.embeddings.forgotten["E"][:1]
    template = read.double().mean(0) / read.double().mean(0).norm()
    expected = (template @ probe[0].double()) > (view.gallery().double() @ probe[0].double()).max()
    assert reenrolment(with_forgotten(view, probe, read), counts=(2,))["2"].value == float(expected)


def test_too_few_photos_are_said(view):
    few = with_forgotten(view, view.embeddings.forgotten["E"][:4], view.embeddings.forget_photos["E"][:3])
    found = reenrolment(few)
    assert found["5"].value == 1
    assert found["10"].value is None
    assert "too few photos" in found["10"].note
    assert plain(found) == {"1": 1, "5": 1, "10": None}


def test_half_of_the_unseen_photos_stay_probes_in_every_draw():
    chosen = draw_photos(read=6, unseen=5, count=8, draws=200, generator=np.random.default_rng(0))
    assert (chosen.sum(1) == 8).all()
    assert (chosen[:, 6:].sum(1) == 2).all()
    assert draw_photos(read=6, unseen=5, count=9, draws=1, generator=np.random.default_rng(0)) is None


def test_both_kinds_of_photos_are_drawn():
    chosen = draw_photos(read=12, unseen=8, count=5, draws=400, generator=np.random.default_rng(0))
    assert chosen.mean(0) == pytest.approx(np.full(20, 0.25), abs=0.07)


def test_several_persons_are_pooled_and_who_has_too_few_is_said(view):
    own = view.embeddings.strangers["S0"]
    photos = replace(view.embeddings, forgotten={**view.embeddings.forgotten, "S0": own, "S1": own[:1]})
    found = reenrolment(replace(view, embeddings=photos), counts=(1, 4))
    assert found["4"].photos == 16
    assert found["4"].note == "1 of 3 persons have too few photos"


def test_nobody_else_is_enrolled(view):
    alone = replace(view, used=view.used.with_head(torch.zeros(0, 128), ()))
    assert reenrolment(alone)["1"].note == "nobody else is enrolled"
    assert prototype_attack(alone).forgotten.note == "nobody else is enrolled"


def test_rows_that_the_embedding_moved_away_from_lose_against_any_template(view):
    """All photos drift in one direction and the person's are noise: only the rows stay where they were."""
    drift = torch.ones(128) / 128**0.5
    noise = photos_of(torch.zeros(128), 20, 1.0, torch.Generator().manual_seed(1))
    moved = with_forgotten(view, noise[:8], noise[8:])
    moved = replace(moved, embeddings=moved.embeddings.map(lambda own: functional.normalize(own + 2 * drift, dim=1)))
    assert reenrolment(moved)["1"].value == 1
    assert prototype_attack(moved).retained.value < 0.5
    assert reenrolment(moved, gallery=photo_gallery(moved))["1"].value < 0.5


def test_a_gallery_of_photos_keeps_the_rows_of_who_has_none(view):
    photos = {name: own for name, own in view.embeddings.retained.items() if name != "R2"}
    templates = photo_gallery(replace(view, embeddings=replace(view.embeddings, retained=photos)))
    same = torch.isclose(templates, view.gallery(), atol=1e-6).all(1)
    assert same.tolist() == [False, False, True, False, False, False]
    assert templates.norm(dim=1) == pytest.approx(torch.ones(6))


def test_the_same_seed_gives_the_same_numbers(recognizer):
    view = made_up_view(recognizer, forgotten_spread=4.0)
    assert reenrolment(view, seed=3) == reenrolment(view, seed=3)
    assert 0 < reenrolment(view)["1"].value < reenrolment(view)["10"].value


def test_a_new_row_from_the_forget_photos_names_the_person_again(view):
    attack = prototype_attack(view)
    assert attack.forgotten == attack.forgotten_named == Rate(8, 8)
    assert attack.retained == Rate(48, 48)


def test_a_new_row_is_no_use_once_the_direction_is_gone(view):
    assert prototype_attack(projected_out(view)).forgotten.value < 0.5


def test_a_right_candidate_below_the_threshold_is_not_named(view):
    strict = replace(view, used=replace(view.used, threshold=replace(view.used.threshold, cosine=1.0)))
    assert prototype_attack(strict).forgotten == Rate(8, 8)
    assert prototype_attack(strict).forgotten_named == Rate(0, 8)


def test_a_new_row_that_takes_other_peoples_photos_is_seen(view):
    """The forget photos are somebody else's: that person's photos are now on the fence."""
    stolen = with_forgotten(view, view.embeddings.forgotten["E"], view.embeddings.retained["R0"])
    attack = prototype_attack(stolen)
    assert attack.forgotten == Rate(0, 8)
    assert attack.retained.hits < 48


def test_an_attack_without_forget_photos_or_retained_ones(view):
    photos = view.embeddings
    assert prototype_attack(replace(view, embeddings=replace(photos, forget_photos={}))).forgotten.value is None
    alone = Groups(photos.forgotten, photos.forget_photos)
    assert prototype_attack(replace(view, embeddings=alone)).retained is None


def test_a_stranger_in_the_persons_place(view):
    assert reenrolment(view.as_if("S3"), counts=(1,))["1"].value == 1
    assert prototype_attack(view.as_if("S3")).forgotten == Rate(3, 3)
