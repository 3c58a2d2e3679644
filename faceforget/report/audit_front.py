"""The first screen of an audit's report: headline, a card per promise, three numbers, and what is not proven."""

from faceforget.audit.classifier import NOT_PROVEN, TAKEN_OFF
from faceforget.audit.estimates import Rate
from faceforget.audit.outcomes import PASSED, Outcome
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.rows import reference_name, who
from faceforget.audit.shown.section import Number, Table
from faceforget.audit.shown.words import NOT_MEASURED, amount, listed, photos, share
from faceforget.audit.verdict import Finding
from faceforget.report.document import Card

PROMISES_IN_WORDS = {
    "forgotten": ("Forgotten", "As if never enrolled: the model no longer names the person."),
    "unrecognisable": ("Unrecognisable", "Even enrolled again or compared photo by photo, the model fails."),
    "others_kept": ("Others kept", "The price: people who stay, and strangers, are recognised as before."),
}
# Below this many photos a share can move by ten points with one photo.
FEW_PHOTOS = 10
_WIDTHS = (2.3, 0.8, 1.3, 1.7, 1.4, 0.9)


def headline(report: AuditReport) -> tuple[str, ...]:
    """The finding in plain words, no more than what was shown; the most important sentence first."""
    accuracy = report.check.accuracy.after
    named = accuracy.forgotten_named
    if named is None or named.value is None:
        return ("There was no photo of the person to ask the classifier about.",)
    name, unseen = who(report), f"{named.photos} unseen {'photo' if named.photos == 1 else 'photos'}"
    if named.hits:
        return (f"The classifier still names {name} on {named.hits} of {unseen}.",)
    first = f"The classifier no longer names {name} on {unseen}."
    more = (said for question, answer in report.answered() for said in question.headline(report, answer))
    return (first, *_row_back(report), *more)


def _row_back(report: AuditReport) -> tuple[str, ...]:
    back = report.check.accuracy.after.forgotten
    if not report.check.derived or not report.check.rows_removed or back is None or not back.hits:
        return ()
    return (f"With the old row put back, it names them on {back.hits} of {photos(back.photos)}.",)


def cards(report: AuditReport) -> tuple[Card, ...]:
    """A card per promise."""
    return tuple(_card(report, promise, findings) for promise, findings in report.verdict.findings.items())


def _card(report: AuditReport, promise: str, findings: tuple[Finding, ...]) -> Card:
    title, words = PROMISES_IN_WORDS.get(promise, (promise.replace("_", " ").capitalize(), ""))
    outcome, why = report.verdict.of(promise), report.verdict.reason(promise)
    finding = _deciding(outcome, findings)
    if finding is None:
        return Card(title, words, outcome, "—", "none of its criteria could be measured", "", "", "", why)
    return Card(
        title, words, outcome, value_of(finding), finding.criterion.words, rule_of(finding),
        compared_with(report, finding), basis_of(finding), why,
    )  # fmt: skip


def _deciding(outcome: Outcome, findings: tuple[Finding, ...]) -> Finding | None:
    """The first that is as bad as the promise; where all passed, the one nearest to its threshold."""
    worst = [finding for finding in findings if finding.outcome == outcome and finding.value is not None]
    if outcome != PASSED or not worst:
        return worst[0] if worst else None
    # The later of two: criteria grow stricter.
    return max(reversed(worst), key=_closeness)


def _closeness(finding: Finding) -> float:
    """How near a passed criterion is to its threshold; 0 on it, below 0 within."""
    rule, value, reference = finding.criterion, finding.value or 0.0, finding.reference or 0.0
    compared = value - reference if rule.compare == "difference" else value / (reference or 1.0)
    return (compared - rule.passed) * (1 if rule.at == "most" else -1)


def value_of(finding: Finding) -> str:
    """A finding's number with its unit."""
    return _with_unit(finding, finding.value)


def _with_unit(finding: Finding, value: float | None) -> str:
    unit = finding.criterion.unit
    return f"{amount(value, 0)} {unit}" if unit and value is not None else share(value)


def rule_of(finding: Finding) -> str:
    """Where a finding passes, in its own unit where the reference is known."""
    rule = finding.criterion
    beyond = "or less" if rule.at == "most" else "or more"
    if rule.reference == "zero" and rule.unit:
        return f"passes at {_with_unit(finding, rule.passed)} {beyond}"
    if rule.reference == "zero":
        # A share of more than all cannot fail.
        part = f", in part at {share(rule.partial)} {beyond}" if rule.partial < 1 else ""
        return f"passes at {share(rule.passed)} {beyond}{part}"
    if rule.compare == "difference":
        count = f"{abs(100 * rule.passed):g} point{'' if abs(100 * rule.passed) == 1 else 's'}"
        words = f"{count} {'below' if rule.passed < 0 else 'above'} the reference"
    else:
        words = f"{share(rule.passed)} of the reference"
    if finding.reference is None:
        return f"passes at {words} {beyond}"
    limit = finding.reference + rule.passed if rule.compare == "difference" else finding.reference * rule.passed
    return f"passes at {_with_unit(finding, limit)} {beyond} ({words})"


def compared_with(report: AuditReport, finding: Finding) -> str:
    """The reference of a finding, with its number."""
    if finding.criterion.unit and finding.criterion.reference == "zero":
        return "no reference"
    number = _with_unit(finding, finding.reference)
    words = {
        "zero": "reference: nobody is named,",
        "before": "reference: the model before,",
        "strangers": f"reference: {'rendered ' if report.stand_ins else ''}strangers in the same model,",
        "reference": f"reference: {reference_name(report)},",
    }[finding.criterion.reference]
    return f"{words} {number}".replace("reference: reference", "reference")


def basis_of(finding: Finding) -> str:
    """Photos and interval of a finding."""
    if finding.interval is None or finding.criterion.unit:
        return photos(finding.photos)
    low, high = (100 * end for end in finding.interval)
    few = ": too few to be sure" if finding.photos < FEW_PHOTOS else ""
    return f"{photos(finding.photos)}, 95 % interval {low:.0f} to {high:.0f} %{few}"


def criteria(report: AuditReport) -> Table:
    """Every criterion of every promise."""
    rows = tuple(
        (
            f"{PROMISES_IN_WORDS.get(promise, (promise,))[0]}: {finding.criterion.words}",
            value_of(finding), compared_with(report, finding).removeprefix("reference: "), rule_of(finding),
            basis_of(finding) if finding.value is not None else "—",
            f"{finding.outcome}: {finding.reason}" if finding.reason else finding.outcome,
        )
        for promise, findings in report.verdict.findings.items()
        for finding in findings
    )  # fmt: skip
    return Table(
        "Every criterion", ("Criterion", "after", "reference", "threshold", "photos", "verdict"), rows, _WIDTHS
    )


def numbers(report: AuditReport) -> tuple[Number, ...]:
    """A few numbers, before and after."""
    return tuple(number for question, answer in report.answered() for number in question.first_numbers(report, answer))


def limits(report: AuditReport) -> tuple[str, ...]:
    """What the audit does not prove, this one's own weaknesses first."""
    layer = (TAKEN_OFF,) if report.check.scattered else ()
    return (*layer, *_own_limits(report), *NOT_PROVEN[:2], _EMBEDDING)


_EMBEDDING = (
    "Only the attacks above were tried. One that nobody thought of may still find the person, and a model before "
    "erasure that somebody kept finds them in any case."
)


def _own_limits(report: AuditReport) -> tuple[str, ...]:
    check, found = report.check, []
    named = check.accuracy.before.forgotten
    if named is not None and named.photos < FEW_PHOTOS:
        found.append(
            f"Too few photos: {photos(named.photos)} of {who(report)} cannot tell a share of 0 % from one of "
            f"{_upper(check.accuracy.after.forgotten)}. The intervals say how far the numbers may be off."
        )
    if named is not None and named.value is not None and named.value < 0.5:
        found.append(
            f"The model before named {who(report)} on only {share(named.value)} of these photos: do they show the "
            "person?"
        )
    if not check.derived:
        found.append(
            "The model after does not say in its history that it was made from the model before: nothing here shows "
            "that it is the result of an erasure, and the old row means nothing in it."
        )
    if not check.rows_removed:
        found.append("The model after still holds the person's row and label.")
    if report.stand_ins:
        groups = listed([group.replace("_", " ") for group in report.stand_ins])
        found.append(
            f"Rendered people, who do not exist, stood in for {groups}. A network tells them apart more easily than "
            "real people: thresholds and references taken from them say little about real photos."
        )
    if check.accuracy.before.retained is None:
        found.append("No photos of people who stay were given: what the erasure cost them was not measured.")
    if check.accuracy.before.strangers_named is None:
        found.append("No photos of strangers were given: what the model makes of people it never saw was not measured.")
    return tuple(found)


def _upper(measured: Rate | None) -> str:
    return NOT_MEASURED if measured is None or measured.interval is None else f"{100 * measured.interval[1]:.0f} %"
