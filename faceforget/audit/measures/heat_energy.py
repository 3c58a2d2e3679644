"""How much of the heat lies on the face? What the heatmaps show, as numbers.

The energy of a map is the sum of its heat (Wang et al. 2020, Score-CAM, arXiv 1910.01279, the energy-based
pointing game). A share alone hides that there may be hardly any heat left after an erasure, so the mean heat
of a whole map stands beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceforget.audit.estimates import Estimate, bootstrap, mean_of, not_measured
from faceforget.audit.measures.heatmaps import Heat, evidence
from faceforget.audit.view import Crops, Faces
from faceforget.photos.align import ALIGNED_LANDMARKS, Framing
from faceforget.recognizer.recognizer import Recognizer

# Of the template's eye distance and eye-to-mouth distance: the pupils are 63 mm apart, the face is about
# 137 mm wide; the eyes are about 66 mm above the mouth, the chin 46 mm below it, the hairline 66 mm above the eyes.
_HALF_WIDTH = 1.09
_ABOVE_EYES, _BELOW_MOUTH = 1.0, 0.7
MIN_PHOTOS = 2


@dataclass(frozen=True)
class GroupHeat:
    """Heat of a group of photos, each asked for the person whom it shows.

    Attributes:
        inside: Mean over photos of the share of the heat that lies on the face, in [0, 1].
        heat: Mean over photos of the mean heat per pixel, not scaled: compare before with after.
    """

    inside: Estimate
    heat: Estimate


@dataclass(frozen=True)
class HeatEnergy:
    """Where one model looks.

    Attributes:
        forgotten: On unseen photos of the erased persons.
        retained: On photos of people who stay.
        face_area: Share of the crop that counts as face: what heat spread evenly would have inside.
    """

    forgotten: GroupHeat
    retained: GroupHeat
    face_area: float


def heat_energy(
    model: Recognizer, faces: Faces, *, photos: int = 16, method: str = "hirescam", seed: int = 0
) -> HeatEnergy:
    """Heat of one model on forgotten and retained people.

    Args:
        model: With the erased persons' rows in place.
        faces: ``(N, S, S, 3)`` crops; those of strangers are not looked at, nobody could be asked for.
        photos: At most so many of each group, as many people as possible.
        method: A key of :data:`~faceforget.audit.measures.heatmaps.METHODS`.
        seed: Of the bootstrap.

    Raises:
        UnknownPersonError: The model does not know somebody.
        MethodError: No heatmap method is called so.
    """
    region = face_region(model.spec.framing)
    forgotten, retained = (
        _group_heat(model, spread(group, photos), region, method, seed) for group in (faces.forgotten, faces.retained)
    )
    return HeatEnergy(forgotten, retained, float(region.mean()))


def _group_heat(
    model: Recognizer, chosen: list[tuple[str, int, Crops]], region: NDArray[np.bool_], method: str, seed: int
) -> GroupHeat:
    if not chosen:
        return GroupHeat(not_measured(0, "no photos"), not_measured(0, "no photos"))
    crops = np.stack([crop for _, _, crop in chosen])
    names = [name for name, _, _ in chosen]
    heat = evidence(model, crops, names, method=method)
    return GroupHeat(energy_inside(heat, region, seed=seed), _mean(heat.mean((1, 2), dtype=np.float64), seed))


def energy_inside(heat: Heat, region: NDArray[np.bool_], *, seed: int = 0) -> Estimate:
    """Mean share of each map's energy inside a region, with a bootstrap over photos.

    Args:
        heat: ``(N, S, S)``, 0 and more.
        region: ``(S, S)``.
        seed: Of the bootstrap.
    """
    total = heat.sum((1, 2), dtype=np.float64)
    lit = total > 0
    shares = (heat * region).sum((1, 2), dtype=np.float64)[lit] / total[lit]
    dark = len(heat) - len(shares)
    return _mean(shares, seed, f"{dark} of {len(heat)} maps without any heat left out" if dark else "")


def _mean(values: NDArray[np.float64], seed: int, note: str = "") -> Estimate:
    if len(values) < MIN_PHOTOS:
        return not_measured(len(values), note or f"needs {MIN_PHOTOS} photos, got {len(values)}")
    interval = bootstrap(len(values), mean_of(values), seed=seed)
    return Estimate(float(values.mean()), len(values), interval, note)


def face_region(framing: Framing) -> NDArray[np.bool_]:
    """Which pixels ``(S, S)`` of a crop are face: an ellipse from ear to ear and from hairline to chin.

    In an aligned crop it stands on the five landmarks' template, with the proportions of an adult face; in a
    box crop it fills the detection box, inside its margin. A little of it may lie outside the crop.
    """
    size = framing.size
    if framing.kind == "five_point":
        points = ALIGNED_LANDMARKS * (size / 112)
        eyes, mouth = points[:2], points[3:]
        middle = float(points[:2].mean(0)[0] + points[3:].mean(0)[0]) / 2
        across, down = float(np.ptp(eyes[:, 0])), float(mouth[:, 1].mean() - eyes[:, 1].mean())
        top, bottom = float(eyes[:, 1].mean()) - _ABOVE_EYES * down, float(mouth[:, 1].mean()) + _BELOW_MOUTH * down
        half_width = _HALF_WIDTH * across
    else:
        middle, half_width = size / 2, (size - framing.margin) / 2
        top, bottom = framing.margin / 2, size - framing.margin / 2
    y, x = np.mgrid[:size, :size] + 0.5
    inside: NDArray[np.bool_] = ((x - middle) / half_width) ** 2 + ((2 * y - top - bottom) / (bottom - top)) ** 2 <= 1
    return inside


def spread(people: Mapping[str, Crops], photos: int) -> list[tuple[str, int, Crops]]:
    """At most so many photos: everybody's first, then everybody's second, and so on.

    If there are more people than photos, people at even steps through the names.

    Returns:
        Name, index and crop of each.
    """
    names = sorted(name for name, crops in people.items() if len(crops))
    if not names:
        return []
    names = [names[i] for i in np.linspace(0, len(names) - 1, min(photos, len(names))).round().astype(int)]
    most = max(len(people[name]) for name in names)
    order = [(name, i, people[name][i]) for i in range(most) for name in names if i < len(people[name])]
    return order[:photos]
