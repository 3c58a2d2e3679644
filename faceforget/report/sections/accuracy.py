"""Is the person still named, and who gets their photos now?"""

from collections.abc import Mapping

from faceforget.audit.estimates import Measured
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.words import listed, photos_of, share, shown_name
from faceforget.recognizer.recognizer import UNKNOWN
from faceforget.report.charts import Row, ranges
from faceforget.report.charts_more import bars
from faceforget.report.document import Chart, Section, Table
from faceforget.report.sections.common import measured, missing, reference_name, table, who

_BARS = 7


def section(report: AuditReport) -> Section:
    """Accuracies and absorption."""
    name, rows = who(report), _rows(report)
    accuracy = report.check.accuracy
    retrained = accuracy.reference is not None
    beside = f" {reference_name(report).capitalize()}: in grey." if retrained else ""
    return Section(
        title="Is the person still named?",
        sentence=_sentence(report),
        charts=(
            Chart(
                ranges(measured(rows), reference=reference_name(report)),
                "Points: shares of photos. Bars: 95 % intervals.",
            ),
            Chart(
                bars(
                    _absorbed(accuracy.after.absorbed_by),
                    _absorbed(accuracy.reference.absorbed_by) if accuracy.reference else {},
                ),
                f"Whom the photos of {name} go to in the model as it is handed out.{beside}",
            ),
        ),
        missing=missing(rows),
        method="Each photo once and without augmentation. “Best candidate”: the most similar of all rows. “Named”: the "
        "same, and similar enough not to be called unknown. The old row is put back because a model without the row "
        "cannot name the person, whatever its features know.",
        basis=f"{photos_of(accuracy.after.forgotten)} of {name}, {photos_of(accuracy.after.retained)} of people who "
        f"stay, {photos_of(accuracy.after.strangers_named)} of strangers; Wilson intervals.",
        reference="Nobody's name: 0 % for the person. For everybody else the model before."
        + (" A retrained model stands beside both." if retrained else ""),
        tables=(table(report, "All accuracies", rows), _absorption(report), *_by_person(report)),
    )


def _rows(report: AuditReport) -> list[Row]:
    sides, name = report.check.accuracy, who(report)
    if len(name) > 28:
        name = "The person"

    def row(words: str, key: str) -> Row:
        reference = getattr(sides.reference, key) if sides.reference else None
        return Row(words, getattr(sides.before, key), getattr(sides.after, key), reference)

    return [
        row(f"{name}: named, the model as handed out", "forgotten_named"),
        row(f"{name}: best candidate, old row put back", "forgotten"),
        row("The same on the photos that the erasure read", "forgotten_train"),
        row("People who stay: best candidate is right", "retained"),
        row("People who stay: named rightly, not unknown", "retained_named"),
        row("Strangers: given somebody's name", "strangers_named"),
    ]


def _sentence(report: AuditReport) -> str:
    old, new = report.check.accuracy.before, report.check.accuracy.after
    named, back = new.forgotten_named, new.forgotten
    if named is None or back is None:
        return "There were no photos of the person."
    first = f"As it is handed out, the model names {who(report)} on {named.hits} of {photos_of(named)}"
    before = f" (before: {old.forgotten_named.hits})" if old.forgotten_named else ""
    row = f", with the old row put back on {back.hits}" if report.check.rows_removed and report.check.derived else ""
    return f"{first}{before}{row}. {_whom(new.absorbed_by, set(report.check.people))}"


def _whom(absorbed: Mapping[str, float], erased: set[str]) -> str:
    names = [(name, part) for name, part in absorbed.items() if name not in erased][:3]
    if not names:
        return ""
    if names[0] == (UNKNOWN, 1.0):
        return "All of the photos are now called unknown."
    parts = [
        f"{share(part)} are {'called unknown' if name == UNKNOWN else f'taken for {shown_name(name)}'}"
        for name, part in names
    ]
    others = len(absorbed) - len(erased & set(absorbed)) - len(names)
    more = [f"the rest for {others} other people" if others > 1 else "the rest for one other person"] if others else []
    return f"Of the photos {listed([*parts, *more])}."


def _absorbed(shares: Mapping[str, float]) -> dict[str, float]:
    """The largest shares, the others together."""
    names = list(shares.items())
    shown = {shown_name(name): part for name, part in names[:_BARS]}
    rest = names[_BARS:]
    return {**shown, **({f"{len(rest)} others": sum(part for _, part in rest)} if rest else {})}


def _absorption(report: AuditReport) -> Table:
    sides = report.check.accuracy
    reference = sides.reference.absorbed_by if sides.reference else None
    names = dict.fromkeys([*sides.after.absorbed_by, *sides.before.absorbed_by, *(reference or {})])

    def cells(name: str) -> tuple[str, ...]:
        found = (sides.before.absorbed_by, sides.after.absorbed_by, *((reference,) if reference is not None else ()))
        return tuple(share(part.get(name, 0.0)) for part in found)

    head = ("Name given", "before", "after", *((reference_name(report),) if reference is not None else ()))
    return Table("Who gets the photos", head, tuple((shown_name(name), *cells(name)) for name in names))


def _by_person(report: AuditReport) -> tuple[Table, ...]:
    old, new = report.check.accuracy.before.retained_by_person, report.check.accuracy.after.retained_by_person
    if not new:
        return ()

    def value(found: Measured | None) -> float:
        return found.value or 0.0 if found else 0.0

    changed = [name for name in new if value(new[name]) != value(old.get(name))]
    if not changed:
        return ()
    order = sorted(changed, key=lambda name: (value(new[name]) - value(old.get(name)), name))
    rows = tuple(
        (
            shown_name(name),
            share(old[name].value if name in old else None),
            share(new[name].value),
            str(new[name].photos),
        )
        for name in order
    )
    return (
        Table(
            f"People who stay for whom something changed: {len(changed)} of {len(new)}",
            ("Best candidate is right", "before", "after", "photos"),
            rows,
        ),
    )
