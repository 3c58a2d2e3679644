"""Is the person recognised once they are enrolled again?"""

from collections.abc import Mapping

from faceforget.audit.estimates import Estimate
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.words import photos_of, rate
from faceforget.report.charts import AFTER_SIDE, BEFORE_SIDE, REFERENCE_SIDE, Row, curves, ranges
from faceforget.report.document import Chart, Section
from faceforget.report.sections.common import known, measured, missing, reference_line, reference_name, table, who


def section(report: AuditReport) -> Section:
    """Re-enrolment and the prototype attack."""
    sides, rows, attack = report.reenrolment, _rows(report), _attack(report)
    counts = list(sides.after)
    series = [(BEFORE_SIDE, _along(sides.before, counts)), (AFTER_SIDE, _along(sides.after, counts))]
    if sides.reference is not None:
        series.append((REFERENCE_SIDE, _along(sides.reference, counts)))
    charts = []
    if measured(rows):
        words = "Enrolled again: share of the other photos in which the person is the best candidate."
        charts.append(
            Chart(curves(counts, series, along="photos enrolled again", reference=reference_name(report)), words)
        )
    if measured(attack):
        words = "Prototype attack: the person's row is made anew from the photos that the erasure read."
        charts.append(Chart(ranges(measured(attack), reference=reference_name(report)), words))
    return Section(
        title="Is the person recognised when enrolled again?",
        sentence=_sentence(report),
        charts=tuple(charts),
        missing=missing([*rows, *attack[:1]]),
        method="The person joins the gallery of everybody who stays, with the mean of 1, 5 or 10 of their photos; "
        "rank-1 "
        "on photos that were not drawn, averaged over draws. Prototype attack: Ha, Park and Yoon 2025 "
        "(arXiv 2506.01318), a new row in the head without any training.",
        basis=f"{photos_of(sides.after.get('5'))} of {who(report)}; intervals from a bootstrap over these photos.",
        reference=reference_line(report)
        + " A network recognises most strangers once they are enrolled, so a number near "
        "this reference is no trace of an enrolment; only one well below it says that the face itself is lost on the "
        "model.",
        tables=(table(report, "All numbers on enrolling again", [*rows, *attack]),),
    )


def _along(side: Mapping[str, Estimate], counts: list[str]) -> list[Estimate | None]:
    return [side.get(count) for count in counts]


def _rows(report: AuditReport) -> list[Row]:
    sides = report.reenrolment
    reference = sides.reference or {}
    return [
        Row(f"Enrolled again from {_many(count)}", sides.before.get(count), sides.after[count], reference.get(count))
        for count in sides.after
    ]


def _many(count: str) -> str:
    return "1 photo" if count == "1" else f"{count} photos"


def _attack(report: AuditReport) -> list[Row]:
    sides = report.prototype

    def row(words: str, key: str) -> Row:
        return Row(
            words, *(getattr(side, key) if side else None for side in (sides.before, sides.after, sides.reference))
        )

    rows = [
        row("New row: the person is the best candidate", "forgotten"),
        row("New row: the person is named, not unknown", "forgotten_named"),
        row("With the new row, people who stay are right", "retained"),
    ]
    return [row for row in rows if row.after is not None]


def _sentence(report: AuditReport) -> str:
    sides, name = report.reenrolment, who(report)
    old, new, reference = sides.before.get("5"), sides.after.get("5"), (sides.reference or {}).get("5")
    if new is None or new.value is None:
        return f"Whether {name} is recognised when enrolled again could not be measured from five photos."
    compared = f" ({reference_name(report)}: {rate(reference)})" if reference is not None and known(reference) else ""
    first = (
        f"Enrolled again from five photos, {name} is recognised in {rate(new)} of the other photos; before it was "
        f"{rate(old)}{compared}."
    )
    attack = report.prototype.after.forgotten
    if not known(attack):
        return first
    return f"{first} A new row made from the photos that the erasure read is right in {rate(attack)}."
