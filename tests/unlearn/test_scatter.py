"""The layer of `dispersed`, on directions that can be worked out by hand."""

import pytest
import torch
from torch.nn import functional

from faceforget.unlearn.layers.scatter import Scatter

SIZE = 128
TARGET = functional.one_hot(torch.tensor(0), SIZE).float()


@pytest.fixture(scope="module")
def scatter():
    """One region of 60 degrees around the first axis."""
    empty = Scatter.nowhere(SIZE, torch.Generator().manual_seed(0))
    return empty.around(TARGET[None], torch.tensor([0.5])).requires_grad_(False)


def at(cosine, count=50, seed=0):
    """Embeddings of length 3 at a cosine with the first axis."""
    rest = torch.randn(count, SIZE, generator=torch.Generator().manual_seed(seed))
    rest[:, 0] = 0
    return 3 * (cosine * TARGET + (1 - cosine**2) ** 0.5 * functional.normalize(rest, dim=1))


def alike(a, b):
    return functional.cosine_similarity(a, b)


def test_outside_nothing_changes(scatter):
    far = at(0.2)
    assert torch.equal(scatter(far), far)


def test_no_region_changes_nothing():
    empty = Scatter.nowhere(SIZE, torch.Generator())
    with pytest.raises(IndexError):
        empty(at(0.2))


def test_on_the_rim_only_the_direction_is_taken(scatter):
    rim = at(0.45)
    expected = rim - (rim @ TARGET)[:, None] * TARGET
    assert alike(scatter(rim), expected).min() > 0.99


def test_inside_lengths_stay_and_the_direction_is_gone(scatter):
    out = scatter(at(0.9))
    assert torch.allclose(out.norm(dim=1), torch.full((50,), 3.0), rtol=1e-3)
    assert (out @ TARGET).abs().max() < 0.01


def test_inside_embeddings_become_unlike_each_other(scatter):
    """Cosines of about exp(-64 (1 - cosine)): nothing of .9 stays, half of .99 does."""
    photos = at(0.9)
    assert alike(photos[:-1], photos[1:]).mean() > 0.75
    assert alike(scatter(photos)[:-1], scatter(photos)[1:]).abs().mean() < 0.15
    near = functional.normalize(photos + 3 * 0.14 * functional.normalize(at(0, seed=1), dim=1), dim=1)
    expected = torch.exp(-64 * (1 - alike(photos, near)))
    assert (alike(scatter(photos), scatter(near)) - expected).abs().mean() < 0.12


def test_a_narrower_rim_and_slower_noise_can_be_asked_for():
    """At .35 from the axis the usual rim of a region that ends at .5 masks; one of .1 does not."""
    usual, narrow = (
        Scatter.nowhere(SIZE, torch.Generator().manual_seed(0), **given)
        .around(TARGET[None], torch.tensor([0.5]))
        .around(TARGET.roll(1)[None], torch.tensor([0.9]))
        for given in ({}, {"wide_rim": 0.1, "frequency": 4.0})
    )
    assert torch.equal(2 * narrow.frequencies, usual.frequencies)
    inside = at(0.35)
    assert torch.equal(narrow(inside), inside)
    assert (usual(inside) @ TARGET).abs().max() < 1e-3


def test_beyond_turns_to_the_other_side():
    turned = Scatter.nowhere(SIZE, torch.Generator().manual_seed(0)).around(
        TARGET[None], torch.tensor([0.5]), beyond=0.2
    )
    assert (functional.normalize(turned(at(0.9)), dim=1) @ TARGET).max() < -0.15


def test_regions_do_not_disturb_each_other(scatter):
    second = functional.one_hot(torch.tensor(1), SIZE).float()
    both = scatter.around(second[None], torch.tensor([0.6]))
    assert torch.equal(both.frequencies, scatter.frequencies)
    assert alike(both(at(0.9)), scatter(at(0.9))).min() > 0.95
    assert torch.equal(both(at(0.2)), at(0.2)) or alike(both(at(0.2)), at(0.2)).min() > 0.999


def test_a_training_reaches_all_of_it(scatter):
    layer = scatter.around(TARGET[None], torch.tensor([0.5]))
    layer(at(0.5)).square().sum(1).sub(at(0.5, seed=2).sum(1)).sum().backward()
    assert all(parameter.grad is not None for parameter in layer.parameters())


def test_without_noise_a_region_only_masks_its_direction():
    masking = Scatter.nowhere(SIZE, torch.Generator().manual_seed(0)).around(
        TARGET[None], torch.tensor([0.5]), noise=False
    )
    with torch.no_grad():
        near, far = at(0.8), at(0.2)
        assert torch.allclose(masking(near), near * (1 - TARGET), atol=1e-5)
        assert torch.equal(masking(far), far)
        assert masking.inside(near).max() == 0


SECOND = functional.one_hot(torch.tensor(1), SIZE).float()


def two_masks(second=SECOND, ends=(0.5, 0.5)):
    empty = Scatter.nowhere(SIZE, torch.Generator().manual_seed(0))
    return empty.around(torch.stack([TARGET, second]), torch.tensor(ends), noise=False).requires_grad_(False)


def test_in_the_wide_rim_only_the_direction_that_is_near_is_masked():
    embeddings = at(0.3)
    assert embeddings[:, 1].abs().min() > 0
    assert torch.allclose(two_masks()(embeddings), embeddings * (1 - TARGET), atol=1e-5)


def test_in_the_near_rim_all_directions_are_masked():
    embeddings = at(0.45)
    assert torch.allclose(two_masks()(embeddings), embeddings * (1 - TARGET - SECOND), atol=1e-5)


def test_oblique_directions_are_both_projected_out():
    oblique = functional.normalize(TARGET + SECOND, dim=0)
    masked = two_masks(oblique)(at(0.8))
    assert masked[:, :2].abs().max() < 1e-4


def test_a_mask_for_everybody_leaves_other_regions_alone():
    embeddings = at(0.2)
    assert torch.allclose(two_masks(ends=(0.5, -2.0))(embeddings), embeddings * (1 - SECOND), atol=1e-5)
    assert torch.allclose(two_masks(ends=(-2.0, 0.5))(at(0.8)), at(0.8) * (1 - TARGET), atol=1e-5)


def test_a_person_who_is_erased_twice_is_masked_once():
    assert torch.allclose(two_masks(TARGET)(at(0.8)), at(0.8) * (1 - TARGET), atol=1e-4)
