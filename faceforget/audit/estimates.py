"""Numbers with their uncertainty: a value, a 95 % interval, and how many photos it rests on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from statistics import NormalDist
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np

T = TypeVar("T")
U = TypeVar("U")

RESAMPLES = 1000


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
    """

    value: float | None
    photos: int
    interval: tuple[float, float] | None = None
    note: str = ""


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


def not_measured(photos: int, note: str) -> Estimate:
    """An estimate that says why there is none."""
    return Estimate(None, photos, note=note)


def bootstrap(
    units: int,
    statistic: Callable[[np.ndarray], float],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[float, float] | None:
    """95 % percentile interval of Efron 1979 over ``units`` photos (or people), drawn with replacement.

    Args:
        units: What is resampled; fewer than two give None.
        statistic: From drawn indices ``(units,)`` to a number; NaN where a draw has no answer.
        seed: Of the draws.
        resamples: How many.
    """
    if units < 2:
        return None
    generator = np.random.default_rng(seed)
    values = [statistic(generator.integers(0, units, units)) for _ in range(resamples)]
    finite = np.asarray([value for value in values if np.isfinite(value)])
    if not finite.size:
        return None
    low, high = np.quantile(finite, (0.025, 0.975))
    return float(low), float(high)


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
        return not_measured(photos, getattr(people[0], "note", ""))
    interval = bootstrap(len(values), lambda drawn: float(values[drawn].mean()), seed=seed)
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
