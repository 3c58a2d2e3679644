"""Eyebrows, lashes, beards and the shadow of a shaven beard, as hairs on the skin's texture."""

import cv2
import numpy as np

from faceforget.people.identity import Identity
from faceforget.people.render import curves, texture
from faceforget.people.render.curves import smoothstep
from faceforget.people.render.raster import Floats

# How far along a beard style hair grows: upper lip, chin, cheeks; and how opaque it is.
_GROWTH = {
    "none": (1.0, 1.0, 1.0, 0.0),
    "stubble": (1.0, 1.0, 1.0, 0.45),
    "moustache": (1.0, 0.0, 0.0, 1.0),
    "goatee": (1.0, 1.0, 0.0, 1.0),
    "full": (1.0, 1.0, 1.0, 1.0),
}


def beard_mask(identity: Identity, x: Floats, y: Floats) -> Floats:
    """Where the beard grows, 0 to 1, in the canonical plane; same shape as ``x``."""
    lip_share, chin_share, cheek_share, _ = _GROWTH[identity.hair.beard]
    across, corner = np.abs(x), identity.mouth.half_width
    middle, base, chin = curves.mouth_y(identity), curves.nose_base_y(identity), curves.chin_y(identity)
    lip = smoothstep(base, base - 0.35, y) * smoothstep(middle - 0.5, middle + 0.1, y)
    lip = lip * smoothstep(corner + 0.75, corner + 0.05, across)
    jaw_line = base - 2.2 + 0.055 * np.maximum(across - 2.5, 0) ** 2.2
    cheek = smoothstep(0.5, -1.1, y - jaw_line) * smoothstep(chin - 2.6, chin - 1.2, y)
    # A rounded shield around the mouth that narrows to the chin.
    top, bottom = base - 0.15, chin - 0.5
    along = (y - (top + bottom) / 2) / ((top - bottom) / 2)
    shield = (across / ((corner + 0.55) * (0.82 + 0.18 * along))) ** 4 + along**4
    chin_area = smoothstep(1.25, 0.75, np.asarray(shield, dtype=np.float32))
    field = np.maximum.reduce([lip_share * lip, chin_share * chin_area, cheek_share * cheek])
    # An edge that wanders, as no razor follows a straight line.
    wander = np.sin(x * 5.1 + 2 * np.sin(y * 3.7)) * np.sin(y * 4.3 + identity.seed)
    return np.asarray(smoothstep(0.12, 0.95, field * (0.96 + 0.04 * wander)) * _off_lips(identity, x, y))


def _off_lips(identity: Identity, x: Floats, y: Floats) -> Floats:
    above = smoothstep(0.05, -0.12, curves.lip_upper(identity, x) - y)
    below = smoothstep(0.05, 0.3, curves.lip_lower(identity, x) - y)
    corner = identity.mouth.half_width
    beside = smoothstep(corner - 0.1, corner + 0.15, np.abs(x))
    return np.maximum(np.clip(above + below, 0, 1), beside)


def beard_lift(identity: Identity, x: Floats, y: Floats) -> Floats:
    """How far a grown beard stands off the skin, cm."""
    if identity.hair.beard not in ("full", "goatee", "moustache"):
        return np.zeros_like(x)
    mask = beard_mask(identity, x, y)
    return np.asarray(mask * (0.12 + 0.75 * identity.hair.beard_length * smoothstep(-6, -11, y)), dtype=np.float32)


def _cover(colour: Floats, amount: Floats, paint: Floats) -> None:
    for channel in range(3):
        colour[..., channel] += amount * (paint[channel] - colour[..., channel])


def paint(
    identity: Identity,
    rng: np.random.Generator,
    colour: Floats,
    relief: Floats,
    gloss: Floats,
    x: Floats,
    y: Floats,
) -> None:
    """Draw all hair of the face on its textures, in place."""
    _brows(identity, rng, colour, relief)
    if identity.sex == "male":
        _beard(identity, rng, colour, relief, gloss, x, y)


def _brows(identity: Identity, rng: np.random.Generator, colour: Floats, relief: Floats) -> None:
    brows = identity.brows
    count = int(240 * brows.density * (0.7 + brows.thickness))
    tint = np.array(identity.hair.colour, dtype=np.float32)
    tint = tint * (1 - 0.55 * brows.darkness) * (0.75 if identity.hair.grey < 0.5 else 0.9) + 0.02
    cover = np.zeros(texture.SHAPE, np.float32)
    for side in (-1.0, 1.0):
        t = rng.beta(1.0, 1.15, count)
        across = brows.inner + t * (brows.outer - brows.inner)
        half = 0.5 * brows.thickness * np.clip(1.35 - 1.05 * t, 0.12, 1) * smoothstep(-0.15, 0.12, t)
        place = rng.uniform(-1, 1, count)
        start_y = curves.brow_line(identity, across) + place * half
        ahead = curves.brow_line(identity, across + 0.1) - curves.brow_line(identity, across)
        rise = np.arctan2(ahead, 0.1) + 0.9 * np.exp(-t * 4.0) - 0.45 * place + rng.normal(0, 0.12, count)
        angle = rise if side > 0 else np.pi - rise
        lengths = rng.uniform(0.35, 0.75, count) * (1 - 0.25 * t)
        starts = np.stack([side * across, start_y], axis=1)
        hairs = texture.strokes(starts, angle, lengths, 0.042, side * -0.35 * np.ones(count))
        cover = np.maximum(cover, hairs)
    soft = cv2.GaussianBlur(cover, (0, 0), 4.0)
    amount = np.clip(cover * 0.75 + soft * 0.85, 0, 0.96) * np.float32(0.55 + 0.45 * brows.density)
    _cover(colour, amount, tint)
    relief += np.float32(0.03) * cv2.GaussianBlur(cover, (0, 0), 1.0)


def _beard(
    identity: Identity,
    rng: np.random.Generator,
    colour: Floats,
    relief: Floats,
    gloss: Floats,
    x: Floats,
    y: Floats,
) -> None:
    mask = beard_mask(identity, x, y)
    opacity = _GROWTH[identity.hair.beard][3]
    tint = np.array(identity.hair.colour, dtype=np.float32) * 0.85
    grain = texture.noise(rng, texture.SHAPE, (2.0, 2.0))
    if opacity < 0.9:
        shadow = (0.1 + 0.5 * opacity) * (1 - 0.75 * identity.hair.grey) * (0.75 + 0.5 * (grain > 0.3))
        _cover(colour, np.asarray(mask * shadow * 0.75, dtype=np.float32), tint * 0.6 + 0.04)
        return
    count = 5200
    px, py = rng.uniform(-9.5, 9.5, count), rng.uniform(-16, -4, count)
    column, row = texture.to_texels(np.stack([px, py], axis=1).astype(np.float32))
    grows = texture.lookup(mask, column, row)[:, 0] > rng.uniform(0.1, 0.9, count)
    px, py = px[grows], py[grows]
    angle = -np.pi / 2 + 0.16 * px + rng.normal(0, 0.3, len(px))
    lengths = rng.uniform(0.35, 0.9, len(px))
    hairs = texture.strokes(np.stack([px, py], axis=1), angle, lengths, 0.045, rng.normal(0, 0.6, len(px)))
    base = np.clip(mask * (0.82 + 0.05 * grain), 0, 0.93)
    _cover(colour, base, tint * 0.62 + 0.01)
    light = np.clip(hairs * mask, 0, 1)
    _cover(colour, light * np.float32(0.45), np.minimum(tint * 1.15 + 0.02, 1.0))
    relief += np.float32(0.025) * mask * hairs
    gloss *= 1 - 0.6 * mask
