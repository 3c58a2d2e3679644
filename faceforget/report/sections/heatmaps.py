"""Where does the model look?"""

from faceforget.audit.estimates import Measured
from faceforget.audit.measures.heatmaps import overlay
from faceforget.audit.report import AuditReport, HeatedFace
from faceforget.audit.shown.words import amount, photos_of, rate, shown_name
from faceforget.report.charts import Row, ranges
from faceforget.report.document import Chart, PicturePair, Pictures, Section, Table
from faceforget.report.sections.common import known, measured, missing, reference_name, table, who

_SIDES = ("before", "after", "reference")
_GROUPS = {"forgotten": "The person", "retained": "People who stay"}


def section(report: AuditReport) -> Section:
    """Heatmaps with the share of their energy inside the face."""
    rows = _rows(report)
    charts = []
    if measured(rows):
        words = "Share of the heat that lies on the face; dashed: if it were spread evenly."
        charts.append(
            Chart(ranges(measured(rows), reference=reference_name(report), mark=report.energy.after.face_area), words)
        )
    return Section(
        title="Where does the model look?",
        sentence=_sentence(report),
        charts=tuple(charts),
        pictures=_pictures(report),
        missing=missing(rows),
        method="HiResCAM (Draelos and Carin 2020, arXiv 2011.08891): what in the face speaks for the person it shows; "
        "both "
        "pictures of a pair share one scale, from no colour and blue (little) to red (the most of the pair). For the "
        "erased "
        "person the old row is put back. Energy: after Wang et al. 2020 (arXiv 1910.01279).",
        basis=f"{photos_of(report.energy.after.forgotten.inside)} of {who(report)}, "
        f"{photos_of(report.energy.after.retained.inside)} of people who stay; bootstrap over photos.",
        reference="The model before, on the same photos."
        + (" A retrained model stands beside both." if report.energy.reference else ""),
        tables=(table(report, "Heat inside the face", rows), _heat(report)),
    )


def _value(report: AuditReport, side: str, group: str, key: str) -> Measured | None:
    energy = getattr(report.energy, side)
    return None if energy is None else getattr(getattr(energy, group), key)


def _rows(report: AuditReport) -> list[Row]:
    return [
        Row(f"{words}: heat inside the face", *(_value(report, side, group, "inside") for side in _SIDES))
        for group, words in _GROUPS.items()
    ]


def _heat(report: AuditReport) -> Table:
    rows = tuple(
        (f"{words}: mean heat", *(_amount(_value(report, side, group, "heat")) for side in _SIDES[:2]))
        for group, words in _GROUPS.items()
    )
    return Table("How much heat there is", ("Parts of the similarity per pixel", "before", "after"), rows)


def _left(report: AuditReport, group: str) -> float | None:
    old, new = (_value(report, side, group, "heat") for side in _SIDES[:2])
    if old is None or new is None or not old.value or new.value is None:
        return None
    return new.value / old.value


def _amount(found: Measured | None) -> str:
    return amount(found.value if found else None, 4)


def _sentence(report: AuditReport) -> str:
    own, others = _left(report, "forgotten"), _left(report, "retained")
    if own is None:
        return f"Where the model looks in photos of {who(report)} could not be measured."
    inside = _value(report, "after", "forgotten", "inside")
    first = f"In photos of {who(report)}, {_percent(own)} of the heat of before is left that speaks for this person"
    beside = f"; for people who stay it is {_percent(others)}" if others is not None else ""
    where = f" Of what is left, {rate(inside)} lies on the face." if known(inside) else ""
    return f"{first}{beside}.{where}"


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.0f}\u00a0%"


def _pictures(report: AuditReport) -> tuple[Pictures, ...]:
    erased = set(report.check.people)
    groups = (
        (f"Forgotten: {who(report)}", [face for face in report.heatmaps if face.person in erased]),
        ("People who stay", [face for face in report.heatmaps if face.person not in erased]),
    )
    return tuple(Pictures(title, [_pair(face) for face in found]) for title, found in groups if found)


def _pair(face: HeatedFace) -> PicturePair:
    before, after = (overlay(face.crop, heat) for heat in (face.heat.before, face.heat.after))
    return PicturePair(before, after, shown_name(face.person))
