"""Brow, eyes, nose, mouth, chin and ears, pressed into the head's grid."""

from dataclasses import dataclass

import cv2
import numpy as np

from faceforget.people.identity import Identity
from faceforget.people.render import curves
from faceforget.people.render.curves import bump, smoothstep
from faceforget.people.render.raster import Floats, Ints, grid_triangles

EAR_GRID = (15, 28)
EYEBALL_RADIUS = 1.22
_LID_THICKNESS = 0.13
# How many waves of character a face has, and their height in cm along x, y and z.
_WAVES = 6
_WAVE_HEIGHT = np.array([0.06, 0.075, 0.105])


@dataclass(frozen=True)
class Ear:
    """One ear; fields as in :class:`faceforget.people.render.head.Head`."""

    points: Floats
    canonical: Floats
    occlusion: Floats
    triangles: Ints


def sculpt(identity: Identity, grid: Floats, canonical: Floats) -> tuple[Floats, float]:
    """Add the features of the face to the plain head.

    Args:
        identity: Whose face.
        grid: ``(rows, columns, 3)`` positions.
        canonical: ``(rows, columns, 2)``.

    Returns:
        The new grid, and z of the front of the eyes.
    """
    x, y = canonical[..., 0], canonical[..., 1]
    front = smoothstep(-1.0, 3.0, grid[..., 2])
    push = _bones(identity, x, y) + _mouth(identity, x, y)
    z: Floats = grid[..., 2] + push * front
    z, eye_depth = _eyes(identity, x, y, z, front)
    z = z + _nose(identity, x, y) * front
    moved: Floats = grid.copy()
    moved[..., 2] = z
    moved[..., 0] += front * identity.nose.bend * bump(x, y, (0, -3.0), (1.6, 2.2))
    # No face is symmetric: a slow, smooth drift of all features, each person's own.
    rng = np.random.default_rng([identity.seed, 202])
    # The neck and the scalp stay as they are: the hair is fitted to the plain cranium.
    face = front * smoothstep(-13, -9, y) * smoothstep(9.0, 5.0, y)
    for axis in (0, 1, 2):
        a, b, c = rng.uniform(-1, 1, 3)
        drift = a * np.sin(x * 0.35 + 3 * b) + c * np.sin(x * 0.22 + y * 0.3 + 5 * a)
        moved[..., axis] += 0.16 * identity.skull.lopsided * face * drift
    return moved + _character(rng, x, y) * face[..., None], eye_depth


def _character(rng: np.random.Generator, x: Floats, y: Floats) -> Floats:
    """Build that no parameter names: symmetric waves of 4 to 12 cm, ``(rows, columns, 3)`` cm."""
    across, side = np.abs(x), np.tanh(x / 1.5)
    moves = np.zeros((*x.shape, 3), np.float32)
    for _ in range(_WAVES):
        angle, length = rng.uniform(0, np.pi), rng.uniform(4, 12)
        wave = np.sin(2 * np.pi / length * (across * np.cos(angle) + y * np.sin(angle)) + rng.uniform(0, 6.28))
        push = rng.normal(0, 1, 3) * _WAVE_HEIGHT * (length / 8)
        moves += (wave[..., None] * push).astype(np.float32)
    moves[..., 0] *= side
    return moves


def _bones(identity: Identity, x: Floats, y: Floats) -> Floats:
    """Brow ridge, sockets, cheeks, temples, chin."""
    skull, eyes, across = identity.skull, identity.eyes, np.abs(x)
    mouth, chin, brow = curves.mouth_y(identity), curves.chin_y(identity), curves.brow_line(identity, x)
    full, age = skull.fullness, identity.skin.folds
    push = -(0.95 + eyes.depth) * bump(across, y, (eyes.spacing, eyes.height + 0.15), (1.9, 1.35))
    push -= (0.45 + 0.4 * eyes.depth) * bump(across, y, (1.55, eyes.height + 0.5), (0.75, 1.0))
    ridge = np.exp(-(((y - brow + 0.15) / 0.75) ** 2)) * np.exp(-(((across - 2.6) / 2.2) ** 4))
    push += (0.15 + skull.brow_ridge) * ridge
    push += (0.25 * skull.brow_ridge) * bump(x, y, (0, 1.9), (1.2, 0.8))
    push += (0.15 + 0.65 * skull.cheekbone) * bump(across, y, (4.7, -2.3), (1.5, 1.1))
    push += (0.75 * full - 0.25 * skull.cheekbone) * bump(across, y, (4.4, mouth + 0.9), (1.7, 2.2))
    push += 0.3 * full * bump(across, y, (2.6, chin + 1.5), (2.2, 1.6))
    push -= 0.35 * bump(across, y, (6.4, 3.2), (1.0, 2.2))
    width = 1.25 * skull.chin_width
    push += 0.62 * bump(across, y, (0.35 * (skull.chin_width - 0.6), chin + 1.25), (width, 0.95))
    push -= 0.38 * bump(x, y, (0, mouth - 1.75 * skull.lower_face), (1.7, 0.45))
    start, end = (identity.nose.wing_width + 0.35, curves.nose_base_y(identity) + 0.5), (3.4, mouth - 0.1)
    push += _crease(across, y, start, end, 0.32, -0.16 * age)
    push += _crease(across - 0.6, y, start, end, 0.6, 0.22 * age)
    push += _crease(across, y, (2.9, mouth - 0.5), (2.9, chin + 1.6), 0.3, -0.12 * max(age - 0.4, 0))
    push += 0.3 * max(age - 0.45, 0) * bump(across, y, (3.7, chin + 1.3), (0.9, 0.9))
    return push


def _crease(
    x: Floats, y: Floats, start: tuple[float, float], end: tuple[float, float], width: float, height: float
) -> Floats:
    """A groove (or welt) along a line, with faded ends."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length2 = dx * dx + dy * dy
    t = ((x - start[0]) * dx + (y - start[1]) * dy) / length2
    bow = 0.18 * np.sin(np.pi * np.clip(t, 0, 1))
    off = ((x - start[0]) * dy - (y - start[1]) * dx) / np.sqrt(length2) + bow
    fade = smoothstep(-0.1, 0.25, t) * smoothstep(1.15, 0.7, t)
    return np.asarray(height * fade * np.exp(-((off / width) ** 2)), dtype=np.float32)


def _eyes(identity: Identity, x: Floats, y: Floats, z: Floats, front: Floats) -> tuple[Floats, float]:
    """Wrap the lids around the eyeballs."""
    eyes, result, depth = identity.eyes, z.copy(), 0.0
    for side in (-1, 1):
        dx, dy = x - side * eyes.spacing, y - eyes.height
        near = dx * dx + dy * dy + (front < 0.5) * 100.0
        base = float(z.flat[int(near.argmin())])
        centre = base - 0.62 - 0.35 * eyes.depth
        s = curves.eye_across(eyes, side, x)
        upper, lower = curves.lid_upper(eyes, s), curves.lid_lower(eyes, s)
        opening = smoothstep(-0.05, 0.06, upper - dy) * smoothstep(-0.05, 0.06, dy - lower) * (np.abs(s) < 1)
        reach = EYEBALL_RADIUS + _LID_THICKNESS * (1 - opening)
        ball = centre + np.sqrt(np.maximum(reach**2 - dx**2 - dy**2, 0)) * (dx * dx + dy * dy < reach**2) - 0.0
        inside = smoothstep(reach * 1.0, reach * 0.75, np.sqrt(dx * dx + dy * dy))
        blend = np.maximum(result, ball) * inside + result * (1 - inside)
        blend -= opening * np.maximum(blend - ball, 0)
        crease = dy - upper - eyes.crease
        fold = np.exp(-((crease / 0.14) ** 2)) * smoothstep(1.25, 0.8, np.abs(s)) * (1 - eyes.fold)
        blend -= 0.16 * fold
        hood = np.exp(-(((crease - 0.35) / 0.35) ** 2)) * smoothstep(1.4, 0.8, np.abs(s - 0.1))
        blend += (0.1 + 0.3 * eyes.fold) * hood
        pouch = np.exp(-(((dy - lower + 0.75) / 0.32) ** 2)) * smoothstep(1.2, 0.5, np.abs(s))
        trough = np.exp(-(((dy - lower + 1.25 + 0.2 * s) / 0.25) ** 2)) * smoothstep(1.4, 0.6, np.abs(s + 0.2))
        blend += eyes.bags * (0.2 * pouch - 0.16 * trough)
        result = result * (1 - front) + blend * front
        depth += 0.5 * (centre + EYEBALL_RADIUS)
    return np.asarray(result, dtype=np.float32), depth


def _nose(identity: Identity, x: Floats, y: Floats) -> Floats:
    """Bridge, tip, wings and the undercut."""
    nose, across = identity.nose, np.abs(x)
    base, root = curves.nose_base_y(identity), 1.1 + identity.eyes.height
    tip_y = base + 0.75 + 0.35 * nose.tip_turn
    t = np.clip((root - y) / (root - tip_y), 0, 1.3)
    ridge = (0.75 + nose.bridge_height) * smoothstep(0, 0.35, t) + (
        1.15 + 0.8 * nose.tip_forward - 0.6 * nose.bridge_height
    ) * np.clip(t, 0, 1) ** 1.35
    ridge += nose.hump * np.exp(-(((t - 0.5) / 0.22) ** 2))
    ridge *= smoothstep(0, 0.2, t)
    width = nose.bridge_width * (0.8 + 0.25 * t) + 0.35 * np.clip(t - 0.5, 0, 1)
    push = ridge * np.exp(-((across / width) ** 2))
    tip = (0.0, tip_y)
    push += 0.45 * bump(x, y, tip, (nose.tip_width, 0.62)) * smoothstep(0.1, 0.5, np.exp(-(((y - tip_y) / 0.8) ** 2)))
    wing_y = base + 0.5 + 0.1 * nose.tip_turn
    push += (0.75 + 0.4 * nose.wing_size) * bump(
        across, y, (nose.wing_width - 0.35, wing_y), (0.5, 0.5 * nose.wing_size + 0.15)
    )
    push += 0.6 * bump(across, y, (0.6, wing_y + 0.15), (0.7, 0.55))
    groove = np.hypot((across - nose.wing_width + 0.4) / 0.72, (y - wing_y) / (0.62 * nose.wing_size + 0.22))
    push -= 0.14 * np.exp(-(((groove - 1.12) / 0.16) ** 2)) * smoothstep(0.5, 0.9, across)
    # Underneath, the nose falls back to the lip within a few millimetres, the middle a little lower.
    floor = (
        base
        - 0.12 * np.exp(-((across / 0.35) ** 2))
        + 0.22 * smoothstep(0.6, 1.8, across)
        + 0.25 * nose.tip_turn * np.exp(-((across / 0.6) ** 2))
    )
    return np.asarray(push * smoothstep(-0.4, 0.42, y - floor), dtype=np.float32)


def _mouth(identity: Identity, x: Floats, y: Floats) -> Floats:
    """Lips, the line between them, philtrum."""
    mouth, across = identity.mouth, np.abs(x)
    line, middle = curves.mouth_line(identity, x), curves.mouth_y(identity)
    top, bottom = curves.lip_upper(identity, x), curves.lip_lower(identity, x)
    s = np.clip(across / mouth.half_width, 0, 1)
    taper = np.sqrt(1 - s**2)
    push = (0.55 + mouth.forward) * bump(x, y, (0, middle), (2.6, 2.0))
    rise = np.clip((y - line) / np.maximum(top - line, 0.05), 0, 2)
    fall = np.clip((line - y) / np.maximum(line - bottom, 0.05), 0, 2)
    upper = np.where(y >= line, np.exp(-(((rise - 0.45) / 0.5) ** 2)), 0)
    lower = np.where(y < line, np.exp(-(((fall - 0.5) / 0.48) ** 2)), 0)
    push += taper * (0.22 + 0.25 * mouth.upper) * upper + taper * (0.25 + 0.3 * mouth.lower) * lower
    push -= 0.3 * taper * np.exp(-(((y - line) / 0.1) ** 2))
    push -= 0.22 * bump(across, y, (mouth.half_width + 0.1, middle + mouth.curve), (0.42, 0.5))
    groove_y = (curves.nose_base_y(identity) + middle + mouth.upper) / 2
    groove = bump(x, y, (0, groove_y), (0.22, 0.6)) - 0.6 * bump(across, y, (0.42, groove_y), (0.2, 0.6))
    return np.asarray(push - 0.16 * mouth.philtrum * groove, dtype=np.float32)


def openness(grid: Floats, canonical: Floats) -> Floats:
    """Ambient light that reaches each vertex, from how far it lies below its neighbourhood.

    Returns:
        ``(rows, columns)`` from about 0.35 to 1.
    """
    z = np.ascontiguousarray(grid[..., 2])
    near = cv2.GaussianBlur(z, (0, 0), 3.0, borderType=cv2.BORDER_REPLICATE)
    wide = cv2.GaussianBlur(z, (0, 0), 8.0, borderType=cv2.BORDER_REPLICATE)
    sunk = 0.9 * np.maximum(near - z, 0) + 0.35 * np.maximum(wide - z, 0)
    front = smoothstep(0.5, 3.0, z)
    neck = smoothstep(-8.5, -13.0, canonical[..., 1]) * smoothstep(-24, -17, canonical[..., 1])
    return np.asarray(np.clip(1 - front * np.minimum(sunk, 0.65), 0.3, 1) * (1 - 0.3 * neck), dtype=np.float32)


def ears(identity: Identity) -> list[Ear]:
    """Both ears: shells with a rim, a hollow and a lobe."""
    rows, columns = EAR_GRID
    ring, turn = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 2 * np.pi, columns), indexing="ij")
    skull = identity.skull
    size = skull.ear_size
    egg = 1 + 0.12 * np.sin(turn)
    along = ring * egg * 1.75 * size * np.cos(turn)
    up = ring * 3.05 * size * np.sin(turn)
    helix = np.exp(-(((ring - 0.86) / 0.11) ** 2)) * smoothstep(-0.9, -0.2, np.sin(turn))
    hollow = np.exp(-((np.hypot(along + 0.35, up + 0.3) / (0.8 * size)) ** 2))
    antihelix = np.exp(-(((ring - 0.55) / 0.12) ** 2)) * smoothstep(0.3, -0.5, np.cos(turn))
    out = 0.35 + 0.5 * helix - 0.75 * hollow + 0.3 * antihelix - 1.2 * smoothstep(0.9, 1.0, ring)
    # ``along`` runs to the face: the free edge at the back stands off the head.
    out = out + (0.25 - along / 3.5) * (0.35 + skull.ear_out)
    # Long hair presses the ears to the head; otherwise they would stick through it.
    hidden = float(identity.hair.style in ("long", "waves", "bob") and identity.hair.volume > 0.2)
    made = []
    for side in (-1.0, 1.0):
        where = 7.0 * (skull.cheek_width + skull.temple_width) / 2 - 0.8 * hidden
        x = side * (where + out)
        points = np.stack([x, up - 1.0 + 0.25 * along, along - 0.6], axis=-1).reshape(-1, 3)
        canonical = np.stack([side * (9.0 + 0 * along), up - 1.0], axis=-1).reshape(-1, 2)
        occlusion = np.clip(1 - 0.65 * hollow + 0.2 * helix - 0.25 * np.exp(-(((ring - 0.7) / 0.1) ** 2)), 0.3, 1)
        triangles = grid_triangles(rows, columns)
        triangles = triangles if side < 0 else triangles[::-1]
        made.append(
            Ear(
                points.astype(np.float32),
                canonical.astype(np.float32),
                occlusion.reshape(-1).astype(np.float32),
                triangles,
            )
        )
    return made
