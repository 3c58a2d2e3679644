"""What do the features still know, depth by depth?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from faceforget.audit.estimates import Estimate, Measured, Sides, if_given
from faceforget.audit.measures.compactness import Compactness, compactness
from faceforget.audit.measures.probe import DepthProbe, probe
from faceforget.audit.measures.similarity import Alignment, cka
from faceforget.audit.question import Material, Need, Question
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.rows import known, measured, missing, reference_line, reference_name, table, who
from faceforget.audit.shown.section import Chart, Curves, Ranges, Row, Section, Side, Table
from faceforget.audit.shown.words import amount, amount_with_interval, photos_of, rate, reasons

Line = tuple[Side, Sequence[Measured | None]]

_PROBES = {"linear": "linear probe", "nearest": "nearest neighbour", "few_shot": "new head from five photos"}
_LAST = "embedding"
_ALONG = "depth, early to late"


@dataclass(frozen=True)
class Features:
    """What the frozen features know.

    Attributes:
        probe: Whether the person is found in them, by depth.
        compactness: The person's cluster.
        cka: Similarity of the features after to those before, by depth.
        cka_reference: The same of the retrained model; None without one.
    """

    probe: Sides[Mapping[str, DepthProbe]]
    compactness: Sides[Compactness]
    cka: Mapping[str, Alignment]
    cka_reference: Mapping[str, Alignment] | None = None


class StillKnown(Question[Features]):
    """Probes, CKA and compactness."""

    name = "features"
    place = 40
    asks = "What do the features still know?"
    needs: ClassVar[frozenset[Need]] = frozenset({"depths"})

    def ask(self, material: Material) -> Features:
        """Of each model; CKA is of a model with the one before."""
        compared, seed = material.compared, material.seed
        return Features(
            compared.ask(partial(probe, seed=seed)),
            compared.ask(partial(compactness, seed=seed)),
            cka(compared.before, compared.after, seed=seed),
            if_given(compared.retrained, lambda view: cka(compared.before, view, seed=seed)),
        )

    def numbers(self, answer: Features | None) -> Mapping[str, object]:
        """Each under a key of its own."""
        keys = ("probe", "compactness", "cka", "cka_reference")
        return {key: None if answer is None else getattr(answer, key) for key in keys}

    def section(self, report: AuditReport, answer: Features) -> Section:
        """By depth, and the person's cluster."""
        rows = [_row(answer, depth, probe) for probe in _PROBES for depth in answer.probe.after]
        charts = [
            _probe_chart(report, answer, probe) for probe in ("linear", "few_shot") if any(known(r.after) for r in rows)
        ]
        if any(known(found.forgotten) or known(found.others) for found in answer.cka.values()):
            charts.append(_cka_chart(answer))
        if known(answer.compactness.after.within) or known(answer.compactness.after.nearest_other):
            charts.append(_cluster_chart(answer))
        return Section(
            title=self.asks,
            sentence=_sentence(report, answer),
            charts=tuple(charts),
            missing=(*missing([_row(answer, _LAST, probe) for probe in _PROBES]), *_cka_missing(answer)),
            method="Something small is trained on the frozen features at several depths, early to late, and must "
            "find the person among everybody else: a linear probe at 1 % false alarms, the nearest neighbour, a new "
            "head from five photos of each. CKA (Kornblith et al. 2019, arXiv 1905.00414, unbiased): how alike the "
            "features are before and after; 1 is alike but for a rotation.",
            basis=f"{photos_of(_last(answer, 'linear'))} of {who(report)}; Wilson intervals, for CKA those of a "
            "jackknife.",
            reference=reference_line(report) + " Early layers know nobody, late layers can tell most strangers too.",
            tables=(table(report, "All probes", rows), _cka_table(answer), _compactness(answer)),
        )


def _row(answer: Features, depth: str, probe: str) -> Row:
    sides = answer.probe

    def value(side: Mapping[str, object] | None) -> Measured | None:
        found = getattr(side.get(depth), probe, None) if side is not None else None
        return found if isinstance(found, Measured) else None

    where = "embedding" if depth == _LAST else depth
    return Row(
        f"{_PROBES[probe].capitalize()}, {where}", value(sides.before), value(sides.after), value(sides.reference)
    )


def _last(answer: Features, probe: str) -> Estimate | None:
    depths = list(answer.probe.after.values())
    found: Estimate | None = getattr(depths[-1], probe) if depths else None
    return found


def _probe_chart(report: AuditReport, answer: Features, probe: str) -> Chart:
    depths = list(answer.probe.after)
    rows = [_row(answer, depth, probe) for depth in depths]
    series: list[Line] = [("before", [row.before for row in rows]), ("after", [row.after for row in rows])]
    if any(row.reference is not None for row in rows):
        series.append(("reference", [row.reference for row in rows]))
    words = f"{_PROBES[probe].capitalize()}: share of the person's photos found, by depth."
    return Chart(Curves(depths, series, along=_ALONG, reference=reference_name(report)), words)


def _cka_chart(answer: Features) -> Chart:
    depths = list(answer.cka)
    series: list[Line] = [
        ("person", [answer.cka[depth].forgotten for depth in depths]),
        ("others", [answer.cka[depth].others for depth in depths]),
    ]
    if answer.cka_reference is not None:
        series.append(("reference", [answer.cka_reference[depth].forgotten for depth in depths]))
    words = "CKA of features before with features after: 1 where nothing changed. Best: low for the person only."
    return Chart(
        Curves(depths, series, along=_ALONG, percent=False, limits=(0, 1), reference="the person, retrained"), words
    )


def _cka_missing(answer: Features) -> tuple[str, ...]:
    return reasons(
        pair
        for found in list(answer.cka.values())[-1:]
        for pair in (("CKA on the person's photos", found.forgotten), ("CKA on everybody else's photos", found.others))
    )


def _cka_table(answer: Features) -> Table:
    rows = tuple(
        (depth, *(amount_with_interval(m) for m in (found.forgotten, found.others)))
        for depth, found in answer.cka.items()
    )
    return Table("CKA before with after", ("Depth", "the person's photos", "everybody else's photos"), rows)


_CLUSTER = {
    "within": "Two photos of the person",
    "nearest_other": "The person and the most similar row of the others",
    "strangers_within": "Two photos of one stranger",
    "strangers_nearest_other": "A stranger and the most similar row",
    "relative": "The person's cluster relative to strangers' (1: as close)",
}


def _cluster_chart(answer: Features) -> Chart:
    old, new = answer.compactness.before, answer.compactness.after
    keys = ("within", "strangers_within", "nearest_other", "strangers_nearest_other")
    rows = measured([Row(_CLUSTER[key], getattr(old, key), getattr(new, key)) for key in keys])
    ends = [end for row in rows for side in row.sides if side and side.interval for end in side.interval]
    words = "Mean similarities (cosines) in the embedding: how closely the photos of one person lie together."
    return Chart(Ranges(rows, limits=(min([0.0, *ends]), 1), percent=False), words)


def _compactness(answer: Features) -> Table:
    sides = (answer.compactness.before, answer.compactness.after)
    rows = []
    for key, words in _CLUSTER.items():
        values = [getattr(side, key) for side in sides]
        rows.append((words, *(amount_with_interval(m) for m in values), str(values[1].photos)))
    return Table("The person's cluster in the embedding", ("Mean cosines", "before", "after", "photos"), tuple(rows))


def _sentence(report: AuditReport, answer: Features) -> str:
    new, old = _last(answer, "few_shot"), list(answer.probe.before.values())
    if new is None or new.value is None:
        return f"What the features still know of {who(report)} could not be measured."
    reference = list(answer.probe.reference.values())[-1].few_shot if answer.probe.reference else None
    compared = f" ({reference_name(report)}: {rate(reference)})" if known(reference) else ""
    first = (
        f"A new head trained on five photos of each person finds {who(report)} in {rate(new)} of unseen photos, "
        f"before in {rate(old[-1].few_shot)}{compared}."
    )
    return f"{first} {_moved(answer)}".strip()


def _moved(answer: Features) -> str:
    found = answer.cka.get(_LAST) or next(iter(reversed(list(answer.cka.values()))), None)
    if found is None or not known(found.forgotten, found.others):
        return ""
    if found.forgotten.value is not None and found.forgotten.value > 0.995 and (found.others.value or 0) > 0.995:
        return "The features are those of before: nothing in them has changed."
    return (
        f"In the embedding, {amount(found.forgotten.value)} of the arrangement of the person's photos is left as it "
        f"was (CKA), and {amount(found.others.value)} of everybody else's."
    )


QUESTION = StillKnown()
