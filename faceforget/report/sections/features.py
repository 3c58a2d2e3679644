"""What do the features still know, depth by depth?"""

from collections.abc import Mapping

from faceforget.audit.estimates import Estimate, Measured
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.words import amount, amount_with_interval, photos_of, rate, reasons
from faceforget.report.charts import AFTER_SIDE, BEFORE_SIDE, REFERENCE_SIDE, Row, Side, curves, ranges
from faceforget.report.document import Chart, Section, Table
from faceforget.report.sections.common import known, measured, missing, reference_line, reference_name, table, who

_PROBES = {"linear": "linear probe", "nearest": "nearest neighbour", "few_shot": "new head from five photos"}
_LAST = "embedding"
_ALONG = "depth, early to late"
_PERSON = Side("the person", AFTER_SIDE.colour, AFTER_SIDE.mark, AFTER_SIDE.face)
_OTHERS = Side("everybody else", "#1c2430", "^", "#ffffff")


def section(report: AuditReport) -> Section:
    """Probes, CKA and compactness."""
    rows = [_row(report, depth, probe) for probe in _PROBES for depth in report.probe.after]
    charts = [_probe_chart(report, probe) for probe in ("linear", "few_shot") if any(known(r.after) for r in rows)]
    if any(known(found.forgotten) or known(found.others) for found in report.cka.values()):
        charts.append(_cka_chart(report))
    if known(report.compactness.after.within) or known(report.compactness.after.nearest_other):
        charts.append(_cluster_chart(report))
    return Section(
        title="What do the features still know?",
        sentence=_sentence(report),
        charts=tuple(charts),
        missing=(*missing([_row(report, _LAST, probe) for probe in _PROBES]), *_cka_missing(report)),
        method="Something small is trained on the frozen features at several depths, early to late, and must find the "
        "person among everybody else: a linear probe at 1 % false alarms, the nearest neighbour, a new head from five "
        "photos of each. CKA (Kornblith et al. 2019, arXiv 1905.00414, unbiased): how alike the features are before "
        "and "
        "after; 1 is alike but for a rotation.",
        basis=f"{photos_of(_last(report, 'linear'))} of {who(report)}; Wilson intervals, for CKA those of a jackknife.",
        reference=reference_line(report) + " Early layers know nobody, late layers can tell most strangers too.",
        tables=(table(report, "All probes", rows), _cka_table(report), _compactness(report)),
    )


def _row(report: AuditReport, depth: str, probe: str) -> Row:
    sides = report.probe

    def value(side: Mapping[str, object] | None) -> Measured | None:
        found = getattr(side.get(depth), probe, None) if side is not None else None
        return found if isinstance(found, Measured) else None

    where = "embedding" if depth == _LAST else depth
    return Row(
        f"{_PROBES[probe].capitalize()}, {where}", value(sides.before), value(sides.after), value(sides.reference)
    )


def _last(report: AuditReport, probe: str) -> Estimate | None:
    depths = list(report.probe.after.values())
    found: Estimate | None = getattr(depths[-1], probe) if depths else None
    return found


def _probe_chart(report: AuditReport, probe: str) -> Chart:
    depths = list(report.probe.after)
    rows = [_row(report, depth, probe) for depth in depths]
    series = [(BEFORE_SIDE, [row.before for row in rows]), (AFTER_SIDE, [row.after for row in rows])]
    if any(row.reference is not None for row in rows):
        series.append((REFERENCE_SIDE, [row.reference for row in rows]))
    words = f"{_PROBES[probe].capitalize()}: share of the person's photos found, by depth."
    return Chart(curves(depths, series, along=_ALONG, reference=reference_name(report)), words)


def _cka_chart(report: AuditReport) -> Chart:
    depths = list(report.cka)
    series = [
        (_PERSON, [report.cka[depth].forgotten for depth in depths]),
        (_OTHERS, [report.cka[depth].others for depth in depths]),
    ]
    if report.cka_reference is not None:
        series.append((REFERENCE_SIDE, [report.cka_reference[depth].forgotten for depth in depths]))
    words = "CKA of features before with features after: 1 where nothing changed. Best: low for the person only."
    return Chart(
        curves(depths, series, along=_ALONG, percent=False, limits=(0, 1), reference="the person, retrained"), words
    )


def _cka_missing(report: AuditReport) -> tuple[str, ...]:
    return reasons(
        pair
        for found in list(report.cka.values())[-1:]
        for pair in (("CKA on the person's photos", found.forgotten), ("CKA on everybody else's photos", found.others))
    )


def _cka_table(report: AuditReport) -> Table:
    rows = tuple(
        (depth, *(amount_with_interval(m) for m in (found.forgotten, found.others)))
        for depth, found in report.cka.items()
    )
    return Table("CKA before with after", ("Depth", "the person's photos", "everybody else's photos"), rows)


_CLUSTER = {
    "within": "Two photos of the person",
    "nearest_other": "The person and the most similar row of the others",
    "strangers_within": "Two photos of one stranger",
    "strangers_nearest_other": "A stranger and the most similar row",
    "relative": "The person's cluster relative to strangers' (1: as close)",
}


def _cluster_chart(report: AuditReport) -> Chart:
    old, new = report.compactness.before, report.compactness.after
    keys = ("within", "strangers_within", "nearest_other", "strangers_nearest_other")
    rows = measured([Row(_CLUSTER[key], getattr(old, key), getattr(new, key)) for key in keys])
    ends = [end for row in rows for side in row.sides if side and side.interval for end in side.interval]
    words = "Mean similarities (cosines) in the embedding: how closely the photos of one person lie together."
    return Chart(ranges(rows, limits=(min([0.0, *ends]), 1), percent=False), words)


def _compactness(report: AuditReport) -> Table:
    sides = (report.compactness.before, report.compactness.after)
    rows = []
    for key, words in _CLUSTER.items():
        values = [getattr(side, key) for side in sides]
        rows.append((words, *(amount_with_interval(m) for m in values), str(values[1].photos)))
    return Table("The person's cluster in the embedding", ("Mean cosines", "before", "after", "photos"), tuple(rows))


def _sentence(report: AuditReport) -> str:
    new, old = _last(report, "few_shot"), list(report.probe.before.values())
    if new is None or new.value is None:
        return f"What the features still know of {who(report)} could not be measured."
    reference = list(report.probe.reference.values())[-1].few_shot if report.probe.reference else None
    compared = f" ({reference_name(report)}: {rate(reference)})" if known(reference) else ""
    first = (
        f"A new head trained on five photos of each person finds {who(report)} in {rate(new)} of unseen photos, "
        f"before in {rate(old[-1].few_shot)}{compared}."
    )
    return f"{first} {_moved(report)}".strip()


def _moved(report: AuditReport) -> str:
    found = report.cka.get(_LAST) or next(iter(reversed(list(report.cka.values()))), None)
    if found is None or not known(found.forgotten, found.others):
        return ""
    if found.forgotten.value is not None and found.forgotten.value > 0.995 and (found.others.value or 0) > 0.995:
        return "The features are those of before: nothing in them has changed."
    return (
        f"In the embedding, {amount(found.forgotten.value)} of the arrangement of the person's photos is left as it "
        "was "
        f"(CKA), and {amount(found.others.value)} of everybody else's."
    )
