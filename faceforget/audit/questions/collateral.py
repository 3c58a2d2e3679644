"""What did the erasure cost everybody else?"""

from collections.abc import Mapping
from typing import ClassVar

from faceforget.audit.estimates import Estimate, Rate, Sides
from faceforget.audit.measures.collateral import Collateral, LookAlike, RetainedPerson, collateral, named, rightly
from faceforget.audit.question import Criteria, Material, Question
from faceforget.audit.report import AuditReport
from faceforget.audit.shares import change_surely, rate_of
from faceforget.audit.shown.rows import known, measured, missing, number, table
from faceforget.audit.shown.section import Chart, Number, Ranges, Row, Section, Table
from faceforget.audit.shown.words import NOT_MEASURED, listed, photos, rate, reasons, share, shown_name
from faceforget.audit.verdict import Criterion, Figure

# The chart of look-alikes names so many at most.
_LOOK_ALIKES = 5


class Cost(Question[Collateral]):
    """Look-alikes, the worst person, strangers and "unknown"."""

    name = "collateral"
    place = 70
    asks = "What did it cost everybody else?"
    criteria: ClassVar[Criteria] = {
        "others_kept": {
            "retained": Criterion(
                words="people who stay: the best candidate is the right one",
                reference="before",
                compare="difference",
                at="least",
                passed=-0.01,
                partial=-0.05,
                leading=True,
                needs="no unseen photos of people who stay were given",
                option="retained",
                why="Not a promise of the method but the price of it: an erasure that breaks the model forgets "
                "everybody.",
            ),
            "retained_named": Criterion(
                words="people who stay get their name, not unknown",
                reference="before",
                compare="difference",
                at="least",
                passed=-0.02,
                partial=-0.10,
                leading=True,
                needs="no unseen photos of people who stay were given",
                option="retained",
            ),
        }
    }

    def ask(self, material: Material) -> Collateral:
        """On the same photos before and after."""
        return collateral(material.compared.before, material.compared.after, seed=material.seed)

    def figures(self, material: Material) -> Mapping[str, Figure]:
        """What people who stay paid since the whole list began; without the rest of the answer, which takes longer."""
        before, after = material.origin or material.compared.before, material.compared.after
        found = dict[str, Figure]()
        for name, holds in (("retained", rightly), ("retained_named", named)):
            old, new = holds(before), holds(after)
            if old:
                change = change_surely(old, new, seed=material.seed)
                found[name] = Figure(rate_of(new), rate_of(old), change=change)
        return found

    def first_numbers(self, report: AuditReport, answer: Collateral) -> tuple[Number, ...]:
        """Whether those who stay get their name."""
        old, new = report.check.accuracy.before, report.check.accuracy.after
        return (number("The others: named rightly, not “unknown”", old.retained_named, new.retained_named),)

    def section(self, report: AuditReport, answer: Collateral) -> Section:
        """Changes with their own intervals, and single people."""
        rows, people = _rows(report, answer), _people(answer)
        charts = []
        if measured(rows):
            charts.append(Chart(Ranges(measured(rows)), "Everybody else, before and after. Bars: 95 % intervals."))
        if measured(people):
            words = (
                "The people who look most like the erased, and the one who lost most: photos whose best candidate is "
                "right."
            )
            charts.append(Chart(Ranges(measured(people)), words))
        return Section(
            title=self.asks,
            sentence=_sentence(report, answer),
            charts=tuple(charts),
            missing=(*missing(rows), *_changes_missing(answer)),
            method="The same photos before and after, so a change has its own interval, narrower than those of the "
            "two numbers. Look-alikes: the people whose rows are nearest to the erased person's row. Strangers: "
            "nearest neighbour among three photos of each stranger.",
            basis=f"{photos(answer.retained_unknown.after.photos)} of people who stay, "
            f"{photos(answer.strangers_named.after.photos)} of strangers; Wilson intervals, for changes a bootstrap "
            "over people.",
            reference="The model before, on the same photos.",
            tables=(_changes(answer), table(report, "All shares", rows), *([_look_alikes(answer)] if people else [])),
        )


def _rows(report: AuditReport, found: Collateral) -> list[Row]:
    accuracy = report.check.accuracy
    return [
        Row("People who stay: named rightly", accuracy.before.retained_named, accuracy.after.retained_named),
        _row("People who stay: called unknown", found.retained_unknown),
        _row("Strangers: given somebody's name", found.strangers_named),
        _row("Strangers: nearest photo is of the same person", found.strangers_nearest),
    ]


def _row(words: str, sides: Sides[Rate] | Sides[Estimate] | Sides[Rate | Estimate]) -> Row:
    return Row(words, sides.before, sides.after)


def _people(found: Collateral) -> list[Row]:
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


def _changed(found: Collateral) -> tuple[tuple[str, Estimate], ...]:
    return (
        ("People who stay: best candidate is right", found.accuracy_change),
        ("People who stay: named rightly, not unknown", found.named_change),
        ("Strangers: nearest photo is of the same person", found.strangers_nearest_change),
    )


def _changes_missing(found: Collateral) -> tuple[str, ...]:
    return reasons((f"change of “{words}”", change) for words, change in _changed(found))


def _changes(found: Collateral) -> Table:
    rows = tuple(
        (words, points(change), interval_in_points(change), str(change.photos)) for words, change in _changed(found)
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


def _look_alikes(found: Collateral) -> Table:
    worst = found.worst
    people = [*found.look_alikes, *([worst] if worst is not None and _lost(worst) else [])]
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


def _sentence(report: AuditReport, found: Collateral) -> str:
    accuracy = report.check.accuracy
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
    return f"{text[0].upper()}{text[1:]}. {_worst(found)}".strip()


def _worst(found: Collateral) -> str:
    worst = found.worst
    if worst is None or not known(worst.accuracy.before, worst.accuracy.after):
        return ""
    if not _lost(worst):
        return "Nobody who stays lost a photo."
    return (
        f"{shown_name(worst.name)} lost most: {share(worst.accuracy.before.value)} before, "
        f"{share(worst.accuracy.after.value)} after, on {photos(worst.accuracy.after.photos)}."
    )


QUESTION = Cost()
