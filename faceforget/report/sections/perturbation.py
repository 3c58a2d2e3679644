"""Is the person recognised again after a small change of the photo?"""

from collections.abc import Mapping

from faceforget.audit.estimates import Measured
from faceforget.audit.questions.perturbation import DRAWS, STEPS
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.words import photos_of, rate
from faceforget.report.charts import Row, ranges
from faceforget.report.document import Chart, Section
from faceforget.report.sections.common import known, measured, missing, reference_line, reference_name, table, who

_KINDS = {"random": "random change", "attack": "change made on purpose"}


def section(report: AuditReport) -> Section | None:
    """The shares recognised again; None where nobody asked."""
    sides = report.perturbation
    if not sides.after:
        return None
    rows = _rows(report)
    words = "Share of photos whose best candidate is the person, the old row put back."
    return Section(
        title="Does a small change of a photo bring the person back?",
        sentence=_sentence(report),
        charts=(Chart(ranges(measured(rows), reference=reference_name(report)), words),) if measured(rows) else (),
        missing=missing(rows),
        method="Residual knowledge (Hsu et al. 2026, arXiv 2601.22359): each colour of each pixel is changed by at "
        f"most so many of 255 levels; at random, and recognised in at least one of {DRAWS} draws, or on purpose by "
        f"{STEPS} steps of projected gradient ascent towards the person (Madry et al. 2018, arXiv 1706.06083; "
        "only in a deep audit).",
        basis=f"{photos_of(next(iter(sides.after.values())))} of {who(report)}; Wilson intervals.",
        reference=reference_line(report)
        + " Every network yields to a change made on purpose if it may be large enough.",
        tables=(table(report, "All numbers on small changes", rows),),
    )


def _rows(report: AuditReport) -> list[Row]:
    sides = report.perturbation

    def value(side: Mapping[str, Measured] | None, kind: str) -> Measured | None:
        return None if side is None else side.get(kind)

    return [
        Row(_words(kind), value(sides.before, kind), value(sides.after, kind), value(sides.reference, kind))
        for kind in sides.after
    ]


def _words(kind: str) -> str:
    name, _, size = kind.partition("_")
    if not size:
        return kind.capitalize()
    return f"{_KINDS.get(name, name)}, up to {size} of 255 levels".capitalize()


def _sentence(report: AuditReport) -> str:
    after = report.perturbation.after
    same, changed = (
        after.get("unchanged"),
        [(kind, found) for kind, found in after.items() if "_" in kind and known(found)],
    )
    if not known(same) or not changed:
        return f"Whether a small change of a photo brings {who(report)} back could not be measured."
    kind, most = max(changed, key=lambda item: (item[1].value or 0.0, item[0].startswith("random")))
    back = f"{rate(most)} after a {_KINDS.get(kind.split('_')[0], '')} of up to {kind.split('_')[1]} of 255 levels"
    if (most.value or 0) <= (same.value or 0 if same else 0):
        back = "no more of them after the small changes that were tried"
    elif known((report.perturbation.reference or {}).get(kind)):
        back += f" ({reference_name(report)}: {rate((report.perturbation.reference or {})[kind])})"
    return f"With the old row put back, {rate(same)} of the photos are recognised as they are, and {back}."
