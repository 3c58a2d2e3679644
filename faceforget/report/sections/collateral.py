"""What did the erasure cost everybody else?"""

from faceforget.audit.estimates import Estimate, Rate, Sides
from faceforget.audit.measures.collateral import LookAlike, RetainedPerson
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.words import NOT_MEASURED, listed, photos, rate, reasons, share, shown_name
from faceforget.report.charts import Row, ranges
from faceforget.report.document import Chart, Section, Table
from faceforget.report.sections.common import known, measured, missing, table

# The chart of look-alikes names so many at most.
_LOOK_ALIKES = 5


def section(report: AuditReport) -> Section:
    """Look-alikes, the worst person, strangers and “unknown”."""
    rows, people = _rows(report), _people(report)
    charts = []
    if measured(rows):
        charts.append(Chart(ranges(measured(rows)), "Everybody else, before and after. Bars: 95 % intervals."))
    if measured(people):
        words = (
            "The people who look most like the erased, and the one who lost most: photos whose best candidate is right."
        )
        charts.append(Chart(ranges(measured(people)), words))
    found = report.collateral
    return Section(
        title="What did it cost everybody else?",
        sentence=_sentence(report),
        charts=tuple(charts),
        missing=(*missing(rows), *_changes_missing(report)),
        method="The same photos before and after, so a change has its own interval, narrower than those of the two "
        "numbers. "
        "Look-alikes: the people whose rows are nearest to the erased person's row. Strangers: nearest neighbour among "
        "three photos of each stranger.",
        basis=f"{photos(found.retained_unknown.after.photos)} of people who stay, "
        f"{photos(found.strangers_named.after.photos)} "
        "of strangers; Wilson intervals, for changes a bootstrap over people.",
        reference="The model before, on the same photos.",
        tables=(_changes(report), table(report, "All shares", rows), *([_look_alikes(report)] if people else [])),
    )


def _rows(report: AuditReport) -> list[Row]:
    found, accuracy = report.collateral, report.check.accuracy
    return [
        Row("People who stay: named rightly", accuracy.before.retained_named, accuracy.after.retained_named),
        _row("People who stay: called unknown", found.retained_unknown),
        _row("Strangers: given somebody's name", found.strangers_named),
        _row("Strangers: nearest photo is of the same person", found.strangers_nearest),
    ]


def _row(words: str, sides: Sides[Rate] | Sides[Estimate] | Sides[Rate | Estimate]) -> Row:
    return Row(words, sides.before, sides.after)


def _people(report: AuditReport) -> list[Row]:
    found = report.collateral
    rows = [
        Row(f"{_fits(person.name)} (similarity {person.similarity:.2f})", person.accuracy.before, person.accuracy.after)
        for person in found.look_alikes[:_LOOK_ALIKES]
    ]
    if found.worst is not None and _lost(found.worst):
        rows.append(
            Row(f"{_fits(found.worst.name)}, lost most", found.worst.accuracy.before, found.worst.accuracy.after)
        )
    return rows


def _lost(person: RetainedPerson) -> bool:
    return person.accuracy.after.hits < person.accuracy.before.hits


def _fits(name: str) -> str:
    words = shown_name(name)
    return words if len(words) <= 24 else words[:23].rstrip() + "…"


def _changed(report: AuditReport) -> tuple[tuple[str, Estimate], ...]:
    found = report.collateral
    return (
        ("People who stay: best candidate is right", found.accuracy_change),
        ("People who stay: named rightly, not unknown", found.named_change),
        ("Strangers: nearest photo is of the same person", found.strangers_nearest_change),
    )


def _changes_missing(report: AuditReport) -> tuple[str, ...]:
    return reasons((f"change of “{words}”", change) for words, change in _changed(report))


def _changes(report: AuditReport) -> Table:
    rows = tuple(
        (words, points(change), interval_in_points(change), str(change.photos)) for words, change in _changed(report)
    )
    return Table("Changes, after minus before", ("In points of 100", "change", "95 % interval", "photos"), rows)


def points(change: Estimate) -> str:
    """A change of a share in points, with its sign."""
    return NOT_MEASURED if change.value is None else f"{100 * change.value:+.1f}"


def interval_in_points(change: Estimate) -> str:
    """Its interval."""
    if change.interval is None:
        return "—"
    return " to ".join(f"{100 * end:+.1f}" for end in change.interval)


def _look_alikes(report: AuditReport) -> Table:
    worst = report.collateral.worst
    people = [*report.collateral.look_alikes, *([worst] if worst is not None and _lost(worst) else [])]
    rows = tuple(
        (
            f"{person.number}. {shown_name(person.name)}",
            _why(person),
            rate(person.accuracy.before), rate(person.accuracy.after), str(person.accuracy.after.photos),
        )
        for person in people
    )  # fmt: skip
    return Table("Single people", ("Row and name", "", "before", "after", "photos"), rows)


def _why(person: RetainedPerson) -> str:
    """Why a person is in the table."""
    if isinstance(person, LookAlike):
        return f"looks like {shown_name(person.erased)} ({person.similarity:.2f})"
    return "lost most"


def _sentence(report: AuditReport) -> str:
    found, accuracy = report.collateral, report.check.accuracy
    parts: list[str] = []
    if known(accuracy.after.retained_named, accuracy.before.retained_named):
        parts.append(
            f"people who stay are named rightly on {rate(accuracy.after.retained_named)} of their photos "
            f"(before: {rate(accuracy.before.retained_named)})"
        )
    if known(found.strangers_nearest.after):
        parts.append(
            f"strangers are told apart on {rate(found.strangers_nearest.after)} "
            f"(before: {rate(found.strangers_nearest.before)})"
        )
    if not parts:
        return "No photos of other people were given: what the erasure cost them was not measured."
    text = listed(parts)
    return f"{text[0].upper()}{text[1:]}. {_worst(report)}".strip()


def _worst(report: AuditReport) -> str:
    worst = report.collateral.worst
    if worst is None or not known(worst.accuracy.before, worst.accuracy.after):
        return ""
    if not _lost(worst):
        return "Nobody who stays lost a photo."
    return (
        f"{shown_name(worst.name)} lost most: {share(worst.accuracy.before.value)} before, "
        f"{share(worst.accuracy.after.value)} after, on {photos(worst.accuracy.after.photos)}."
    )
