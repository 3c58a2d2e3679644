"""What may come of a promise: the words, their order and how they look, everywhere."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["passed", "partial", "too few photos to say", "not measured", "failed"]

PASSED: Outcome = "passed"
PARTIAL: Outcome = "partial"
TOO_FEW: Outcome = "too few photos to say"
NOT_MEASURED: Outcome = "not measured"
FAILED: Outcome = "failed"

# Rendered people say little about real ones: what was measured on them alone is never called passed.
RENDERED_ONLY = "judged on rendered people only"


@dataclass(frozen=True)
class OutcomeLook:
    """How an outcome looks.

    Attributes:
        mark: A character beside the word: colour is never all that tells outcomes apart.
        tone: Colour on pages and in print, ``#rrggbb``.
        terminal: Colour in a terminal.
    """

    mark: str
    tone: str
    terminal: str


# From best to worst. Green is for passed alone.
LOOKS: Mapping[Outcome, OutcomeLook] = {
    PASSED: OutcomeLook("✓", "#1a7f4b", "green"),
    PARTIAL: OutcomeLook("~", "#8a5a00", "yellow"),
    TOO_FEW: OutcomeLook("?", "#8a5a00", "yellow"),
    NOT_MEASURED: OutcomeLook("?", "#5b6675", "dim"),
    FAILED: OutcomeLook("✕", "#b3261e", "red"),
}
_ORDER = tuple(LOOKS)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst of several; not measured where there is none."""
    return max(outcomes, key=_ORDER.index, default=NOT_MEASURED)
