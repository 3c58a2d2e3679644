"""Move the face: smile, open mouth, brows."""

import numpy as np

from faceforget.people.conditions import Conditions
from faceforget.people.identity import Identity
from faceforget.people.render import curves
from faceforget.people.render.curves import bump, smoothstep
from faceforget.people.render.raster import Floats

# Half width in cm of the strip of mesh between the lips that stretches into the open mouth.
LIP_STRIP = 0.16
UPPER_SHARE = 0.3


def mouth_gap(identity: Identity, conditions: Conditions, x: Floats) -> Floats:
    """Height of the open mouth in cm at canonical ``x``."""
    reach = identity.mouth.half_width * (0.92 + 0.05 * conditions.smile)
    return np.asarray(conditions.mouth_open * 1.3 * np.clip(1 - (x / reach) ** 2, 0, 1) ** 0.7, dtype=np.float32)


def express(identity: Identity, conditions: Conditions, points: Floats, canonical: Floats) -> Floats:
    """Neutral positions ``(V, 3)`` to those of the expression."""
    x, y = canonical[:, 0], canonical[:, 1]
    across, side = np.abs(x), np.sign(x)
    mouth, smile = identity.mouth, conditions.smile
    middle, chin = curves.mouth_y(identity), curves.chin_y(identity)
    moved = points.copy()
    corner = bump(across, y, (mouth.half_width, middle), (1.3, 1.0))
    moved[:, 0] += side * 0.42 * smile * corner
    moved[:, 1] += 0.5 * smile * corner
    moved[:, 2] -= 0.3 * max(smile, 0) * corner
    apple = bump(across, y, (3.7, -3.0), (1.4, 1.2))
    moved[:, 2] += 0.38 * max(smile, 0) * apple
    moved[:, 1] += 0.3 * max(smile, 0) * apple
    fold = bump(across - 0.3 * (middle - y), y, (mouth.half_width + 0.3, middle + 1.0), (0.3, 1.2))
    moved[:, 2] -= 0.2 * max(smile, 0) * fold
    moved[:, 1] += 0.45 * conditions.brow_raise * bump(across, y, (2.8, identity.brows.height), (2.6, 1.1))
    frown = max(-conditions.brow_raise, 0)
    moved[:, 0] -= side * 0.3 * frown * bump(across, y, (1.2, identity.brows.height), (1.0, 1.0))
    if conditions.mouth_open > 0:
        below = curves.mouth_line(identity, x) - y
        gap = mouth_gap(identity, conditions, x)
        ramp = np.clip(below / LIP_STRIP, -1, 1) * 0.5 + 0.5
        near = np.exp(-((np.maximum(below, 0) / 1.2) ** 2))
        jaw = conditions.mouth_open * 1.3 * smoothstep(6.5, 2.0, across) * smoothstep(chin - 5, chin - 1, y)
        lower = (1 - UPPER_SHARE) * (gap * near + jaw * (1 - near) * (below > 0))
        upper = UPPER_SHARE * gap * np.exp(-((np.minimum(below, 0) / 0.7) ** 2))
        front = points[:, 2] > 2
        moved[:, 1] += (upper * (1 - ramp) - lower * ramp) * front
    return moved
