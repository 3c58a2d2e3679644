"""The skin's colour, gloss and fine relief, painted on the unwrapped face."""

from dataclasses import dataclass

import cv2
import numpy as np

from faceforget.people.identity import Identity
from faceforget.people.render import curves, facial_hair, texture
from faceforget.people.render.curves import bump, smoothstep
from faceforget.people.render.raster import Floats

# Skin from little to much melanin, sRGB under a white light.
_TONES = np.array(
    [
        (0.94, 0.79, 0.71),
        (0.91, 0.73, 0.62),
        (0.86, 0.66, 0.53),
        (0.78, 0.57, 0.43),
        (0.67, 0.46, 0.33),
        (0.54, 0.355, 0.25),
        (0.42, 0.27, 0.19),
        (0.31, 0.20, 0.145),
        (0.235, 0.15, 0.115),
    ],
    dtype=np.float32,
)


@dataclass(frozen=True)
class SkinMaps:
    """Textures of one person.

    Attributes:
        albedo: ``(H, W, 3)`` linear reflectance.
        detail: ``(H, W, 3)`` gloss, and the slope of the relief along x and y.
    """

    albedo: Floats
    detail: Floats


def base_colour(identity: Identity) -> Floats:
    """``(3,)`` sRGB of the person's plain skin."""
    place = identity.skin.tone * (len(_TONES) - 1)
    low = min(int(place), len(_TONES) - 2)
    colour = _TONES[low] * (1 - (place - low)) + _TONES[low + 1] * (place - low)
    under = identity.skin.undertone
    return np.asarray(colour * (1 + under * np.array([0.015, 0.0, -0.06])), dtype=np.float32)


def paint_skin(identity: Identity) -> SkinMaps:
    """Paint one person's skin."""
    rng = np.random.default_rng([identity.seed, 404])
    x, y = texture.plane()
    across = np.abs(x)
    colour = np.broadcast_to(base_colour(identity), (*texture.SHAPE, 3)).copy()
    relief = np.zeros(texture.SHAPE, np.float32)
    _flush(identity, colour, across, y)
    _mottle(identity, rng, colour, relief)
    _marks(identity, rng, colour, relief)
    _wrinkles(identity, rng, colour, relief, across, y)
    gloss = _gloss(identity, across, y)
    _lips(identity, rng, colour, relief, gloss, x, y)
    _nostrils(identity, colour, across, y)
    _make_up(identity, colour, x, y)
    facial_hair.paint(identity, rng, colour, relief, gloss, x, y)
    slope_x = cv2.Sobel(relief, cv2.CV_32F, 1, 0, scale=texture.TEXELS_PER_CM / 8)
    slope_y = -cv2.Sobel(relief, cv2.CV_32F, 0, 1, scale=texture.TEXELS_PER_CM / 8)
    detail = np.stack([gloss, slope_x, slope_y], axis=-1).astype(np.float32)
    return SkinMaps(texture.to_linear(colour), detail)


def _tint(colour: Floats, amount: Floats, factor: tuple[float, float, float]) -> None:
    """Multiply by ``factor`` where ``amount`` is 1, in place."""
    for channel in range(3):
        colour[..., channel] *= 1 + amount * (factor[channel] - 1)


def _flush(identity: Identity, colour: Floats, across: Floats, y: Floats) -> None:
    """Blood in cheeks, nose, ears; brown around the eyes; paler forehead."""
    skin, base = identity.skin, curves.nose_base_y(identity)
    blood = bump(across, y, (4.0, base + 1.0), (1.9, 1.7)) + 0.9 * bump(across, y, (0, base + 0.7), (1.7, 1.1))
    blood += 0.9 * smoothstep(8.2, 8.8, across) + 0.3 * bump(across, y, (0, curves.chin_y(identity) + 1.3), (1.2, 1.0))
    _tint(colour, blood * (0.2 + skin.redness), (1.01, 0.89, 0.90))
    eyes = identity.eyes
    ring = bump(across, y, (eyes.spacing - 0.2, eyes.height - 0.35), (1.9, 1.1))
    ring += 0.7 * bump(across, y, (1.5, eyes.height + 0.1), (0.6, 0.8))
    _tint(colour, ring * (0.3 + skin.sockets), (0.88, 0.80, 0.80))
    trough = bump(across - 0.15 * (y + 1.2), y, (eyes.spacing - 0.3, eyes.height - 1.15), (1.2, 0.22))
    _tint(colour, trough * eyes.bags, (0.85, 0.76, 0.78))
    _tint(colour, bump(across, y, (0, 5.0), (4.5, 2.0)), (1.03, 1.03, 1.02))
    _tint(colour, smoothstep(-11.5, -14.0, y), (0.96, 0.95, 0.95))


def _mottle(identity: Identity, rng: np.random.Generator, colour: Floats, relief: Floats) -> None:
    """Uneven colour from millimetres to centimetres, and pores."""
    amount, shape = identity.skin.mottling, texture.SHAPE
    half = texture.noise(rng, (shape[0], shape[1] // 2), (45.0, 45.0))
    # Where a skin is darker and where paler is much the same on both sides of a face.
    even = np.concatenate([half, half[:, ::-1]], axis=1)
    colour *= 1 + np.float32(0.03 + 0.03 * amount) * even[..., None] * np.array([0.7, 1.0, 1.1], dtype=np.float32)
    for size, strength in ((60.0, 0.022), (22.0, 0.022), (7.0, 0.018)):
        field = texture.noise(rng, shape, (size, size)) * np.float32(strength * amount)
        colour *= 1 + field[..., None] * np.array([0.6, 1.0, 1.1], dtype=np.float32)
    relief += texture.noise(rng, shape, (2.5, 2.5)) * np.float32(0.002 + 0.0025 * amount)


def _marks(identity: Identity, rng: np.random.Generator, colour: Floats, relief: Floats) -> None:
    """Moles, freckles, age spots, a scar."""
    skin = identity.skin
    spots: list[tuple[float, float, float, float, float]] = []
    for _ in range(skin.moles):
        at_x, at_y = rng.uniform(-5.5, 5.5), rng.uniform(-11, 5)
        spots.append((at_x, at_y, rng.uniform(0.07, 0.17), 0.45, 0.02))
    for _ in range(int(420 * skin.freckles)):
        spots.append((rng.normal(0, 3.0), np.clip(rng.normal(-2.0, 2.0), -9, 8), rng.uniform(0.03, 0.075), 0.8, 0.0))
    for _ in range(int(16 * max(identity.age - 52, 0) / 26)):
        spots.append((rng.uniform(-7, 7), rng.uniform(-8, 8), rng.uniform(0.12, 0.35), 0.86, 0.0))
    for at_x, at_y, radius, dark, height in spots:
        _spot(colour, relief, (at_x, at_y), radius, dark, height)
    if skin.scar:
        at_x, at_y, angle, length = (
            rng.uniform(-5, 5),
            rng.uniform(-8, 5),
            rng.uniform(0, 3.14),
            rng.uniform(0.8, 2.0),
        )
        line = texture.strokes(np.array([[at_x, at_y]]), np.array([angle]), np.array([length]), 0.12, np.array([0.4]))
        line = cv2.GaussianBlur(line, (0, 0), 1.0) * np.float32(skin.scar)
        _tint(colour, line, (1.12, 1.0, 0.98))
        relief -= 0.03 * line


def _spot(colour: Floats, relief: Floats, at: tuple[float, float], radius: float, dark: float, height: float) -> None:
    column = (at[0] - texture.LEFT) * texture.TEXELS_PER_CM
    row = (texture.TOP - at[1]) * texture.TEXELS_PER_CM
    reach = int(radius * 2 * texture.TEXELS_PER_CM) + 2
    if not (reach <= row < texture.SHAPE[0] - reach and reach <= column < texture.SHAPE[1] - reach):
        return
    r0, c0 = int(row) - reach, int(column) - reach
    window = (slice(r0, int(row) + reach), slice(c0, int(column) + reach))
    rows, columns = np.mgrid[window[0], window[1]]
    distance2 = ((rows - row) ** 2 + (columns - column) ** 2) / (radius * texture.TEXELS_PER_CM) ** 2
    amount = np.exp(-(distance2**1.5))
    colour[window] *= 1 + amount[..., None] * (np.array([dark * 1.1, dark * 0.92, dark * 0.85]) - 1)
    relief[window] += height * amount


def _wrinkles(
    identity: Identity, rng: np.random.Generator, colour: Floats, relief: Floats, across: Floats, y: Floats
) -> None:
    """Lines of the forehead, crow's feet, frown, mouth and neck, deeper with age."""
    amount, eyes = identity.skin.wrinkles, identity.eyes
    if amount <= 0.02:
        return
    lines = np.zeros(texture.SHAPE, np.float32)
    for k in range(int(rng.integers(3, 6))):
        height = 3.9 + 0.85 * k + rng.uniform(-0.2, 0.2)
        wave = height + rng.uniform(0.1, 0.35) * np.cos(across * rng.uniform(0.6, 1.2) + rng.uniform(-1, 1))
        fade = np.exp(-((across / rng.uniform(2.8, 4.8)) ** 4))
        lines += rng.uniform(0.4, 1.0) * fade * np.exp(-(((y - wave) / 0.09) ** 2))
    for k in range(4):
        angle = (k - 1.3) * 0.33 + rng.uniform(-0.1, 0.1)
        px, py = across - eyes.spacing - eyes.half_width - 0.15, y - eyes.height + 0.05
        along, off = px * np.cos(angle) + py * np.sin(angle), -px * np.sin(angle) + py * np.cos(angle)
        fade = smoothstep(0, 0.3, along) * smoothstep(rng.uniform(1.2, 2.2), 0.4, along)
        lines += 0.9 * fade * np.exp(-((off / 0.07) ** 2))
    frown = bump(across, y, (0.55 + 0.05 * identity.brows.slant, identity.brows.height - 0.1), (0.09, 0.8))
    lines += rng.uniform(0.2, 1.0) * frown
    for k in range(3):
        at = curves.chin_y(identity) - 3.0 - 1.4 * k
        lines += 0.6 * np.exp(-(((y - at - 0.02 * across**2) / 0.12) ** 2)) * smoothstep(6, 3, across)
    lips = bump(across, y, (0, curves.mouth_y(identity) + 1.0), (2.0, 0.7))
    lines += 0.4 * lips * np.clip(texture.noise(rng, texture.SHAPE, (16.0, 4.0)), 0, 1.5)
    lines = np.minimum(lines, 1.5) * np.float32(amount)
    relief -= np.float32(0.05) * lines
    _tint(colour, lines, (0.92, 0.88, 0.87))


def _gloss(identity: Identity, across: Floats, y: Floats) -> Floats:
    """How oily the skin is; the forehead, nose and cheekbones most."""
    oily = 0.55 * bump(across, y, (0, 4.8), (3.6, 2.2)) + 0.6 * bump(across, y, (0, -2.6), (0.9, 2.4))
    oily += 0.45 * bump(across, y, (4.3, -2.0), (1.4, 1.0)) + 0.3 * bump(
        across, y, (0, curves.chin_y(identity) + 1.2), (1.2, 0.8)
    )
    dry = 1 - 0.35 * identity.skin.tone
    return np.asarray((0.4 + oily) * (0.3 + 0.6 * identity.skin.shine) * dry, dtype=np.float32)


def _lips(
    identity: Identity,
    rng: np.random.Generator,
    colour: Floats,
    relief: Floats,
    gloss: Floats,
    x: Floats,
    y: Floats,
) -> None:
    mouth = identity.mouth
    line, top, bottom = (f(identity, x) for f in (curves.mouth_line, curves.lip_upper, curves.lip_lower))
    inside = smoothstep(-0.07, 0.07, top - y) * smoothstep(-0.09, 0.09, y - bottom)
    inside = inside * smoothstep(mouth.half_width + 0.02, mouth.half_width - 0.2, np.abs(x))
    red = (0.97 - 0.12 * identity.skin.tone, 0.80 - 0.12 * mouth.redness, 0.82 - 0.10 * mouth.redness)
    _tint(colour, inside * (0.5 + 0.5 * mouth.redness), red)
    if mouth.paint:
        tints = np.array(
            [
                (0.68, 0.20, 0.23),
                (0.60, 0.26, 0.30),
                (0.72, 0.38, 0.38),
                (0.46, 0.15, 0.20),
                (0.72, 0.30, 0.27),
            ]
        )
        tint = tints[int(rng.integers(len(tints)))].astype(np.float32) * np.float32(1 - 0.45 * identity.skin.tone)
        cover = (inside * np.float32(0.65 * mouth.paint))[..., None]
        colour[:] = colour * (1 - cover) + tint * cover
        gloss += inside * np.float32(0.5)
    shade = np.exp(-(((y - line) / 0.075) ** 2)) * smoothstep(
        mouth.half_width + 0.25, mouth.half_width - 0.25, np.abs(x)
    )
    _tint(colour, shade, (0.42, 0.30, 0.30))
    grooves = texture.noise(rng, texture.SHAPE, (18.0, 3.0)) * inside
    relief += np.float32(0.008) * grooves
    gloss += inside * np.float32(0.25)


def _nostrils(identity: Identity, colour: Floats, across: Floats, y: Floats) -> None:
    nose, base = identity.nose, curves.nose_base_y(identity)
    at = (0.42 * nose.wing_width + 0.02, base + 0.02 + 0.22 * nose.tip_turn)
    hole = np.exp(
        -(np.hypot((across - at[0]) / (0.30 + 0.12 * nose.wing_size), (y - at[1] - 0.1 * (across - at[0])) / 0.17) ** 3)
    )
    _tint(colour, hole, (0.22, 0.14, 0.13))
    rim = bump(across, y, (nose.wing_width + 0.12, base + 0.45), (0.16, 0.5))
    _tint(colour, rim, (0.86, 0.76, 0.75))


def _make_up(identity: Identity, colour: Floats, x: Floats, y: Floats) -> None:
    """Eyeliner and shadow, and the darker rim of every upper lid."""
    eyes = identity.eyes
    for side in (-1, 1):
        s, dy = curves.eye_across(eyes, side, x), y - eyes.height
        upper = curves.lid_upper(eyes, s)
        reach = smoothstep(1.22, 0.95, np.abs(s))
        crease = np.exp(-(((dy - upper - eyes.crease) / 0.1) ** 2)) * reach * (1 - eyes.fold)
        _tint(colour, crease * 0.8, (0.72, 0.62, 0.60))
        line = smoothstep(0.12 + 0.1 * eyes.liner, 0.0, dy - upper) * (dy > upper - 0.3) * reach
        _tint(colour, line * (0.45 + 0.5 * eyes.liner), (0.22, 0.16, 0.15))
        shadow = smoothstep(0.9, 0.1, dy - upper) * (dy > upper) * reach * eyes.liner
        _tint(colour, shadow * 0.5, (0.72, 0.62, 0.68))
