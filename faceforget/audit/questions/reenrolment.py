"""Is the person recognised once they are enrolled again?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch.nn import functional

from faceforget.audit.estimates import Estimate, Measured, Sides, if_given
from faceforget.audit.measures.reenrolment import PrototypeAttack, photo_gallery, prototype_attack, reenrolment
from faceforget.audit.question import Criteria, Material, Question
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.rows import known, measured, missing, number, reference_line, reference_name, table, who
from faceforget.audit.shown.section import Chart, Curves, Number, Ranges, Row, Section, Side
from faceforget.audit.shown.words import photos_of, rate, share
from faceforget.audit.verdict import Criterion, Figure
from faceforget.audit.view import View

# The count of photos that is judged and told.
_FROM = "5"
# Where strangers are recognised less often than this, that the person is not says little.
_TOLD_APART = 0.5
# Beyond this share of what the reference manages, the features know the person about as well as it does.
_STILL_KNOWN = 0.6


@dataclass(frozen=True)
class Recognised:
    """The person enrolled again.

    Attributes:
        reenrolment: Rank-1 after the person is enrolled again from 1, 5, 10 photos.
        prototype: The person's row rebuilt from the forget photos.
    """

    reenrolment: Sides[Mapping[str, Estimate]]
    prototype: Sides[PrototypeAttack]


class EnrolledAgain(Question[Recognised]):
    """Re-enrolment and the prototype attack."""

    name = "reenrolment"
    place = 20
    asks = "Is the person recognised when enrolled again?"
    criteria: ClassVar[Criteria] = {
        "unrecognisable": {
            "reenrolled": Criterion(
                words="recognised after being enrolled again from five photos",
                reference="reference",
                compare="ratio",
                at="most",
                passed=0.20,
                partial=0.60,
                sure=0.35,
                leading=True,
                needs="there was nobody to compare the person with",
                option="strangers",
                why='"Even if enrolled again or compared pairwise, the model fails." A fifth of what it manages for '
                "a stranger is allowed, because a handful of photos among a few dozen people is right by luck now and "
                "then.",
            ),
        }
    }

    def ask(self, material: Material) -> Recognised:
        """Of each model, and of strangers in the person's place."""
        compared = material.compared
        return Recognised(compared.ask(partial(_reenrolment, seed=material.seed)), compared.ask(prototype_attack))

    def numbers(self, answer: Recognised | None) -> Mapping[str, object]:
        """Both under a key of its own."""
        return {
            "reenrolment": if_given(answer, lambda found: found.reenrolment),
            "prototype": if_given(answer, lambda found: found.prototype),
        }

    def figures(self, material: Material) -> Mapping[str, Figure]:
        """From five photos."""
        sides = material.answer(self).reenrolment
        reference = if_given(sides.reference, lambda found: found[_FROM])
        return {"reenrolled": Figure(sides.after[_FROM], sides.before[_FROM], reference, about="face")}

    def collapse(self, material: Material) -> str:
        """Others are not recognised either."""
        reference = material.answer(self).reenrolment.reference
        again = reference[_FROM].value if reference is not None else None
        if again is None or again >= _TOLD_APART:
            return ""
        return f"of others, too, only {100 * again:.0f} % are recognised after being enrolled again"

    def headline(self, report: AuditReport, answer: Recognised) -> tuple[str, ...]:
        """What the features know."""
        return _headline(report, answer.reenrolment)

    def first_numbers(self, report: AuditReport, answer: Recognised) -> tuple[Number, ...]:
        """From five photos."""
        words = f"{who(report)}: recognised after being enrolled again from five photos"
        return (number(words, answer.reenrolment.before.get(_FROM), answer.reenrolment.after.get(_FROM)),)

    def section(self, report: AuditReport, answer: Recognised) -> Section:
        """By the number of photos, and by a new row."""
        sides, rows, attack = answer.reenrolment, _rows(answer), _attack(answer)
        counts = list(sides.after)
        series: list[tuple[Side, Sequence[Measured | None]]] = [
            ("before", _along(sides.before, counts)),
            ("after", _along(sides.after, counts)),
        ]
        if sides.reference is not None:
            series.append(("reference", _along(sides.reference, counts)))
        charts = []
        if measured(rows):
            words = "Enrolled again: share of the other photos in which the person is the best candidate."
            charts.append(
                Chart(Curves(counts, series, along="photos enrolled again", reference=reference_name(report)), words)
            )
        if measured(attack):
            words = "Prototype attack: the person's row is made anew from the photos that the erasure read."
            charts.append(Chart(Ranges(measured(attack), reference=reference_name(report)), words))
        return Section(
            title=self.asks,
            sentence=_sentence(report, answer),
            charts=tuple(charts),
            missing=missing([*rows, *attack[:1]]),
            method="The person joins the gallery of everybody who stays, with the mean of 1, 5 or 10 of their "
            "photos; rank-1 on photos that were not drawn, averaged over draws. Prototype attack: Ha, Park and Yoon "
            "2025 (arXiv 2506.01318), a new row in the head without any training.",
            basis=f"{photos_of(sides.after.get('5'))} of {who(report)}; intervals from a bootstrap over these photos.",
            reference=reference_line(report)
            + " A network recognises most strangers once they are enrolled, so a number near this reference is no "
            "trace of an enrolment; only one well below it says that the face itself is lost on the model.",
            tables=(table(report, "All numbers on enrolling again", [*rows, *attack]),),
        )


def _reenrolment(view: View, *, seed: int) -> Mapping[str, Estimate]:
    """Everybody else in the gallery is enrolled anew from photos too, as far as there are any.

    An erasure may move the embedding away from the rows; then a template made from photos beats every row on
    anybody's photo, and re-enrolment would succeed with any face.
    """
    templates = photo_gallery(view)
    if not view.embeddings.retained:
        others = view.embeddings.strangers.values()
        templates = torch.cat([templates, *(functional.normalize(own.mean(0, keepdim=True)) for own in others)])
    return reenrolment(view, gallery=templates, seed=seed)


def _headline(report: AuditReport, sides: Sides[Mapping[str, Estimate]]) -> tuple[str, ...]:
    after, reference = sides.after.get(_FROM), (sides.reference or {}).get(_FROM)
    if after is None or after.value is None:
        known = "The features still know this person: nothing but the head of the model was changed."
        return (known,) if report.only_head else ()
    near = reference is not None and reference.value is not None and after.value >= _STILL_KNOWN * reference.value
    again = f"enrolled again from five photos they are recognised in {share(after.value)} of photos"
    beside = _as_reference(report, reference)
    if report.only_head or (near and report.check.derived):
        return (f"The features still know this person: {again}.",)
    if near:
        return (f"The features can still tell this face from others: {again}, as {beside}.",)
    if reference is None or reference.value is None:
        return (f"{again[0].upper()}{again[1:]}.",)
    return (f"{again[0].upper()}{again[1:]}, {beside}.",)


def _as_reference(report: AuditReport, reference: Estimate | None) -> str:
    name = reference_name(report)
    kind = "rendered strangers" if "rendered" in name else "strangers"
    return f"{kind if 'stranger' in name else 'by the retrained model'} in {rate(reference)}"


def _along(side: Mapping[str, Estimate], counts: list[str]) -> list[Estimate | None]:
    return [side.get(count) for count in counts]


def _rows(answer: Recognised) -> list[Row]:
    sides = answer.reenrolment
    reference = sides.reference or {}
    return [
        Row(f"Enrolled again from {_many(count)}", sides.before.get(count), sides.after[count], reference.get(count))
        for count in sides.after
    ]


def _many(count: str) -> str:
    return "1 photo" if count == "1" else f"{count} photos"


def _attack(answer: Recognised) -> list[Row]:
    sides = answer.prototype

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


def _sentence(report: AuditReport, answer: Recognised) -> str:
    sides, name = answer.reenrolment, who(report)
    old, new, reference = sides.before.get("5"), sides.after.get("5"), (sides.reference or {}).get("5")
    if new is None or new.value is None:
        return f"Whether {name} is recognised when enrolled again could not be measured from five photos."
    compared = f" ({reference_name(report)}: {rate(reference)})" if reference is not None and known(reference) else ""
    first = (
        f"Enrolled again from five photos, {name} is recognised in {rate(new)} of the other photos; before it was "
        f"{rate(old)}{compared}."
    )
    attack = answer.prototype.after.forgotten
    if not known(attack):
        return first
    return f"{first} A new row made from the photos that the erasure read is right in {rate(attack)}."


QUESTION = EnrolledAgain()
