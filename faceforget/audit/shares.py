"""Shares of things that are not independent: photos that are looked at in many draws, or in many pairs."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from faceforget.audit.estimates import Estimate, Rate, Statistic, bootstrap, not_measured

# Whether something holds for each photo, by person.
Flags = Mapping[str, NDArray[np.bool_]]


def share(value: float, photos: int, units: int, statistic: Statistic, *, seed: int = 0, note: str = "") -> Estimate:
    """A share with a bootstrap interval that owns up where resampling has nothing to tell.

    Where every draw gives the same (8 of 8 photos), the bootstrap's interval has no width, as if one were
    sure. There Wilson's interval for as many independent units is given in its place.

    Args:
        value: The share, in [0, 1].
        photos: How many photos it rests on.
        units: What is resampled: independent photos or people.
        statistic: As for :func:`~faceforget.audit.estimates.bootstrap`.
        seed: Of the draws.
        note: What limits it.
    """
    found = bootstrap(units, statistic, seed=seed)
    if found is None or found[0] == found[1]:
        wilson = Rate(round(value * units), units).interval
        found = wilson if found is None or wilson is None else (min(found[0], wilson[0]), max(found[1], wilson[1]))
    # Some statistics are resampled on a grid: its coarseness must not shut the value itself out.
    interval = None if found is None else (min(found[0], value), max(found[1], value))
    return Estimate(value, photos, interval, note)


def rate_of(flags: Flags) -> Rate:
    """The share of all photos, as if they were independent."""
    return Rate(sum(int(own.sum()) for own in flags.values()), sum(map(len, flags.values())))


def share_of(flags: Flags, needs: str, *, seed: int = 0) -> Estimate:
    """The share of all photos, people resampled.

    Args:
        flags: Of at least one photo each.
        needs: What is missing where there is nobody.
        seed: Of the resampling.
    """
    if not flags:
        return not_measured(0, needs)
    hits, photos = np.array([(own.sum(), len(own)) for own in flags.values()]).T
    average = _ratio(hits, photos)
    return share(float(average(np.arange(len(hits)))), int(photos.sum()), len(hits), average, seed=seed)


def change_of(before: Flags, after: Flags, needs: str, *, seed: int = 0) -> Estimate:
    """After minus before of the share of all photos, people resampled: the same photos on both sides.

    Where no photo changed the interval is nothing but 0: no wider one is made up.
    """
    if not before:
        return not_measured(0, needs)
    gained = np.array([int(after[name].sum()) - int(own.sum()) for name, own in before.items()])
    photos = np.array([len(own) for own in before.values()])
    average = _ratio(gained, photos)
    interval = bootstrap(len(photos), average, seed=seed)
    return Estimate(float(average(np.arange(len(photos)))), int(photos.sum()), interval)


def change_surely(before: Flags, after: Flags, *, seed: int = 0) -> Estimate | None:
    """As :func:`change_of`, with an interval that owns up where few photos changed or none did; None without photos.

    Resampling photos of which none changed says that none ever would. So the interval is at least the one of gained
    minus lost photos, each with Wilson's interval (the square-and-add of Newcombe 1998), as if photos were independent.
    """
    found = change_of(before, after, "", seed=seed)
    if found.value is None or not found.photos:
        return None
    lost = Rate(sum(int((own & ~after[name]).sum()) for name, own in before.items()), found.photos)
    gained = Rate(sum(int((after[name] & ~own).sum()) for name, own in before.items()), found.photos)
    below = math.hypot(_reach(lost, 1), _reach(gained, 0))
    above = math.hypot(_reach(gained, 1), _reach(lost, 0))
    low, high = found.interval or (found.value, found.value)
    return replace(found, interval=(min(low, found.value - below), max(high, found.value + above)))


def _reach(rate: Rate, end: int) -> float:
    """How far Wilson's interval goes from the share itself."""
    return abs((rate.interval or (0.0, 1.0))[end] - (rate.value or 0.0))


def _ratio(of: np.ndarray, to: np.ndarray) -> Statistic:
    return lambda drawn: of[drawn].sum(-1) / to[drawn].sum(-1)
