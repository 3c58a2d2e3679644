"""Where does the model look?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from faceforget.audit.compared import Compared
from faceforget.audit.estimates import Measured, Sides, if_given
from faceforget.audit.measures.heat_energy import HeatEnergy, heat_energy, spread
from faceforget.audit.measures.heatmaps import HeatmapPair, heat_colours, heatmap_pairs, overlay
from faceforget.audit.question import Material, Need, Question
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.rows import known, measured, missing, reference_name, table, who
from faceforget.audit.shown.section import Chart, Glance, PicturePair, Pictures, Ranges, Row, Section, Table
from faceforget.audit.shown.words import amount, photos_of, rate, shown_name
from faceforget.audit.view import Faces, View
from faceforget.photos.align import RGB

_HEATED = 6
_SIDES = ("before", "after", "reference")
_GROUPS = {"forgotten": "The person", "retained": "People who stay"}


@dataclass(frozen=True)
class HeatedFace:
    """A face and where the models look when they are asked for the person in it."""

    person: str
    crop: RGB
    heat: HeatmapPair


@dataclass(frozen=True)
class Looked:
    """Where the models look.

    Attributes:
        energy: Share of the heat inside the face.
        faces: A few photos of the erased persons (first) and of retained people.
    """

    energy: Sides[HeatEnergy]
    faces: tuple[HeatedFace, ...]


class WhereItLooks(Question[Looked]):
    """Heatmaps with the share of their energy inside the face."""

    name = "heatmaps"
    place = 80
    asks = "Where does the model look?"
    needs: ClassVar[frozenset[Need]] = frozenset({"layers"})

    def ask(self, material: Material) -> Looked:
        """Of a few photos as pictures, of more as numbers."""
        compared, faces = material.compared, material.faces

        def energy(view: View) -> HeatEnergy:
            return heat_energy(view.model, faces, seed=material.seed)

        energies = Sides(energy(compared.before), energy(compared.after), if_given(compared.retrained, energy))
        return Looked(energies, _heated(compared, faces))

    def numbers(self, answer: Looked | None) -> Mapping[str, object]:
        """The pictures are for readers only."""
        return {"energy": if_given(answer, lambda found: found.energy)}

    def glance(self, report: AuditReport, answer: Looked) -> Glance:
        """The pictures."""
        own, others = _by_group(report, answer)
        groups = (
            Pictures(f"Forgotten: what speaks for {who(report)}", own, named=False),
            Pictures("People who stay: what speaks for each", others),
        )
        ramp = heat_colours(np.tile(np.linspace(0, 1, 160, dtype=np.float32), (10, 1)))
        return Glance(
            "Where it looks",
            "Colour marks what in the face speaks for the person it shows (HiResCAM). Before and after share one scale "
            "for each face; after is measured with the old row put back.",
            tuple(pictures for pictures in groups if pictures.pairs),
            "Heatmap",
            ("none", ramp, "the most of the pair"),
        )

    def section(self, report: AuditReport, answer: Looked) -> Section:
        """The pictures, and how much of the heat lies on the face."""
        rows = _rows(answer.energy)
        charts = []
        if measured(rows):
            words = "Share of the heat that lies on the face; dashed: if it were spread evenly."
            charts.append(
                Chart(
                    Ranges(measured(rows), reference=reference_name(report), mark=answer.energy.after.face_area), words
                )
            )
        return Section(
            title=self.asks,
            sentence=_sentence(report, answer.energy),
            charts=tuple(charts),
            pictures=_pictures(report, answer),
            missing=missing(rows),
            method="HiResCAM (Draelos and Carin 2020, arXiv 2011.08891): what in the face speaks for the person it "
            "shows; both pictures of a pair share one scale, from no colour and blue (little) to red (the most of "
            "the pair). For the erased person the old row is put back. Energy: after Wang et al. 2020 (arXiv "
            "1910.01279).",
            basis=f"{photos_of(answer.energy.after.forgotten.inside)} of {who(report)}, "
            f"{photos_of(answer.energy.after.retained.inside)} of people who stay; bootstrap over photos.",
            reference="The model before, on the same photos."
            + (" A retrained model stands beside both." if answer.energy.reference else ""),
            tables=(table(report, "Heat inside the face", rows), _heat(answer.energy)),
        )


def _heated(compared: Compared, faces: Faces) -> tuple[HeatedFace, ...]:
    shown = [*spread(faces.forgotten, _HEATED), *spread(faces.retained, _HEATED)]
    names, crops = [name for name, _, _ in shown], np.stack([crop for _, _, crop in shown])
    pairs = heatmap_pairs(compared.before.model, compared.after.model, crops, names)
    return tuple(HeatedFace(*found) for found in zip(names, crops, pairs, strict=True))


def _value(energies: Sides[HeatEnergy], side: str, group: str, key: str) -> Measured | None:
    energy = getattr(energies, side)
    return None if energy is None else getattr(getattr(energy, group), key)


def _rows(energies: Sides[HeatEnergy]) -> list[Row]:
    return [
        Row(f"{words}: heat inside the face", *(_value(energies, side, group, "inside") for side in _SIDES))
        for group, words in _GROUPS.items()
    ]


def _heat(energies: Sides[HeatEnergy]) -> Table:
    rows = tuple(
        (f"{words}: mean heat", *(_amount(_value(energies, side, group, "heat")) for side in _SIDES[:2]))
        for group, words in _GROUPS.items()
    )
    return Table("How much heat there is", ("Parts of the similarity per pixel", "before", "after"), rows)


def _left(energies: Sides[HeatEnergy], group: str) -> float | None:
    old, new = (_value(energies, side, group, "heat") for side in _SIDES[:2])
    if old is None or new is None or not old.value or new.value is None:
        return None
    return new.value / old.value


def _amount(found: Measured | None) -> str:
    return amount(found.value if found else None, 4)


def _sentence(report: AuditReport, energies: Sides[HeatEnergy]) -> str:
    own, others = _left(energies, "forgotten"), _left(energies, "retained")
    if own is None:
        return f"Where the model looks in photos of {who(report)} could not be measured."
    inside = _value(energies, "after", "forgotten", "inside")
    first = f"In photos of {who(report)}, {_percent(own)} of the heat of before is left that speaks for this person"
    beside = f"; for people who stay it is {_percent(others)}" if others is not None else ""
    where = f" Of what is left, {rate(inside)} lies on the face." if known(inside) else ""
    return f"{first}{beside}.{where}"


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.0f}\u00a0%"


def _pictures(report: AuditReport, answer: Looked) -> tuple[Pictures, ...]:
    own, others = _by_group(report, answer)
    groups = ((f"Forgotten: {who(report)}", own), ("People who stay", others))
    return tuple(Pictures(title, pairs) for title, pairs in groups if pairs)


def _by_group(report: AuditReport, answer: Looked) -> tuple[list[PicturePair], list[PicturePair]]:
    """Of the erased persons, and of people who stay."""
    erased = set(report.check.people)
    pairs = [(face.person in erased, _pair(face)) for face in answer.faces]
    return [pair for gone, pair in pairs if gone], [pair for gone, pair in pairs if not gone]


def _pair(face: HeatedFace) -> PicturePair:
    before, after = (overlay(face.crop, heat) for heat in (face.heat.before, face.heat.after))
    return PicturePair(before, after, shown_name(face.person))


QUESTION = WhereItLooks()
