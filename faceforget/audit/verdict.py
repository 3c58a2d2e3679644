"""Were the promises kept? Verdicts from the figures of an audit and the thresholds in ``verdict.toml``."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from faceforget.audit.estimates import Measured

Outcome = Literal["passed", "partial", "failed", "not measured"]

# From best to worst; a promise is as good as the worst of its criteria.
_ORDER: tuple[Outcome, ...] = ("passed", "partial", "failed")


class Criterion(BaseModel):
    """One line of a promise; see ``verdict.toml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: str
    reference: Literal["zero", "before", "reference", "strangers"]
    compare: Literal["difference", "ratio"]
    at: Literal["most", "least"]
    passed: float
    partial: float


@dataclass(frozen=True)
class Figure:
    """One number of the model after, with what it may be compared with."""

    after: Measured | None
    before: Measured | None = None
    reference: Measured | None = None
    strangers: Measured | None = None


@dataclass(frozen=True)
class Finding:
    """How one criterion came out.

    Attributes:
        name: Its name in ``verdict.toml``.
        criterion: Its words and thresholds.
        outcome: Passed, partial, failed, or not measured.
        value: Of the model after.
        reference: What it was compared with; None where that could not be measured.
        photos: How many photos the value rests on.
        interval: 95 % interval of the value.
    """

    name: str
    criterion: Criterion
    outcome: Outcome
    value: float | None
    reference: float | None
    photos: int
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Verdict:
    """Findings by promise."""

    findings: Mapping[str, tuple[Finding, ...]]

    def of(self, promise: str) -> Outcome:
        """The worst finding that could be measured."""
        measured = [finding.outcome for finding in self.findings[promise] if finding.outcome != "not measured"]
        return max(measured, key=_ORDER.index) if measured else "not measured"

    def to_dict(self) -> dict[str, object]:
        """The outcome of each promise."""
        return {promise: self.of(promise) for promise in self.findings}


def thresholds() -> dict[str, dict[str, Criterion]]:
    """The criteria of each promise, from ``verdict.toml``."""
    content = tomllib.loads(files("faceforget.audit").joinpath("verdict.toml").read_text("utf-8"))
    return {
        promise: {name: Criterion.model_validate(values) for name, values in criteria.items()}
        for promise, criteria in content.items()
    }


def judge(figures: Mapping[str, Figure], criteria: Mapping[str, Mapping[str, Criterion]] | None = None) -> Verdict:
    """Compare figures with their criteria.

    Args:
        figures: By the criterion's name; one that is missing counts as not measured.
        criteria: By promise; those of ``verdict.toml`` if None.
    """
    criteria = thresholds() if criteria is None else criteria
    nothing = Figure(None)
    return Verdict(
        {
            promise: tuple(_finding(name, rule, figures.get(name, nothing)) for name, rule in rules.items())
            for promise, rules in criteria.items()
        }
    )


def _finding(name: str, rule: Criterion, figure: Figure) -> Finding:
    after = figure.after
    reference = 0.0 if rule.reference == "zero" else _value(getattr(figure, rule.reference))
    value = _value(after)
    photos, interval = (after.photos, after.interval) if after else (0, None)
    return Finding(name, rule, _outcome(rule, value, reference), value, reference, photos, interval)


def _value(measured: Measured | None) -> float | None:
    return measured.value if measured else None


def _outcome(rule: Criterion, value: float | None, reference: float | None) -> Outcome:
    if value is None or reference is None or (rule.compare == "ratio" and reference == 0):
        return "not measured"
    compared = value - reference if rule.compare == "difference" else value / reference
    sign = 1 if rule.at == "most" else -1
    # Rounded: 0.97 - 0.99 is not to fail at -0.02 for the last bit.
    return next((o for o in _ORDER[:2] if round(sign * (compared - getattr(rule, o)), 9) <= 0), "failed")
