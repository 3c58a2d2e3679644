"""The garment over neck and shoulders."""

import numpy as np

from faceforget.people.conditions import Conditions
from faceforget.people.render import texture
from faceforget.people.render.curves import smoothstep
from faceforget.people.render.raster import Floats


def clothe(
    conditions: Conditions, chin: float, canonical: Floats, spots: Floats, albedo: Floats, gloss: Floats
) -> None:
    """Cover skin below the neckline, in place.

    Args:
        conditions: Colour, pattern, neckline.
        chin: Height of the chin, cm.
        canonical: ``(P, 2)`` places on the unwrapped person.
        spots: ``(P, 3)`` positions in the camera's space, for the pattern.
        albedo: ``(P, 3)`` linear, changed.
        gloss: ``(P,)``, changed.
    """
    x, y = canonical[:, 0], canonical[:, 1]
    front = smoothstep(7.0, 0.0, np.abs(x)) * conditions.neckline
    edge = chin - 4.7 - 0.5 * front - y
    worn = smoothstep(0.0, 0.12, edge)
    at = np.flatnonzero(worn > 0)
    if len(at) == 0:
        return
    cloth = np.broadcast_to(texture.linear_colour(conditions.clothing), (len(at), 3))
    cloth = cloth * _pattern(conditions, spots[at])[:, None]
    seam = 1 - 0.35 * np.exp(-(((edge[at] - 0.45) / 0.12) ** 2))
    cover = worn[at][:, None]
    albedo[at] = albedo[at] * (1 - cover) + cloth * seam[:, None] * cover
    gloss[at] *= 1 - 0.9 * worn[at]


def _pattern(conditions: Conditions, spots: Floats) -> Floats:
    stripes = np.where(np.sin(spots[:, 1] * 3.2) > 0.2, 0.55, 1.0)
    if conditions.pattern == 1:
        return stripes
    if conditions.pattern == 2:
        return np.where(np.sin(spots[:, 0] * 2.4) > 0.3, 0.6, 1.0) * np.where(
            np.sin(spots[:, 1] * 2.4) > 0.3, 0.65, 1.0
        )
    weave = np.sin(spots[:, 0] * 37.0 + 3 * np.sin(spots[:, 1] * 5)) * np.sin(spots[:, 1] * 41.0)
    folds = 1 + 0.1 * np.sin(spots[:, 0] * 0.7 + 1.5 * np.sin(spots[:, 1] * 0.4))
    return np.asarray(folds * (1 + (0.2 if conditions.pattern == 3 else 0.05) * weave))
