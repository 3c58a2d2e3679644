from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from faceforget.audit.questions.embedding_map import embedding_map
from faceforget.audit.view import Groups, View


def clusters(people, photos, seed, prefix=""):
    """Tight unit embeddings (photos, 16) around a random direction for each person."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for number in range(people):
        centre = torch.randn(1, 16, generator=generator)
        found[f"{prefix}{number}"] = functional.normalize(
            centre + 0.2 * torch.randn(photos, 16, generator=generator), dim=1
        )
    return found


@pytest.fixture(scope="module")
def groups():
    own = clusters(1, 12, 0, "F")["F0"]
    return Groups({"F0": own[:5]}, {"F0": own[5:]}, clusters(8, 6, 1, "R"), clusters(10, 6, 2, "S"))


@pytest.fixture(scope="module")
def view(recognizer, groups):
    return View(recognizer, recognizer, groups)


@pytest.fixture(scope="module")
def moved(view, groups):
    """After: the person's photos lie among those of R0."""
    away = groups.retained["R0"][:5] + 0.01
    return replace(view, embeddings=replace(groups, forgotten={"F0": functional.normalize(away, dim=1)}))


@pytest.fixture(scope="module")
def found(view, moved):
    return embedding_map(view, moved)


def of(found, group, name):
    return [(g, p) == (group, name) for g, p in zip(found.groups, found.people, strict=True)]


def centre(places, mask):
    return places[mask].mean(0)


def test_a_place_for_every_photo_in_both_models(found):
    assert found.before.shape == found.after.shape == (12 + 48 + 60, 2)
    assert len(found.groups) == len(found.people) == 120
    assert found.shown == {"forgotten": (1, 1), "forget_photos": (1, 1), "retained": (8, 8), "strangers": (10, 10)}
    assert np.abs([found.before, found.after]).max() == pytest.approx(1)


def test_photos_of_a_person_lie_together(found):
    """The nearest other photo of nearly every photo shows the same person."""
    apart = np.linalg.norm(found.before[:, None] - found.before, axis=2)
    np.fill_diagonal(apart, np.inf)
    people = np.array(found.people)
    assert (people[apart.argmin(1)] == people).mean() > 0.95


def test_who_moved_is_seen_to_move_and_the_others_stay(found):
    person, neighbour = of(found, "forgotten", "F0"), of(found, "retained", "R0")
    gap = [np.linalg.norm(centre(p, person) - centre(p, neighbour)) for p in (found.before, found.after)]
    assert gap[1] < 0.3 * gap[0]
    stayed = ~np.array(person)
    assert np.array_equal(found.before[stayed], found.after[stayed])


def test_identical_models_have_identical_maps(view):
    same = embedding_map(view, replace(view, used=view.model))
    assert np.array_equal(same.before, same.after)


def test_the_same_seed_gives_the_same_map(found, view, moved):
    again = embedding_map(view, moved)
    assert np.array_equal(found.before, again.before)
    assert np.array_equal(found.after, again.after)


def test_people_are_drawn_whole_and_it_is_said_how_many(view, moved):
    few = embedding_map(view, moved, photos=40)
    assert few.shown["retained"] == (2, 8)
    assert few.shown["strangers"] == (2, 10)
    assert few.shown["forgotten"] == (1, 1)
    assert len(few.people) == 12 + 12 + 12
    assert few.people == embedding_map(view, moved, photos=40).people


def test_unused_room_of_strangers_goes_to_those_who_stay(view, groups):
    alone = replace(view, embeddings=replace(groups, strangers={}))
    found = embedding_map(alone, alone, photos=60)
    assert found.shown["retained"] == (8, 8)
    assert found.shown["strangers"] == (0, 0)


@pytest.mark.parametrize("photos", [1, 2, 5])
def test_a_handful_of_photos_is_enough(view, groups, photos):
    own = Groups({"F0": groups.forgotten["F0"][:photos]})
    found = embedding_map(replace(view, embeddings=own), replace(view, embeddings=own))
    assert found.before.shape == (photos, 2)
    assert np.isfinite(found.before).all()
