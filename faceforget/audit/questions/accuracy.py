"""Is the person still named, and who gets their photos now?"""

from collections.abc import Mapping
from typing import ClassVar

from faceforget.audit.estimates import Measured, Sides
from faceforget.audit.measures.accuracy import Accuracies
from faceforget.audit.question import Criteria, Material, Question
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.rows import measured, missing, number, reference_name, table, who
from faceforget.audit.shown.section import Bars, Chart, Number, Ranges, Row, Section, Table
from faceforget.audit.shown.words import listed, photos_of, share, shown_name
from faceforget.audit.verdict import Criterion, Figure
from faceforget.recognizer.recognizer import UNKNOWN

_BARS = 7


class StillNamed(Question[Sides[Accuracies]]):
    """What the classifier says; the check that comes before every question has asked it already."""

    name = "accuracy"
    place = 10
    asks = "Is the person still named?"
    criteria: ClassVar[Criteria] = {
        "forgotten": {
            "named": Criterion(
                words="named on unseen photos by the model as it is handed out",
                reference="zero",
                compare="difference",
                at="most",
                passed=0.02,
                partial=0.10,
                leading=True,
                needs="there was no photo of the person",
                option="photos",
                why='"As if never enrolled": the classifier no longer names the person.',
            ),
            "row_put_back": Criterion(
                words="named on unseen photos once the old row is put back",
                reference="zero",
                compare="difference",
                at="most",
                passed=0.02,
                partial=1.0,
                sure=0.10,
                needs="the model after does not say that it was made from the model before",
                why="Somebody who kept the person's row from before puts it back. Asked of a model that was made from "
                "BEFORE: it tells an erasure from a row that was only deleted. It cannot fail the promise alone, "
                "because the old row names the person in a retrained model too (measured on LFW: in 100 %), as a "
                "stranger's would.",
            ),
            "forget_photos": Criterion(
                words="named on the photos that the erasure read, the old row put back",
                reference="zero",
                compare="difference",
                at="most",
                passed=0.02,
                partial=1.0,
                sure=0.10,
                needs="the photos that the erasure read were not given",
                option="forget_photos",
            ),
        }
    }

    def ask(self, material: Material) -> Sides[Accuracies]:
        """As the check has it."""
        return material.check.accuracy

    def numbers(self, answer: Sides[Accuracies] | None) -> Mapping[str, object]:
        """None of its own: the check gives them, in an audit as alone."""
        return {}

    def figures(self, material: Material) -> Mapping[str, Figure]:
        """The old row means something only in a model that was made from the one before."""
        old, new = material.check.accuracy.before, material.check.accuracy.after
        figures = {"named": Figure(new.forgotten_named, old.forgotten_named, about="name")}
        if material.check.derived:
            figures["row_put_back"] = Figure(new.forgotten, old.forgotten, about="name")
            figures["forget_photos"] = Figure(new.forgotten_train, old.forgotten_train, about="name")
        return figures

    def first_numbers(self, report: AuditReport, answer: Sides[Accuracies]) -> tuple[Number, ...]:
        """Named before and after."""
        derived = report.check.derived
        back, key = (", even with their old row put back", "forgotten") if derived else ("", "forgotten_named")
        words = f"{who(report)}: named on unseen photos{back}"
        return (number(words, getattr(answer.before, key), getattr(answer.after, key)),)

    def section(self, report: AuditReport, answer: Sides[Accuracies]) -> Section:
        """Accuracies and absorption."""
        name, rows = who(report), _rows(report)
        retrained = answer.reference is not None
        beside = f" {reference_name(report).capitalize()}: in grey." if retrained else ""
        return Section(
            title=self.asks,
            sentence=_sentence(report),
            charts=(
                Chart(
                    Ranges(measured(rows), reference=reference_name(report)),
                    "Points: shares of photos. Bars: 95 % intervals.",
                ),
                Chart(
                    Bars(
                        _absorbed(answer.after.absorbed_by),
                        _absorbed(answer.reference.absorbed_by) if answer.reference else {},
                    ),
                    f"Whom the photos of {name} go to in the model as it is handed out.{beside}",
                ),
            ),
            missing=missing(rows),
            method="Each photo once and without augmentation. “Best candidate”: the most similar of all rows. "
            "“Named”: the same, and similar enough not to be called unknown. The old row is put back because a model "
            "without the row cannot name the person, whatever its features know.",
            basis=f"{photos_of(answer.after.forgotten)} of {name}, {photos_of(answer.after.retained)} of people who "
            f"stay, {photos_of(answer.after.strangers_named)} of strangers; Wilson intervals.",
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


QUESTION = StillNamed()
