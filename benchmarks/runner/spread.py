"""Several runs as one text: mean, half the 95 % interval, worst."""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from statistics import mean

from scipy import stats


def half_interval(values: Sequence[float]) -> float:
    """Half the 95 % interval of the mean, by Student's t; NaN for fewer than two values."""
    if len(values) < 2:
        return math.nan
    centre = mean(values)
    deviation = math.sqrt(sum((value - centre) ** 2 for value in values) / (len(values) - 1))
    return float(stats.t.ppf(0.975, len(values) - 1)) * deviation / math.sqrt(len(values))


def by_people(found: Iterable[tuple[Hashable, float]]) -> list[float]:
    """Mean over the runs of each: seeds of one person are not independent of each other."""
    values: dict[Hashable, list[float]] = {}
    for who, value in found:
        values.setdefault(who, []).append(value)
    return [mean(own) for own in values.values()]


def known(values: Iterable[float | None]) -> list[float]:
    """Those that are a number."""
    return [value for value in values if value is not None and not math.isnan(value)]


def spread(
    found: Sequence[tuple[Hashable, float | None]], worst: Callable[[Iterable[float]], float] | None = None
) -> str:
    """Fractions of (who, fraction) in percent: ``mean ± half interval over who (worst run)``; empty without any."""
    there = [(who, 100 * value) for who, fraction in found for value in known([fraction])]
    if not there:
        return ""
    means = by_people(there)
    half = f" ± {half_interval(means):.1f}" if len(means) > 1 else ""
    last = f" ({worst(value for _, value in there):.1f})" if worst else ""
    return f"{mean(means):.1f}{half}{last}"
