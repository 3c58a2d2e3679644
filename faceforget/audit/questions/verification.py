"""Compared photo by photo, are two photos of the person still seen as one person?"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

import numpy as np

from faceforget.audit.estimates import Measured, Sides
from faceforget.audit.measures.verification import Verification, verification
from faceforget.audit.question import Criteria, Material, Question
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.rows import known, measured, reference_line, reference_name, table, who
from faceforget.audit.shown.section import Chart, Histogram, Ranges, Row, Section, Side
from faceforget.audit.shown.words import photos_of, rate, reasons
from faceforget.audit.verdict import Criterion, Figure

_FAR = "tar_far_0.001"
_GROUPS = {"forgotten": "The person", "retained": "People who stay", "strangers": "Strangers"}
_PAIRS = {
    "forgotten": "pairs of photos of the person",
    "retained": "of people who stay",
    "strangers": "of strangers",
}
_FIGURES = {"tar_far_0.01": "accepted at FAR 1 %", _FAR: "accepted at FAR 0.1 %", "eer": "equal error rate"}
_PRICE = Criterion(
    words="two photos of a stranger accepted as the same person, at a false-accept rate of 0.1 %",
    reference="before",
    compare="difference",
    at="least",
    passed=-0.02,
    partial=-0.10,
    needs="no photos of strangers were given",
    option="strangers",
)


class SamePerson(Question[Sides[Verification]]):
    """Verification with score histograms."""

    name = "verification"
    place = 30
    asks = "Are two photos of the person seen as the same person?"
    criteria: ClassVar[Criteria] = {
        "unrecognisable": {
            "verified": Criterion(
                words="two photos of the person accepted as the same person, at a false-accept rate of 0.1 %",
                reference="strangers",
                compare="ratio",
                at="most",
                passed=0.05,
                partial=0.50,
                sure=0.35,
                leading=True,
                needs="there was nobody to compare the person with",
                option="strangers",
            ),
        },
        "others_kept": {"strangers_verified": _PRICE},
    }

    def ask(self, material: Material) -> Sides[Verification]:
        """Of each model, and of strangers in the person's place."""
        return material.compared.ask(partial(verification, seed=material.seed))

    def figures(self, material: Material) -> Mapping[str, Figure]:
        """Of the person, and of strangers since the whole list began."""
        sides, origin = material.answer(self), material.origin
        first = sides.before if origin is None else verification(origin, seed=material.seed)
        own, strangers = sides.after.forgotten[_FAR], sides.after.strangers[_FAR]
        return {
            "verified": Figure(own, sides.before.forgotten[_FAR], strangers=strangers, about="face"),
            "strangers_verified": Figure(strangers, first.strangers[_FAR], rendered=material.compared.rendered),
        }

    def collapse(self, material: Material) -> str:
        """More pairs of strangers are lost than the price may be."""
        sides = material.answer(self)
        old, new = (side.strangers[_FAR].value for side in (sides.before, sides.after))
        if old is None or new is None or round(old - new + _PRICE.partial, 9) <= 0:
            return ""
        return (
            f"the model after no longer tells people apart: two photos of a stranger match in {100 * new:.0f} % "
            f"and not in {100 * old:.0f} %, so that it fails on the person shows nothing"
        )

    def section(self, report: AuditReport, answer: Sides[Verification]) -> Section:
        """At two rates of false accepts, and all pairs."""
        rows = [_row(answer, group, figure) for figure in _FIGURES for group in _GROUPS]
        charts = [
            Chart(_histogram(side, found), f"Similarity of pairs of photos {side}; dashed: accepted at FAR 0.1 %.")
            for side, found in _both(answer)
            if any(found.histograms.get("forgotten", ())) and any(found.histograms.get("impostors", ()))
        ]
        for figure, far in ((_FAR, "0.1 %"), ("tar_far_0.01", "1 %")):
            shown = measured([_row(answer, group, figure) for group in _GROUPS])
            if shown:
                words = (
                    f"Pairs of photos of one person that are accepted, where {far} of pairs of different people are."
                )
                charts.append(Chart(Ranges(shown, reference=reference_name(report)), words))
        return Section(
            title=self.asks,
            sentence=_sentence(report, answer),
            charts=tuple(charts),
            missing=reasons((words, getattr(answer.after, group).get(_FAR)) for group, words in _PAIRS.items()),
            method="Cosine of each pair of photos. The threshold accepts 1 % or 0.1 % of pairs of two different "
            "people of the same model, so that a model whose similarities have all moved is judged by what it still "
            "tells apart.",
            basis=f"{photos_of(answer.after.forgotten.get(_FAR))} of {who(report)}, "
            f"{photos_of(answer.after.strangers.get(_FAR))} of strangers; {answer.after.impostor_pairs} pairs of two "
            f"different people ({answer.after.impostors or 'none'}). Intervals from a bootstrap over the person's "
            "photos, and over people for the others.",
            reference="Strangers in the same model, in the same chart. " + reference_line(report),
            tables=(table(report, "All numbers on verification", [*rows, *_accepted(answer)]),),
        )


def _row(sides: Sides[Verification], group: str, figure: str) -> Row:
    def value(side: Verification | None) -> Measured | None:
        return getattr(side, group).get(figure) if side is not None else None

    # The reference has a stranger, or nobody, in the person's place: the others are the same people.
    reference = value(sides.reference) if group == "forgotten" else None
    return Row(f"{_GROUPS[group]}: {_FIGURES[figure]}", value(sides.before), value(sides.after), reference)


def _accepted(sides: Sides[Verification]) -> list[Row]:
    return [
        Row(
            f"The person and a stranger accepted as one, at FAR {words}",
            sides.before.forgotten_accepted.get(key),
            sides.after.forgotten_accepted.get(key),
            sides.reference.forgotten_accepted.get(key) if sides.reference else None,
        )
        for key, words in (("far_0.01", "1 %"), ("far_0.001", "0.1 %"))
    ]


def _both(sides: Sides[Verification]) -> tuple[tuple[Side, Verification], ...]:
    return ("before", sides.before), ("after", sides.after)


def _histogram(side: Side, found: Verification) -> Histogram:
    counts = {name: list(found.histograms.get(name, ())) for name in ("forgotten", "strangers", "impostors")}
    bins = max(map(len, counts.values()))
    filled: dict[str, Sequence[float]] = {name: values or [0.0] * bins for name, values in counts.items()}
    edges = np.linspace(-1, 1, bins + 1).tolist()
    return Histogram(
        edges, side, filled["forgotten"], filled["strangers"], filled["impostors"], found.thresholds.get("far_0.001")
    )


def _sentence(report: AuditReport, sides: Sides[Verification]) -> str:
    old, new = (side.forgotten.get(_FAR) for side in (sides.before, sides.after))
    strangers = sides.after.strangers.get(_FAR)
    if not known(new):
        return f"Whether two photos of {who(report)} are seen as one person could not be measured."
    usual = f"; of pairs of one stranger {rate(strangers)}" if known(strangers) else ""
    return (
        f"Where one in a thousand pairs of different people passes, {rate(new)} of the pairs of photos of "
        f"{who(report)} are accepted as the same person, before {rate(old)}{usual}."
    )


QUESTION = SamePerson()
