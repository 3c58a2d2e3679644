"""Numbers and names as a reader meets them."""

from collections.abc import Iterable, Sequence

from faceforget.audit import outcomes
from faceforget.audit.estimates import Measured

NOT_MEASURED: str = outcomes.NOT_MEASURED
_NBSP = "\u00a0"


def shown_name(label: str) -> str:
    """A label as people write names."""
    return label.replace("_", " ")


def listed(names: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}" if names else ""


def in_steps(count: int) -> str:
    """How an erasure went: a method in closed form takes no training steps."""
    return "without training" if count == 0 else f"in {count} step{'' if count == 1 else 's'}"


def share(value: float | None) -> str:
    """A fraction in per cent: ``97.5 %``; never rounded to 0 or 100 unless it is."""
    if value is None:
        return NOT_MEASURED
    text = f"{100 * value:.0f}" if 100 * value in (0, 100) else f"{100 * value:.1f}"
    if text in ("0.0", "100.0"):
        text = "< 0.1" if text == "0.0" else "> 99.9"
    return f"{text.removesuffix('.0')}{_NBSP}%"


def rate(measured: Measured | None) -> str:
    """A measured fraction in per cent."""
    return share(measured.value if measured else None)


def amount(value: float | None, digits: int = 2) -> str:
    """A number that is no share."""
    return NOT_MEASURED if value is None else f"{value:.{digits}f}"


def interval(measured: Measured | None) -> str:
    """``12 to 40 %``; empty without one."""
    if measured is None or measured.interval is None:
        return ""
    low, high = measured.interval
    return f"{100 * low:.0f} to {100 * high:.0f}{_NBSP}%"


def rate_with_interval(measured: Measured | None) -> str:
    """``97.5 % (91 to 99 %)``."""
    found = interval(measured)
    return f"{rate(measured)} ({found})" if found else rate(measured)


def amount_with_interval(measured: Measured | None) -> str:
    """``0.38 (0.15 to 0.62)``."""
    text = amount(measured.value if measured else None)
    if measured is None or measured.interval is None:
        return text
    return f"{text} ({amount(measured.interval[0])} to {amount(measured.interval[1])})"


def photos(count: int) -> str:
    """``1 photo``, ``12 photos``."""
    return f"{count} photo" if count == 1 else f"{count} photos"


def photos_of(measured: Measured | None) -> str:
    """On how many photos a number rests."""
    return photos(measured.photos) if measured else photos(0)


def reasons(named: Iterable[tuple[str, Measured | None]]) -> tuple[str, ...]:
    """Why some could not be measured: ``what: why``, those with the same reason together."""
    found: dict[str, list[str]] = {}
    for what, measured in named:
        if measured is None or measured.value is None:
            note = getattr(measured, "note", "") or "there were no photos for it"
            found.setdefault(note, []).append(what)
    return tuple(f"Not measured: {'; '.join(dict.fromkeys(what))}. Why: {why}." for why, what in found.items())
