"""Were the promises kept? Verdicts from the figures of an audit and the criteria of its questions.

A verdict is never better than its evidence:

- a promise is as good as the worst of its criteria, and not measured where a leading one could not be;
- a figure that would pass, or pass in part, but whose 95 % interval reaches into what fails, gives
  *too few photos to say*; one that fails at its value has failed;
- what says nothing about the promise (the model before did not name the person; the model after tells nobody apart)
  is not measured, with the reason;
- what was measured on rendered people alone may fail, and never passes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from faceforget.audit.estimates import Measured
from faceforget.audit.outcomes import FAILED, NOT_MEASURED, PARTIAL, PASSED, RENDERED_ONLY, TOO_FEW, Outcome, worst

__all__ = ["Criterion", "Figure", "Finding", "Outcome", "Verdict", "judge", "photos_needed"]


# Of fewer photos, and of a smaller share of them, a criterion that does not lead is a hint and no more.
_HINT, _MOST = 3, 0.5


class Criterion(BaseModel):
    """One line of a promise; all of them stand in ``verdict.toml``, which says what they mean.

    Attributes:
        why: Why it is as it is; a comment in ``verdict.toml``, and in no receipt.
        unit: Of its figure, and of thresholds that are compared with zero, where these are no shares.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: str
    reference: Literal["zero", "before", "reference", "strangers"]
    compare: Literal["difference", "ratio"]
    at: Literal["most", "least"]
    passed: float
    partial: float
    leading: bool = False
    sure: float | None = None
    needs: str = ""
    option: str = ""
    why: str = Field(default="", exclude=True)
    unit: str = Field(default="", exclude=True)

    @property
    def surely(self) -> float:
        """What the whole interval must keep to for *passed*."""
        return self.partial if self.sure is None else self.sure


@dataclass(frozen=True)
class Figure:
    """One number of the model after, with what it may be compared with.

    Attributes:
        after: Of the model after.
        before: The same of the model before.
        reference: Of a retrained model, or of strangers in the person's place.
        strangers: Of strangers in the model after.
        change: After minus before on the same photos, where its interval is known.
        says_nothing: Why the figure says nothing about the promise; empty where it does.
        rendered: Whether it was measured on rendered people alone, who stood in for others.
        about: What it shows of the person: that the model does not name them, which says nothing where the model before
            did not; or that it does not know their face, which says nothing either where it knows nobody's.
    """

    after: Measured | None
    before: Measured | None = None
    reference: Measured | None = None
    strangers: Measured | None = None
    change: Measured | None = None
    says_nothing: str = ""
    rendered: bool = False
    about: Literal["", "name", "face"] = ""


@dataclass(frozen=True)
class Finding:
    """How one criterion came out.

    Attributes:
        name: Its name in ``verdict.toml``.
        criterion: Its words and thresholds.
        outcome: What may be said of it.
        at_value: What its value alone would say, were there any number of photos.
        value: Of the model after.
        reference: What it was compared with; None where that could not be measured.
        photos: How many photos the value rests on.
        interval: 95 % interval of the value.
        reason: Why it is not measured, or why the photos are too few; empty otherwise.
        option: The option that would measure it; empty where none would.
    """

    name: str
    criterion: Criterion
    outcome: Outcome
    at_value: Outcome
    value: float | None
    reference: float | None
    photos: int
    interval: tuple[float, float] | None
    reason: str = ""
    option: str = ""


@dataclass(frozen=True)
class Verdict:
    """Findings by promise."""

    findings: Mapping[str, tuple[Finding, ...]]

    def of(self, promise: str) -> Outcome:
        """The worst finding; one that could not be measured counts only if it leads."""
        return worst(finding.outcome for finding in self.counted(promise))

    def at_value(self, promise: str) -> Outcome:
        """What the values alone would say, were there any number of photos; for tables over many erasures."""
        counted = self.counted(promise)
        return worst(f.outcome if f.outcome == NOT_MEASURED else f.at_value for f in counted)

    def counted(self, promise: str) -> tuple[Finding, ...]:
        """Findings that the promise rests on."""
        found = self.findings[promise]
        return tuple(f for f in found if f.outcome != NOT_MEASURED or f.criterion.leading)

    def reason(self, promise: str) -> str:
        """Why there is no better verdict where photos or measurements are missing; empty otherwise."""
        outcome = self.of(promise)
        reasons = [f.reason for f in self.findings[promise] if f.outcome == outcome and f.reason]
        return RENDERED_ONLY if RENDERED_ONLY in reasons else next(iter(reasons), "")

    def option(self, promise: str) -> str:
        """The option that would measure a promise that was not; empty where none would."""
        missing = [f for f in self.counted(promise) if f.outcome == NOT_MEASURED and f.option]
        return missing[0].option if missing and self.of(promise) == NOT_MEASURED else ""

    def holds_so_far(self, promise: str) -> bool:
        """Whether nothing speaks against the promise but, at most, that there were too few photos."""
        counted = [finding for finding in self.counted(promise) if finding.outcome != NOT_MEASURED]
        return self.of(promise) in (PASSED, TOO_FEW) and not any(_speaks_against(finding) for finding in counted)

    def to_dict(self) -> dict[str, object]:
        """The outcome of each promise."""
        return {promise: self.of(promise) for promise in self.findings}


def judge(figures: Mapping[str, Figure], criteria: Mapping[str, Mapping[str, Criterion]]) -> Verdict:
    """Compare figures with their criteria.

    Args:
        figures: By the criterion's name; one that is missing counts as not measured.
        criteria: By promise and name, as :func:`faceforget.audit.thresholds.thresholds` gives them.
    """
    nothing = Figure(None)
    return Verdict(
        {
            promise: tuple(_finding(name, rule, figures.get(name, nothing)) for name, rule in rules.items())
            for promise, rules in criteria.items()
        }
    )


def photos_needed(limit: float) -> int:
    """How many photos without a single hit have a 95 % interval that ends by ``limit``: 35 for 0.10."""
    z = NormalDist().inv_cdf(0.975)
    return math.ceil(z * z * (1 - limit) / limit)


def _finding(name: str, rule: Criterion, figure: Figure) -> Finding:
    after = figure.after
    reference = 0.0 if rule.reference == "zero" else _value(getattr(figure, rule.reference))
    value = _value(after)
    photos, interval = (after.photos, after.interval) if after else (0, None)
    at_value = _outcome(rule, _compared(rule, value, reference))
    outcome, reason = _believed(rule, figure, at_value, reference)
    option = rule.option if outcome == NOT_MEASURED and not figure.says_nothing else ""
    return Finding(name, rule, outcome, at_value, value, reference, photos, interval, reason, option)


def _speaks_against(finding: Finding) -> bool:
    """Whether a value does, whatever the number of photos.

    An old row that is put back wins on a photo in ten of an honest erasure where few people are enrolled, and on all in
    a model that never met the person: what does not lead speaks from three photos on, where it holds of most of them.
    """
    if finding.at_value != PARTIAL or finding.criterion.leading or finding.criterion.at == "least":
        return finding.at_value in (PARTIAL, FAILED)
    return finding.photos >= _HINT and (finding.value or 0.0) > _MOST


def _believed(rule: Criterion, figure: Figure, at_value: Outcome, reference: float | None) -> tuple[Outcome, str]:
    """What may be said, and why it is no more."""
    if figure.says_nothing:
        return NOT_MEASURED, figure.says_nothing
    if at_value == NOT_MEASURED:
        return _missing(rule, figure.after)
    if figure.rendered and at_value == PASSED:
        return NOT_MEASURED, RENDERED_ONLY
    end = _bad_end(rule, figure, reference)
    limit = rule.surely if at_value == PASSED else rule.partial
    if at_value == FAILED or end is None or _within(rule, end, limit):
        return at_value, ""
    return TOO_FEW, _too_few(rule, figure, end, limit)


def _missing(rule: Criterion, after: Measured | None) -> tuple[Outcome, str]:
    note = getattr(after, "note", "") if _value(after) is None else ""
    if getattr(after, "few", False):
        return TOO_FEW, note
    return NOT_MEASURED, note or rule.needs


def _bad_end(rule: Criterion, figure: Figure, reference: float | None) -> float | None:
    """The comparison at the end of the interval that is worse; None where there is no interval to compare."""
    measured = figure.change if rule.reference == "before" else figure.after
    if measured is None or measured.interval is None or reference is None:
        return None
    end = measured.interval[1 if rule.at == "most" else 0]
    return end if rule.reference == "before" else _compared(rule, end, reference)


def _too_few(rule: Criterion, figure: Figure, end: float, limit: float) -> str:
    photos = figure.after.photos if figure.after else 0
    counted = f"{photos} photo" if photos == 1 else f"{photos} photos"
    reach = f"{100 * end:+.1f} points" if rule.reference == "before" else f"{100 * end:.0f} %"
    bound = f"{100 * limit:+g} points" if rule.reference == "before" else f"{100 * limit:g} %"
    of = " of the reference" if rule.compare == "ratio" else ""
    more = f"; {photos_needed(limit)} photos without one would do" if rule.reference == "zero" and limit < 1 else ""
    return f"{counted}: the 95 % interval reaches {reach}{of}, beyond {bound}{more}"


def _value(measured: Measured | None) -> float | None:
    return measured.value if measured else None


def _compared(rule: Criterion, value: float | None, reference: float | None) -> float | None:
    if value is None or reference is None or (rule.compare == "ratio" and reference == 0):
        return None
    return value - reference if rule.compare == "difference" else value / reference


def _outcome(rule: Criterion, compared: float | None) -> Outcome:
    if compared is None:
        return NOT_MEASURED
    if _within(rule, compared, rule.passed):
        return PASSED
    return PARTIAL if _within(rule, compared, rule.partial) else FAILED


def _within(rule: Criterion, compared: float, limit: float) -> bool:
    sign = 1 if rule.at == "most" else -1
    # Rounded: 0.97 - 0.99 is not to fail at -0.02 for the last bit.
    return round(sign * (compared - limit), 9) <= 0
