"""What the sections share: names, tables, reasons."""

from collections.abc import Sequence

from faceforget.audit.estimates import Measured
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.section import Number, Row, Table
from faceforget.audit.shown.words import (
    NOT_MEASURED,
    amount_with_interval,
    listed,
    photos_of,
    rate,
    rate_with_interval,
    reasons,
    shown_name,
)

# In a table of a section, what no model was asked about.
_NOTHING = "—"


def who(report: AuditReport) -> str:
    """The erased persons, as people write names."""
    return listed([shown_name(person) for person in report.check.people])


def reference_name(report: AuditReport) -> str:
    """The reference in the few words that fit beside a mark."""
    words = report.reference.lower()
    if "stranger" in words:
        return "rendered strangers in their place" if "rendered" in words else "strangers in their place"
    return "retrained model" if "retrain" in words or "enrolled without" in words else "reference"


def has_reference(report: AuditReport) -> bool:
    """Whether there was a retrained model, or strangers."""
    return not report.reference.startswith("nothing:")


def reference_line(report: AuditReport) -> str:
    """What stands beside the numbers of a section."""
    return f"{report.reference[0].upper()}{report.reference[1:]}."


def table(report: AuditReport, title: str, rows: Sequence[Row], *, percent: bool = True) -> Table:
    """All numbers of a chart; not ``percent``: as they are, with two digits."""
    referenced = any(row.reference is not None for row in rows)
    head = (
        "Share of photos" if percent else "",
        "before",
        "after",
        *((reference_name(report),) if referenced else ()),
        "photos",
    )
    return Table(title, head, tuple(_line(row, referenced, percent) for row in rows))


def _line(row: Row, referenced: bool, percent: bool) -> tuple[str, ...]:
    sides = row.sides if referenced else row.sides[:2]
    words = rate_with_interval if percent else amount_with_interval
    cells = (_NOTHING if measured is None else words(measured) for measured in sides)
    return (row.words, *cells, _photos(row))


def _photos(row: Row) -> str:
    found = next((measured for measured in (row.after, row.before) if measured is not None), None)
    return _NOTHING if found is None else str(photos_of(found)).split()[0]


def missing(rows: Sequence[Row]) -> tuple[str, ...]:
    """Why some numbers of the model after could not be measured."""
    return reasons((row.words, row.after) for row in rows)


def measured(rows: Sequence[Row]) -> list[Row]:
    """Rows of which anything could be measured: the others are named in words."""
    return [row for row in rows if any(side is not None and side.value is not None for side in row.sides)]


def known(*values: Measured | None) -> bool:
    """Whether all of them could be measured."""
    return all(value is not None and value.value is not None for value in values)


def number(what: str, before: Measured | None, after: Measured | None) -> Number:
    """A share before and after, for the first screen."""
    old, new = rate(before), rate(after)
    return Number(what, "" if old == new == NOT_MEASURED else old, new)


def sentence(text: str) -> str:
    """With a capital letter in front."""
    return text[:1].upper() + text[1:]
