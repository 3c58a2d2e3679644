import pytest
import torch
from torch.nn import functional

from faceforget.audit.measures.compactness import compactness
from faceforget.audit.view import Groups, View


def cluster(cosine, photos, centre, size=128):
    """Unit vectors, any two of which have the same cosine."""
    axes = torch.eye(size)
    own = cosine**0.5 * axes[centre] + (1 - cosine) ** 0.5 * axes[centre + 1 : centre + 1 + photos]
    return functional.normalize(own, dim=1)


@pytest.fixture
def view(recognizer):
    """A model whose rows are the first axes; it knows nobody of the erased."""

    def make(embeddings, rows=4):
        model = recognizer.with_head(torch.eye(128)[:rows], tuple(f"r{index}" for index in range(rows)))
        return View(model, model, embeddings)

    return make


def test_clusters_of_a_known_cosine(view):
    content = Groups({"A": cluster(0.6, 5, 10)}, strangers={"s": cluster(0.3, 8, 20), "t": cluster(0.5, 4, 40)})
    found = compactness(view(content))
    assert found.within.value == pytest.approx(0.6, abs=1e-6)
    assert found.within.interval == pytest.approx((0.6, 0.6), abs=1e-6)
    assert found.strangers_within.value == pytest.approx(0.4, abs=1e-6)
    assert found.relative.value == pytest.approx(1.5, abs=1e-5)
    assert (found.within.photos, found.strangers_within.photos) == (5, 12)


def test_the_nearest_row_of_somebody_else(view):
    found = compactness(view(Groups({"A": cluster(0.36, 5, 3)})))
    assert found.nearest_other.value == pytest.approx(0.6, abs=1e-6)
    assert found.nearest_other.photos == 5


def test_the_erased_persons_own_row_is_nobody_elses(recognizer, names):
    own = functional.normalize(recognizer.classifier.head.weight[:1].detach(), dim=1).repeat(3, 1)
    found = compactness(View(recognizer, recognizer, Groups({names[0]: own})))
    assert found.within.value == pytest.approx(1, abs=1e-5)
    assert found.nearest_other.value < 0.999


def test_two_persons_are_not_one_cluster(view):
    found = compactness(view(Groups({"A": cluster(0.6, 5, 10), "B": cluster(0.6, 5, 30)})))
    assert found.within.value == pytest.approx(0.6, abs=1e-6)
    assert found.within.photos == 10


def test_too_few_photos_are_said(view):
    found = compactness(view(Groups({"A": cluster(0.6, 1, 10)})))
    assert found.within.value is found.relative.value is found.strangers_within.value is None
    assert "two photos" in found.within.note
    assert found.nearest_other.value == pytest.approx(0, abs=1e-6)


def test_photos_that_do_not_lie_together_give_an_interval_around_nothing(view):
    scattered = functional.normalize(torch.randn(12, 128, generator=torch.Generator().manual_seed(0)), dim=1)
    low, high = compactness(view(Groups({"A": scattered}))).within.interval
    assert low < 0 < high
