"""What shows between the lids and between the lips: eyeballs, teeth, the dark of the mouth."""

import numpy as np

from faceforget.people.conditions import Conditions
from faceforget.people.identity import Identity
from faceforget.people.render import curves, light, texture
from faceforget.people.render.curves import smoothstep
from faceforget.people.render.expression import LIP_STRIP, UPPER_SHARE, mouth_gap
from faceforget.people.render.features import EYEBALL_RADIUS
from faceforget.people.render.raster import Floats

_PUPIL, _CORNEA = 0.19, 0.3


def _gaze(conditions: Conditions, side: int) -> Floats:
    right, up = np.radians([conditions.gaze[0] - 2.0 * side, conditions.gaze[1]])
    return np.array([np.sin(right) * np.cos(up), np.sin(up), np.cos(right) * np.cos(up)], dtype=np.float32)


def paint_eyes(
    identity: Identity,
    conditions: Conditions,
    canonical: Floats,
    rotation: Floats,
    colour: Floats,
    occlusion: Floats,
    shadow: Floats,
) -> None:
    """Replace skin by eyeballs between the lids, in place.

    Args:
        identity: Whose eyes.
        conditions: Gaze, squint and light.
        canonical: ``(P, 2)`` places on the face.
        rotation: ``(3, 3)`` from the head's space to the camera's.
        colour: ``(P, 3)`` linear, changed.
        occlusion: ``(P,)`` ambient share.
        shadow: ``(P,)`` key light share.
    """
    eyes = identity.eyes
    for side in (-1, 1):
        dx, dy = canonical[:, 0] - side * eyes.spacing, canonical[:, 1] - eyes.height
        at = np.flatnonzero((np.abs(dx) < eyes.half_width * 1.15) & (np.abs(dy) < 1.15))
        if len(at) == 0:
            continue
        dx, dy = dx[at], dy[at]
        s = curves.eye_across(eyes, side, canonical[at, 0])
        upper = curves.lid_upper(eyes, s, conditions.squint)
        lower = curves.lid_lower(eyes, s, 0.5 * conditions.squint)
        opening = smoothstep(-0.02, 0.06, upper - dy) * smoothstep(-0.02, 0.06, dy - lower) * (np.abs(s) < 1)
        ball = _eyeball(identity, conditions, rotation, side, dx, dy, s, shadow[at])
        gap = np.clip((upper - dy) / 0.38, 0, 1)
        ball *= (0.42 + 0.58 * gap)[:, None] * (0.72 + 0.28 * occlusion[at])[:, None]
        skin = colour[at]
        wet = np.exp(-(((dy - lower) / 0.06) ** 2)) * (np.abs(s) < 1)
        skin = skin * (1 + wet[:, None] * np.array([0.15, -0.12, -0.12], dtype=np.float32))
        rim = np.exp(-(((dy - upper - 0.02) / (0.07 + 0.05 * eyes.liner)) ** 2)) * smoothstep(1.12, 0.95, np.abs(s))
        mixed = skin * (1 - opening[:, None]) + ball * opening[:, None]
        lashes = np.clip(rim * (0.62 + 0.38 * eyes.liner), 0, 0.95)
        colour[at] = mixed * (1 - lashes[:, None]) + np.float32(0.008) * lashes[:, None]


def _eyeball(
    identity: Identity,
    conditions: Conditions,
    rotation: Floats,
    side: int,
    dx: Floats,
    dy: Floats,
    s: Floats,
    shadow: Floats,
) -> Floats:
    """Colour of the eyeball ``(P, 3)`` at offsets from its centre, as seen from the front."""
    eyes = identity.eyes
    out = np.sqrt(np.maximum(EYEBALL_RADIUS**2 - dx**2 - dy**2, 0.05))
    normal = np.stack([dx, dy, out], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    gaze = _gaze(conditions, side)
    angle = np.arccos(np.clip(normal @ gaze, -1, 1))
    across = normal - (normal @ gaze)[:, None] * gaze
    turn = np.arctan2(across[:, 1], across[:, 0])
    limbus = eyes.iris_radius / EYEBALL_RADIUS * 1.05
    r = angle / limbus
    white = np.array([0.60, 0.555, 0.51], dtype=np.float32) - 0.12 * identity.skin.tone
    pink = np.array([1.0, 0.84, 0.82], dtype=np.float32)
    corner = smoothstep(0.45, 1.0, np.abs(s))[:, None]
    sclera = white * (1 + corner * (pink - 1))
    phase = identity.seed % 97
    fibres = 1 + 0.22 * np.sin(turn * 23 + phase) * np.sin(turn * 9 + 2 * phase) + 0.12 * np.sin(turn * 41 + r * 5)
    iris_tint = texture.linear_colour(eyes.iris) * 1.15
    iris = iris_tint * (fibres * (0.75 + 0.5 * np.exp(-(((r - 0.5) / 0.22) ** 2))))[:, None]
    iris *= (1 - 0.75 * smoothstep(0.78, 1.0, r))[:, None]
    iris *= smoothstep(_PUPIL / limbus * 0.8, _PUPIL / limbus * 1.15, r)[:, None]
    seen = sclera + (iris - sclera) * smoothstep(1.06, 0.93, r)[:, None]
    caruncle = smoothstep(-0.8, -0.97, s)[:, None]
    seen = seen + caruncle * (np.array([0.42, 0.16, 0.13], dtype=np.float32) - seen)
    turned = normal @ rotation.T
    key = np.array(conditions.key, dtype=np.float32)
    to_light = light.light_direction(conditions)
    lit = (np.clip(turned @ to_light * 0.8 + 0.2, 0, 1) * shadow)[:, None] * key
    radiance = seen * (lit + light.ambient(conditions, turned))
    # The cornea stands out of the ball, so its mirror image of the light sits nearer the pupil.
    bulge = smoothstep(1.15, 0.6, r)[:, None]
    mirror = (normal + bulge * _CORNEA * (normal - gaze)) @ rotation.T
    mirror /= np.linalg.norm(mirror, axis=1, keepdims=True)
    half = to_light * np.array([0.6, 0.8, 1.0], dtype=np.float32) + np.array([0, 0, 1], dtype=np.float32)
    half /= np.linalg.norm(half)
    glint = 1.3 * np.clip(mirror @ half, 0, 1) ** 420 + 0.05 * np.clip(mirror @ half, 0, 1) ** 30
    return np.asarray(radiance + glint[:, None] * key, dtype=np.float32)


def paint_mouth(
    identity: Identity, conditions: Conditions, canonical: Floats, colour: Floats, occlusion: Floats
) -> None:
    """Show teeth and the inside between parted lips, in place; arguments as :func:`paint_eyes`."""
    if conditions.mouth_open <= 0.02:
        return
    x, y = canonical[:, 0], canonical[:, 1]
    middle, half_width = curves.mouth_y(identity), identity.mouth.half_width
    at = np.flatnonzero((np.abs(x) < half_width) & (np.abs(y - middle) < 1.0))
    if len(at) == 0:
        return
    x, y = x[at], y[at]
    place = (curves.mouth_line(identity, x) - y) / LIP_STRIP
    gap = mouth_gap(identity, conditions, x)
    inside = smoothstep(1.0, 0.86, np.abs(place)) * smoothstep(0.03, 0.12, gap)
    below_lip = (place + 1) / 2 * gap
    incisor = 0.85 - 0.12 * np.abs(x) / 0.8
    teeth = smoothstep(incisor, incisor - 0.12, below_lip + UPPER_SHARE * 0.3)
    arch = np.clip(1 - (np.abs(x) / (half_width * 0.92)) ** 2.2, 0, 1)
    gaps = 1 - 0.45 * np.exp(-((((np.abs(x) + 0.425) % 0.85 - 0.425) / 0.035) ** 2))
    yellow = 0.06 * (identity.seed % 5) / 4
    enamel = np.array([0.70, 0.665 - yellow * 0.5, 0.60 - yellow], dtype=np.float32)
    dark = np.array([0.05, 0.014, 0.014], dtype=np.float32)
    shade = (arch * gaps * smoothstep(-0.05, 0.3, below_lip + 0.08))[:, None]
    brightness = np.array(conditions.key, dtype=np.float32) * 0.55 + np.array(conditions.fill, dtype=np.float32) * 0.45
    seen = (dark + (enamel * shade - dark) * teeth[:, None]) * brightness * (0.6 + 0.4 * occlusion[at])[:, None]
    colour[at] = colour[at] * (1 - inside[:, None]) + seen * inside[:, None]
