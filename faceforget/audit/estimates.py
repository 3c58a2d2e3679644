"""Numbers with their uncertainty: a value, a 95 % interval, and how many photos it rests on."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import lru_cache
from statistics import NormalDist
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
U = TypeVar("U")

# From drawn indices ``(..., units)`` to numbers ``(...)``; NaN where a draw has no answer.
Statistic = Callable[[NDArray[np.intp]], Any]

RESAMPLES = 1000
# Draws that are looked at in one go, so that those of thousands of units do not fill the memory.
_INDICES_AT_ONCE = 2**18


@runtime_checkable
class Measured(Protocol):
    """What every number of the audit tells about itself; value and interval are None without photos."""

    @property
    def value(self) -> float | None:
        """The point estimate."""

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval, where one can be given."""

    @property
    def photos(self) -> int:
        """How many photos it rests on."""


@dataclass(frozen=True)
class Rate:
    """A share of photos.

    Attributes:
        hits: Photos for which it holds.
        photos: Photos in all.
    """

    hits: int
    photos: int

    @property
    def value(self) -> float | None:
        """In [0, 1]; None without photos."""
        return self.hits / self.photos if self.photos else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of Wilson 1927, which holds at 0 and 1 and for few photos; None without photos."""
        if not self.photos:
            return None
        z = NormalDist().inv_cdf(0.975)
        n, p = self.photos, self.hits / self.photos
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * ((p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Estimate:
    """A number that is not a share of photos, or a share of things that are not independent.

    Attributes:
        value: The point estimate; None where it could not be measured.
        photos: How many photos it rests on.
        interval: 95 % interval; None where none can be given.
        note: Why it could not be measured, or what limits it, in a few plain words.
        few: Whether it could not be measured because there were too few photos of the person.
    """

    value: float | None
    photos: int
    interval: tuple[float, float] | None = None
    note: str = ""
    few: bool = False


@dataclass(frozen=True)
class Sides(Generic[T]):
    """One measure of the model before and after, and of what it is compared with.

    Attributes:
        before: Of the model before erasure.
        after: Of the model after.
        reference: Of a retrained model, or with strangers in the person's place; None without either.
    """

    before: T
    after: T
    reference: T | None = None


def not_measured(photos: int, note: str, *, few: bool = False) -> Estimate:
    """An estimate that says why there is none, and whether more photos of the person would give one."""
    return Estimate(None, photos, note=note, few=few)


def bootstrap(
    units: int,
    statistic: Statistic,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[float, float] | None:
    """95 % percentile interval of Efron 1979 over ``units`` photos (or people), drawn with replacement.

    Args:
        units: What is resampled; fewer than two give None.
        statistic: Called with many draws at once, see :data:`Statistic`.
        seed: Of the draws.
        resamples: How many.
    """
    if units < 2:
        return None
    values = np.concatenate([statistic(drawn) for drawn in _draws(units, seed, resamples)])
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    low, high = np.quantile(finite, (0.025, 0.975))
    return float(low), float(high)


def _draws(units: int, seed: int, resamples: int) -> Iterable[NDArray[np.intp]]:
    """Blocks ``(R, units)`` of draws; those of few units, as most are, are kept."""
    few = units * resamples <= _INDICES_AT_ONCE
    return _known_draws(units, seed, resamples) if few else _new_draws(units, seed, resamples)


@lru_cache(32)
def _known_draws(units: int, seed: int, resamples: int) -> tuple[NDArray[np.intp], ...]:
    return tuple(_new_draws(units, seed, resamples))


def _new_draws(units: int, seed: int, resamples: int) -> Iterator[NDArray[np.intp]]:
    generator, most = np.random.default_rng(seed), max(1, _INDICES_AT_ONCE // units)
    for start in range(0, resamples, most):
        drawn = generator.integers(0, units, (min(most, resamples - start), units))
        drawn.flags.writeable = False
        yield drawn


def times_drawn(drawn: NDArray[np.intp]) -> NDArray[np.float64]:
    """How often each unit is in each draw ``(..., units)``, of the same shape."""
    units = drawn.shape[-1]
    rows = drawn.reshape(-1, units)
    places = rows + units * np.arange(len(rows))[:, None]
    return np.bincount(places.ravel(), minlength=rows.size).reshape(drawn.shape).astype(np.float64)


def mean_of(values: NDArray[np.floating]) -> Statistic:
    """The mean of ``(units,)`` values."""
    return lambda drawn: values[drawn].mean(-1)


def mean_over_people(results: Sequence[T], *, seed: int = 0) -> T:
    """The mean of one measure over several people, with an interval over the people.

    Args:
        results: The same structure (measured numbers, mappings or dataclasses of them) for each person.
        seed: Of the bootstrap.

    Returns:
        The structure of the first, with an :class:`Estimate` for each measured number; what is no number
        is that of the first.
    """
    merged: T = _merged(list(results), seed)
    return merged


def _merged(results: Sequence[Any], seed: int) -> Any:  # noqa: ANN401 - any structure of results
    first = results[0]
    if isinstance(first, Measured):
        return _mean([result for result in results if isinstance(result, Measured)], seed)
    if is_dataclass(first) and not isinstance(first, type):
        names = [item.name for item in fields(first)]
        return replace(first, **{n: _merged([getattr(result, n) for result in results], seed) for n in names})
    if isinstance(first, Mapping):
        return {k: _merged([result[k] for result in results if k in result], seed) for k in first}
    return first


def _mean(people: Sequence[Measured], seed: int) -> Estimate:
    values = np.asarray([person.value for person in people if person.value is not None])
    photos = sum(person.photos for person in people)
    if not values.size:
        return not_measured(photos, getattr(people[0], "note", ""), few=getattr(people[0], "few", False))
    interval = bootstrap(len(values), mean_of(values), seed=seed)
    return Estimate(float(values.mean()), photos, interval, f"mean of {len(values)} people")


def plain(content: object) -> object:
    """Results as plain values for JSON: every measured number as its value alone.

    Dataclasses become dictionaries, keys become text, tuples lists.
    """
    return _converted(content, lambda measured: measured.value)


def detailed(content: object) -> object:
    """The same with value, interval, photos and note of every measured number."""
    return _converted(content, _details)


def _details(measured: Measured) -> object:
    interval = None if measured.interval is None else list(measured.interval)
    details = {"value": measured.value, "interval": interval, "photos": measured.photos}
    note = getattr(measured, "note", "")
    return {**details, "note": note} if note else details


def _converted(content: object, number: Callable[[Measured], object]) -> object:
    if isinstance(content, Measured):
        return number(content)
    if is_dataclass(content) and not isinstance(content, type):
        return {field.name: _converted(getattr(content, field.name), number) for field in fields(content)}
    if isinstance(content, Mapping):
        return {str(key): _converted(value, number) for key, value in content.items()}
    if isinstance(content, Sequence) and not isinstance(content, str):
        return [_converted(value, number) for value in content]
    return content


def if_given(value: U | None, change: Callable[[U], T]) -> T | None:
    """The change of a value that may be missing."""
    return None if value is None else change(value)
