"""Outlines shared by the shape of the face, its colours and its openings.

All lengths in cm on the face seen from the front, x to the photo's right, y up, the origin between
the eyes. ``side`` is -1 for the eye on the photo's left and +1 for the other.
"""

import numpy as np

from faceforget.people.identity import Eyes, Identity
from faceforget.people.render.raster import Floats


def smoothstep(low: float | Floats, high: float | Floats, value: Floats) -> Floats:
    """Ease from 0 at ``low`` to 1 at ``high``."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def bump(x: Floats, y: Floats, at: tuple[float, float], spread: tuple[float, float]) -> Floats:
    """A Gaussian hill of height 1."""
    return np.asarray(np.exp(-(((x - at[0]) / spread[0]) ** 2) - ((y - at[1]) / spread[1]) ** 2), dtype=np.float32)


def spline(keys: list[tuple[float, float]], at: Floats) -> Floats:
    """Smooth curve through ``(position, value)`` keys: a Hermite cubic that does not overshoot."""
    x, y = np.array(keys, dtype=np.float64).T
    steps = np.diff(y) / np.diff(x)
    inner = np.where(steps[:-1] * steps[1:] > 0, 2 * steps[:-1] * steps[1:] / (steps[:-1] + steps[1:] + 1e-12), 0)
    slope = np.concatenate([steps[:1], inner, steps[-1:]])
    place = np.clip(at, x[0], x[-1])
    cell = np.clip(np.searchsorted(x, place, side="right") - 1, 0, len(x) - 2)
    width = (x[1:] - x[:-1])[cell]
    t = (place - x[cell]) / width
    value = (
        y[cell] * (1 + 2 * t) * (1 - t) ** 2
        + slope[cell] * width * t * (1 - t) ** 2
        + y[cell + 1] * t * t * (3 - 2 * t)
        + slope[cell + 1] * width * t * t * (t - 1)
    )
    return np.asarray(value, dtype=np.float32)


def eye_across(eyes: Eyes, side: int, x: Floats) -> Floats:
    """Position along the eye: -1 at the corner by the nose, 1 at the outer corner."""
    return np.asarray((side * x - eyes.spacing) / eyes.half_width, dtype=np.float32)


def lid_upper(eyes: Eyes, s: Floats, closed: float = 0.0) -> Floats:
    """Height of the upper lid's edge above the eye's centre at ``s`` from :func:`eye_across`."""
    inside = np.clip(s, -1, 1)
    lean = inside - eyes.peak * (1 - inside**2) * 0.5
    arc = np.clip(1 - np.abs(lean) ** 2.3, 0, 1) ** 0.8
    open_height = (
        eyes.upper * arc + eyes.tilt * inside * eyes.half_width * 0.5 - 0.12 * eyes.fold * (inside < 0) * inside**2
    )
    return np.asarray(open_height * (1 - closed) + lid_lower(eyes, s) * closed, dtype=np.float32)


def lid_lower(eyes: Eyes, s: Floats, raised: float = 0.0) -> Floats:
    """Height of the lower lid's edge."""
    inside = np.clip(s, -1, 1)
    lean = inside - 0.25 * (1 - inside**2)
    arc = np.clip(1 - np.abs(lean) ** 2.2, 0, 1) ** 0.9
    rise = eyes.tilt * inside * eyes.half_width * 0.5
    return np.asarray(rise - eyes.lower * arc * (1 - raised), dtype=np.float32)


def mouth_y(identity: Identity) -> float:
    """Height of the mouth's middle."""
    scale = identity.skull.lower_face
    return -(identity.nose.length + identity.mouth.height * scale) + 0.25


def nose_base_y(identity: Identity) -> float:
    """Height where the nose meets the upper lip."""
    return -identity.nose.length + 0.1


def chin_y(identity: Identity) -> float:
    """Height of the lowest point of the chin."""
    return mouth_y(identity) - 4.4 * identity.skull.lower_face


def mouth_line(identity: Identity, x: Floats) -> Floats:
    """Height of the line between the lips."""
    mouth = identity.mouth
    s = np.clip(np.abs(x) / mouth.half_width, 0, 1.3)
    dip = -0.10 * mouth.bow * np.exp(-((s / 0.2) ** 2))
    return np.asarray(mouth_y(identity) + mouth.curve * s**2 + dip + 0.06 * np.sin(s * 5), dtype=np.float32)


def lip_upper(identity: Identity, x: Floats) -> Floats:
    """Height of the upper lip's outline."""
    mouth = identity.mouth
    s = np.clip(np.abs(x) / mouth.half_width, 0, 1)
    bow = 1 + mouth.bow * (0.3 * np.exp(-(((s - 0.22) / 0.16) ** 2)) - 0.35 * np.exp(-((s / 0.12) ** 2)))
    return np.asarray(mouth_line(identity, x) + mouth.upper * (1 - s**1.7) * bow, dtype=np.float32)


def lip_lower(identity: Identity, x: Floats) -> Floats:
    """Height of the lower lip's outline."""
    mouth = identity.mouth
    s = np.clip(np.abs(x) / mouth.half_width, 0, 1)
    return np.asarray(mouth_line(identity, x) - mouth.lower * (1 - s**2.4) ** 1.1, dtype=np.float32)


def brow_line(identity: Identity, x: Floats) -> Floats:
    """Height of the middle of the eyebrow at distance ``|x|`` from the midline."""
    brows = identity.brows
    t = (np.abs(x) - brows.inner) / (brows.outer - brows.inner)
    arch = brows.arch * np.exp(-(((t - 0.62) / 0.33) ** 2)) - 0.45 * np.clip(t - 0.7, 0, 1) * (0.6 + brows.arch)
    rise = brows.height + identity.eyes.height + arch + brows.slant * (t - 0.4)
    return np.asarray(rise, dtype=np.float32)
