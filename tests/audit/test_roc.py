from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_curve

from faceforget.audit.roc import equal_error_rate, roc_figures, threshold_at


def by_scikit_learn(genuine, impostor, far):
    """TAR at a FAR, and EER, read off scikit-learn's curve."""
    truth = np.r_[np.ones(len(genuine)), np.zeros(len(impostor))]
    fars, tars, _ = roc_curve(truth, np.r_[genuine, impostor], drop_intermediate=False)
    eer = brentq(lambda x: 1 - x - interp1d(fars, tars)(x), 0, 1)
    return tars[fars <= far + 1e-12].max(), eer


@pytest.mark.parametrize("far", [0.01, 0.001, 0.0, 0.29])
@pytest.mark.parametrize("digits", [12, 2, 1])
def test_agrees_with_scikit_learn(far, digits):
    """Rounded to two digits and one, most scores are ties."""
    generator = np.random.default_rng(digits)
    genuine = generator.normal(0.5, 0.2, 300).round(digits)
    impostor = generator.normal(0, 0.2, 4000).round(digits)
    figures = roc_figures(genuine, impostor, (far,))
    tar, _ = by_scikit_learn(genuine, impostor, far)
    assert figures.tars[0] == pytest.approx(tar)
    assert (impostor > figures.thresholds[0]).mean() <= far


@pytest.mark.parametrize("shift", [0.1, 0.5, 1.0])
def test_eer_agrees_with_scikit_learn(shift):
    generator = np.random.default_rng(0)
    genuine, impostor = generator.normal(shift, 0.2, 500), generator.normal(0, 0.2, 3000)
    assert equal_error_rate(genuine, impostor) == pytest.approx(by_scikit_learn(genuine, impostor, 0.01)[1], abs=1e-3)


def test_two_normal_distributions_have_known_figures():
    """With a distance of two standard deviations: EER is Phi(-1), TAR is Phi(2 - quantile)."""
    generator = np.random.default_rng(0)
    figures = roc_figures(generator.normal(2, 1, 200_000), generator.normal(0, 1, 200_000), (0.01,))
    normal = NormalDist()
    assert figures.eer == pytest.approx(normal.cdf(-1), abs=0.003)
    assert figures.tars[0] == pytest.approx(normal.cdf(2 - normal.inv_cdf(0.99)), abs=0.01)
    assert figures.thresholds[0] == pytest.approx(normal.inv_cdf(0.99), abs=0.03)


def test_known_ends():
    same, low, high = np.linspace(0, 1, 1000), np.zeros(100), np.ones(7)
    assert equal_error_rate(high, low) == 0
    assert equal_error_rate(low, high) == 1
    assert equal_error_rate(same, same) == pytest.approx(0.5, abs=0.01)
    assert roc_figures(high, low).tars == (1, 1)
    assert equal_error_rate(low, low) == 0.5
    assert roc_figures(low, low).tars == (0, 0)


def test_the_stated_share_is_used_up_where_nothing_ties():
    impostor = np.arange(1000) / 1000
    for far in (0.01, 0.001, 0.29, 0.07):
        assert (impostor > threshold_at(impostor, far)).sum() == round(far * 1000)


@given(
    st.lists(st.integers(-5, 5), min_size=1, max_size=60),
    st.lists(st.integers(-5, 5), min_size=1, max_size=60),
    st.floats(0, 0.99),
)
def test_false_accepts_never_exceed_the_stated_rate(genuine, impostor, far):
    figures = roc_figures(np.array(genuine) / 5, np.array(impostor) / 5, (far,))
    assert (np.array(impostor) / 5 > figures.thresholds[0]).mean() <= far + 1e-9
    assert 0 <= figures.eer <= 1
