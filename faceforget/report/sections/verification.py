"""Compared photo by photo, are two photos of the person still seen as one person?"""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from faceforget.audit.estimates import Measured
from faceforget.audit.measures.verification import Verification
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.words import photos_of, rate, reasons
from faceforget.report.charts import AFTER_SIDE, BEFORE_SIDE, Row, Side, ranges
from faceforget.report.charts_more import histogram
from faceforget.report.document import Chart, Section
from faceforget.report.sections.common import known, measured, reference_line, reference_name, table, who

_FAR = "tar_far_0.001"
_GROUPS = {"forgotten": "The person", "retained": "People who stay", "strangers": "Strangers"}
_PAIRS = {
    "forgotten": "pairs of photos of the person",
    "retained": "of people who stay",
    "strangers": "of strangers",
}
_FIGURES = {"tar_far_0.01": "accepted at FAR 1 %", _FAR: "accepted at FAR 0.1 %", "eer": "equal error rate"}


def section(report: AuditReport) -> Section:
    """Verification with score histograms."""
    sides = report.verification
    rows = [_row(report, group, figure) for figure in _FIGURES for group in _GROUPS]
    charts = [
        Chart(_histogram(side, found), f"Similarity of pairs of photos {side.words}; dashed: accepted at FAR 0.1 %.")
        for side, found in ((BEFORE_SIDE, sides.before), (AFTER_SIDE, sides.after))
        if any(found.histograms.get("forgotten", ())) and any(found.histograms.get("impostors", ()))
    ]
    for figure, far in ((_FAR, "0.1 %"), ("tar_far_0.01", "1 %")):
        shown = measured([_row(report, group, figure) for group in _GROUPS])
        if shown:
            words = f"Pairs of photos of one person that are accepted, where {far} of pairs of different people are."
            charts.append(Chart(ranges(shown, reference=reference_name(report)), words))
    return Section(
        title="Are two photos of the person seen as the same person?",
        sentence=_sentence(report),
        charts=tuple(charts),
        missing=reasons((words, getattr(sides.after, group).get(_FAR)) for group, words in _PAIRS.items()),
        method="Cosine of each pair of photos. The threshold accepts 1 % or 0.1 % of pairs of two different people of "
        "the "
        "same model, so that a model whose similarities have all moved is judged by what it still tells apart.",
        basis=f"{photos_of(sides.after.forgotten.get(_FAR))} of {who(report)}, "
        f"{photos_of(sides.after.strangers.get(_FAR))} "
        f"of strangers; {sides.after.impostor_pairs} pairs of two different people "
        f"({sides.after.impostors or 'none'}). "
        "Intervals from a bootstrap over the person's photos, and over people for the others.",
        reference="Strangers in the same model, in the same chart. " + reference_line(report),
        tables=(table(report, "All numbers on verification", [*rows, *_accepted(report)]),),
    )


def _row(report: AuditReport, group: str, figure: str) -> Row:
    sides = report.verification

    def value(side: Verification | None) -> Measured | None:
        return getattr(side, group).get(figure) if side is not None else None

    # The reference has a stranger, or nobody, in the person's place: the others are the same people.
    reference = value(sides.reference) if group == "forgotten" else None
    return Row(f"{_GROUPS[group]}: {_FIGURES[figure]}", value(sides.before), value(sides.after), reference)


def _accepted(report: AuditReport) -> list[Row]:
    sides = report.verification
    return [
        Row(
            f"The person and a stranger accepted as one, at FAR {words}",
            sides.before.forgotten_accepted.get(key),
            sides.after.forgotten_accepted.get(key),
            sides.reference.forgotten_accepted.get(key) if sides.reference else None,
        )
        for key, words in (("far_0.01", "1 %"), ("far_0.001", "0.1 %"))
    ]


def _histogram(side: Side, found: Verification) -> Figure:
    counts = {name: list(found.histograms.get(name, ())) for name in ("forgotten", "strangers", "impostors")}
    bins = max(map(len, counts.values()))
    filled: dict[str, Sequence[float]] = {name: values or [0.0] * bins for name, values in counts.items()}
    edges = np.linspace(-1, 1, bins + 1).tolist()
    return histogram(
        edges, side, filled["forgotten"], filled["strangers"], filled["impostors"], found.thresholds.get("far_0.001")
    )


def _sentence(report: AuditReport) -> str:
    old, new = (side.forgotten.get(_FAR) for side in (report.verification.before, report.verification.after))
    strangers = report.verification.after.strangers.get(_FAR)
    if not known(new):
        return f"Whether two photos of {who(report)} are seen as one person could not be measured."
    usual = f"; of pairs of one stranger {rate(strangers)}" if known(strangers) else ""
    return (
        f"Where one in a thousand pairs of different people passes, {rate(new)} of the pairs of photos of "
        f"{who(report)} "
        f"are accepted as the same person, before {rate(old)}{usual}."
    )
