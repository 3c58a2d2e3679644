from itertools import permutations

import numpy as np
import pytest
import torch

from faceforget.audit.measures.similarity import cka, hsic
from faceforget.audit.view import Groups, View


@pytest.fixture
def features():
    return torch.randn(20, 50, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def view(recognizer):
    def make(embeddings):
        return View(recognizer, recognizer, embeddings)

    return make


@pytest.fixture
def linear_cka(view):
    """Of features of one person's photos."""
    return lambda x, y: cka(view(Groups({"A": x})), view(Groups({"A": y})))["embedding"].forgotten.value


def random_groups(seed=0, size=16):
    generator = torch.Generator().manual_seed(seed)

    def some(count, photos):
        return {f"{count}-{index}": torch.randn(photos, size, generator=generator) for index in range(count)}

    return Groups(some(1, 8), {"1-0": torch.randn(5, size, generator=generator)}, some(10, 6), some(12, 6))


def test_a_model_is_aligned_with_itself(features, linear_cka):
    assert linear_cka(features, features) == pytest.approx(1)


def test_rotations_scales_and_offsets_do_not_matter(features, linear_cka):
    rotation, _ = torch.linalg.qr(torch.randn(50, 50, generator=torch.Generator().manual_seed(1)))
    assert linear_cka(features, 7 * features @ rotation + 3) == pytest.approx(1, abs=1e-5)


def test_other_linear_changes_do_matter(features, linear_cka):
    assert linear_cka(features, features * torch.logspace(-2, 1, 50)) < 0.9


@pytest.mark.parametrize("size", [10, 5000])
def test_unrelated_features_are_not_aligned_however_many_there_are(size, linear_cka):
    """The plain estimate gives 0.9 and more for 5000 random features of 30 photos."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 30, size, generator=generator)
    assert abs(linear_cka(x, y)) < 0.15
    k, m = (a - a.mean(0) for a in (x, y))
    plain = torch.linalg.norm(k.T @ m) ** 2 / torch.linalg.norm(k.T @ k) / torch.linalg.norm(m.T @ m)
    assert size < 1000 or plain > 0.9


def test_it_agrees_with_the_plain_estimate_for_many_photos(linear_cka):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2000, 5, generator=generator)
    y = x @ torch.randn(5, 4, generator=generator) + torch.randn(2000, 4, generator=generator)
    k, m = (a - a.mean(0) for a in (x, y))
    plain = torch.linalg.norm(k.T @ m) ** 2 / torch.linalg.norm(k.T @ k) / torch.linalg.norm(m.T @ m)
    assert linear_cka(x, y) == pytest.approx(plain.item(), abs=5e-3)


def test_hsic_is_the_mean_over_distinct_photos():
    """The definition: E[k12 m12] + E[k12 m34] - 2 E[k12 m13], each mean over photos that all differ."""
    generator = np.random.default_rng(0)
    k, m = (a @ a.T for a in generator.normal(size=(2, 6, 3)))
    pairs = np.mean([k[i, j] * m[i, j] for i, j in permutations(range(6), 2)])
    apart = np.mean([k[i, j] * m[q, r] for i, j, q, r in permutations(range(6), 4)])
    shared = np.mean([k[i, j] * m[i, q] for i, j, q in permutations(range(6), 3)])
    assert hsic(k, m) == pytest.approx(pairs + apart - 2 * shared)


def test_identical_models_are_aligned_at_every_depth(view):
    same = view(random_groups())
    alignment = cka(same, same)["embedding"]
    assert alignment.forgotten.value == alignment.others.value == pytest.approx(1)
    assert (alignment.forgotten.photos, alignment.others.photos) == (13, 132)


def test_a_change_to_the_persons_photos_alone_is_seen_there_alone(view):
    old = random_groups()
    other = random_groups(seed=9)
    new = Groups(other.forgotten, other.forget_photos, old.retained, old.strangers)
    alignment = cka(view(old), view(new))["embedding"]
    assert alignment.others.value == pytest.approx(1)
    assert abs(alignment.forgotten.value) < 0.5
    low, high = alignment.forgotten.interval
    assert low < alignment.forgotten.value < high


def test_the_jackknife_covers_the_truth(view, linear_cka):
    """Intervals of 95 % over 40 draws of photos whose alignment is known from thousands of them."""
    generator = torch.Generator().manual_seed(0)
    mix = torch.randn(6, 6, generator=generator)

    def draw(count):
        x = torch.randn(count, 6, generator=generator)
        return x, x @ mix + torch.randn(count, 6, generator=generator)

    truth = linear_cka(*draw(2000))
    covered = 0
    for _ in range(40):
        x, y = draw(30)
        low, high = cka(view(Groups({"A": x})), view(Groups({"A": y})))["embedding"].forgotten.interval
        covered += low <= truth <= high
    assert covered >= 34


def test_too_few_photos_are_said(view):
    few = Groups({"A": torch.randn(3, 8)})
    alignment = cka(view(few), view(few))["embedding"]
    assert alignment.forgotten.value is alignment.others.value is None
    assert "at least 4" in alignment.forgotten.note


def test_features_that_do_not_vary_are_said(view):
    flat = Groups({"A": torch.ones(8, 8)})
    assert "do not vary" in cka(view(flat), view(flat))["embedding"].forgotten.note


def test_views_of_different_photos_are_refused(view):
    with pytest.raises(ValueError, match="different photos"):
        cka(view(Groups({"A": torch.randn(5, 8)})), view(Groups({"A": torch.randn(6, 8)})))
