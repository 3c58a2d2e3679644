import numpy as np
import pytest

from faceforget.audit.estimates import Rate
from faceforget.audit.shares import change_of, rate_of, share, share_of


def flags(*hits, photos=4):
    return {str(number): np.arange(photos) < count for number, count in enumerate(hits)}


def test_where_resampling_shows_no_spread_the_interval_is_wilsons():
    found = share(1.0, 28, 8, lambda drawn: np.ones(drawn.shape[:-1]))
    assert found.interval == pytest.approx(Rate(8, 8).interval)
    assert found.photos == 28


def test_one_unit_is_not_certain_either():
    assert share(1.0, 4, 1, lambda drawn: np.ones(drawn.shape[:-1])).interval == pytest.approx(Rate(1, 1).interval)


def test_people_are_resampled_and_not_photos():
    """All photos of a person agree: the interval is that of 100 people, not of 400 photos."""
    people = share_of(flags(*[4, 0] * 50), "nobody")
    assert people.value == 0.5
    low, high = people.interval
    assert high - low == pytest.approx(2 * 1.96 * (0.25 / 100) ** 0.5, abs=0.02)


def test_changes_are_paired():
    """Everybody loses one of four photos: nothing about that is uncertain."""
    found = change_of(flags(4, 3, 2, 1), flags(3, 2, 1, 0), "nobody")
    assert (found.value, found.interval) == (-0.25, (-0.25, -0.25))
    assert rate_of(flags(4, 3, 2, 1)) == Rate(10, 16)


def test_nobody_is_said():
    assert share_of({}, "needs people").note == change_of({}, {}, "needs people").note == "needs people"
