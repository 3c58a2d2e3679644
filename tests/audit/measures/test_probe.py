import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier
from torch.nn import functional

from faceforget.audit.measures.probe import _ridge, depths, probe
from faceforget.audit.view import Groups, View

SIZE = 32


def people(count, photos=10, spread=0.5, seed=0):
    """Clusters around random directions: the larger the spread, the less they are clusters."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(count, 1, SIZE, generator=generator)
    return list(centres + spread * torch.randn(count, photos, SIZE, generator=generator))


def groups(person, others, read=6):
    retained = {f"r{index}": own for index, own in enumerate(others[::2])}
    strangers = {f"s{index}": own for index, own in enumerate(others[1::2])}
    return Groups({"A": person[read:]}, {"A": person[:read]} if read else {}, retained, strangers)


@pytest.fixture
def view(recognizer):
    def make(embeddings, **features):
        return View(recognizer, recognizer, embeddings, features)

    return make


def test_a_person_with_a_direction_of_their_own_is_found_in_every_way(view):
    person, *others = people(30)
    found = probe(view(groups(person, others)))["embedding"]
    assert [found.linear.value, found.nearest.value, found.few_shot.value] == [1.0, 1.0, 1.0]
    assert found.linear.photos == 4
    assert found.linear.interval[0] < 0.6


def test_a_person_without_any_likeness_is_found_no_more_than_by_chance(view):
    generator = torch.Generator().manual_seed(1)
    person = torch.randn(60, SIZE, generator=generator)
    found = probe(view(groups(person, people(40, spread=0.3), read=20)))["embedding"]
    assert found.linear.value < 0.2
    assert found.nearest.value < 0.3
    assert found.few_shot.value < 0.3


def test_projecting_the_persons_direction_out_hides_them(view):
    """Every photo of the person is the direction plus noise; what others share with it goes too."""
    generator = torch.Generator().manual_seed(0)
    direction = functional.normalize(torch.randn(SIZE, generator=generator), dim=0)
    person = 10 * direction + torch.randn(40, SIZE, generator=generator)
    others = people(30, spread=1.0)
    known = groups(person, others, read=20)
    blind = known.map(lambda own: own - own @ direction[:, None] * direction)
    found = probe(view(known, earlier=blind))
    assert list(found) == ["earlier", "embedding"]
    assert found["embedding"].linear.value > 0.9
    assert found["earlier"].linear.value < 0.3


def test_neither_scale_nor_offset_of_the_features_matters(view):
    person, *others = people(20, spread=1.5)
    plain = groups(person, others)
    found = probe(view(plain, other=plain.map(lambda own: 1000 * own + 5)))
    assert found["other"] == found["embedding"]


def test_strangers_in_the_persons_place_are_found_as_well(view):
    person, *others = people(30)
    assert probe(view(groups(person, others)).as_if("s3"))["embedding"].linear.value == 1.0


def test_without_forget_photos_each_half_of_the_unseen_ones_finds_the_other(view):
    person, *others = people(30)
    found = probe(view(groups(person, others, read=0)))["embedding"].nearest
    assert (found.value, found.photos) == (1.0, 10)
    assert "no forget photos" in found.note


def test_several_persons_are_counted_together(view):
    first, second, *others = people(30)
    alone = groups(first, others)
    both = Groups({"A": first[6:], "B": second[5:]}, {"A": first[:6], "B": second[:5]}, alone.retained, alone.strangers)
    assert probe(view(both))["embedding"].linear.photos == 4 + 5


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (groups(people(1)[0][:1], people(9), read=0), "two photos of the person"),
        (groups(people(1)[0], []), "two other people"),
    ],
)
def test_too_few_photos_are_said(view, content, reason):
    found = probe(view(content))["embedding"]
    assert found.linear.value is found.nearest.value is found.few_shot.value is None
    assert reason in found.linear.note


def test_a_false_alarm_rate_that_the_photos_cannot_show_is_said(view):
    person, *others = people(8)
    assert "no false alarm" in probe(view(groups(person, others)))["embedding"].linear.note


def test_the_same_seed_gives_the_same_numbers(view):
    content = view(groups(people(1)[0], people(20, spread=2.0, seed=3)))
    assert probe(content, seed=4) == probe(content, seed=4)


def test_ridge_regression_agrees_with_scikit_learn():
    generator = np.random.default_rng(0)
    features, weights = generator.normal(size=(40, 7)), generator.uniform(0.01, 0.1, 30)
    targets = generator.normal(size=30)
    train, test = np.arange(30), np.arange(30, 40)
    scores = _ridge(features @ features.T, train, targets, weights)(test)
    with_constant = np.column_stack([features, np.ones(40)])
    reference = Ridge(alpha=1e-3, fit_intercept=False).fit(with_constant[train], targets, sample_weight=weights)
    assert scores == pytest.approx(reference.predict(with_constant[test]), abs=1e-9)


def test_nearest_neighbours_agree_with_scikit_learn(view):
    person, *others = people(30, photos=30, spread=2.5)
    content = groups(person, others, read=10)
    gallery = torch.cat([person[:10], *content.retained.values(), *content.strangers.values()]).numpy()
    mean, scale = gallery[10:].mean(0), gallery[10:].std(0)
    reference = KNeighborsClassifier(1, metric="cosine").fit((gallery - mean) / scale, np.arange(len(gallery)) < 10)
    expected = reference.predict((person[10:].numpy() - mean) / scale).mean()
    found = probe(view(content))["embedding"].nearest.value
    assert 0 < found < 1
    assert found == pytest.approx(expected)


def test_the_embedding_comes_last(view):
    content = groups(people(1)[0], people(4))
    assert list(depths(view(content, early=content, late=content))) == ["early", "late", "embedding"]
