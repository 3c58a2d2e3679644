from statistics import NormalDist

import numpy as np
import pytest

from benchmarks.likelihood import likelihood_ratios, strength


def worlds_of(generator, shadows, photos):
    """Half of the shadows had each photo."""
    inside = np.argsort(generator.random((shadows, photos)), axis=0) < shadows // 2
    return inside, ~inside


def test_ratio_by_hand():
    """Three shadows with the photo at 1, 2, 3 and three without at 0, -1, -2; each deviation is 1.

    Of the first: inside the mean of 2 and 3, deviation sqrt(.5); outside -1, deviation 1.
    """
    scores = np.array([[1.0], [2.0], [3.0], [0.0], [-1.0], [-2.0]])
    inside = np.array([[True]] * 3 + [[False]] * 3)
    expected = np.log(NormalDist(2.5, 0.5**0.5).pdf(1.0) / NormalDist(-1, 1).pdf(1.0))
    assert likelihood_ratios(scores, inside, ~inside)[0, 0] == pytest.approx(expected)


def test_the_attack_is_as_strong_as_the_gaussians_allow():
    """Deviation 1, two apart, photos of very different levels: the best AUC is Phi(2 / sqrt 2) = 0.921."""
    generator = np.random.default_rng(0)
    inside, outside = worlds_of(generator, 64, 40)
    scores = generator.normal(0, 1, inside.shape) + 2 * inside + generator.normal(0, 20, 40)
    found = strength(likelihood_ratios(scores, inside, outside), inside)
    assert found["auc"].value == pytest.approx(NormalDist().cdf(2**0.5), abs=0.02)
    assert found["auc"].interval[0] < found["auc"].value < found["auc"].interval[1]
    assert found["accuracy"].value == pytest.approx(NormalDist().cdf(1), abs=0.03)
    assert found["auc"].photos == 40


def test_worlds_that_are_alike_cannot_be_told_apart():
    generator = np.random.default_rng(1)
    inside, outside = worlds_of(generator, 32, 60)
    ratios = likelihood_ratios(generator.normal(0, 1, inside.shape), inside, outside)
    found = strength(ratios, inside)
    assert found["auc"].interval[0] < 0.5 < found["auc"].interval[1]
    assert found["tpr_at_fpr_0.01"].value < 0.05


def test_photos_in_neither_world_are_not_judged():
    generator = np.random.default_rng(2)
    inside, outside = worlds_of(generator, 12, 5)
    outside[:, 0] = False
    ratios = likelihood_ratios(generator.normal(0, 1, inside.shape), inside, outside)
    assert np.isnan(ratios[:, 0]).all()
    assert np.isfinite(ratios[:, 1:]).all()


def test_too_few_shadows_are_said():
    inside = np.array([[True, False], [False, True]])
    found = strength(likelihood_ratios(np.ones((2, 2)), inside, ~inside), inside)
    assert found["auc"].value is None
    assert "too few shadows" in found["auc"].note
