"""What is behind the person, out of focus."""

import cv2
import numpy as np

from faceforget.people.conditions import Conditions
from faceforget.people.render import texture
from faceforget.people.render.raster import Floats

# Painted at this side and enlarged: the lens has blurred it anyway.
_SIDE = 96


def paint_background(conditions: Conditions, size: int) -> Floats:
    """Linear RGB ``(size, size, 3)``."""
    rng = np.random.default_rng([conditions.seed, 606])
    painter = {
        "wall": _wall, "room": _room, "foliage": _foliage, "street": _street,
        "bokeh": _bokeh, "sky": _sky, "studio": _studio,
    }[conditions.background]  # fmt: skip
    picture = painter(rng)
    blur = rng.uniform(1.2, 4.5)
    blurred = cv2.GaussianBlur(picture, (0, 0), blur, borderType=cv2.BORDER_REPLICATE)
    light = 0.55 * np.array(conditions.key) + 0.6 * np.array(conditions.fill)
    linear = (
        texture.to_linear(np.asarray(blurred, dtype=np.float32))
        * light.astype(np.float32)
        * np.float32(rng.uniform(0.6, 1.1))
    )
    large = cv2.resize(np.clip(linear, 0, None), (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.maximum(large, 0), dtype=np.float32)


def _muted(rng: np.random.Generator, value: tuple[float, float], chroma: float) -> Floats:
    """A colour of small saturation, sRGB ``(3,)``."""
    return np.asarray(np.clip(rng.uniform(*value) + chroma * rng.uniform(-1, 1, 3), 0.02, 0.98), dtype=np.float32)


def _plain(colour: Floats) -> Floats:
    return np.broadcast_to(colour, (_SIDE, _SIDE, 3)).astype(np.float32).copy()


def _slope(rng: np.random.Generator, low: float, high: float) -> Floats:
    """A ramp in a random direction, ``(S, S, 1)``."""
    y, x = np.mgrid[-1 : 1 : _SIDE * 1j, -1 : 1 : _SIDE * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    ramp = 0.5 + 0.35 * (x * np.cos(angle) + y * np.sin(angle))
    return np.asarray(low + (high - low) * ramp[..., None], dtype=np.float32)


def _wall(rng: np.random.Generator) -> Floats:
    picture = _plain(_muted(rng, (0.3, 0.9), 0.1)) * _slope(rng, 0.7, 1.1)
    picture *= 1 + 0.03 * texture.noise(rng, (_SIDE, _SIDE), (8, 8))[..., None]
    if rng.random() < 0.5:
        left, top = int(rng.integers(-20, 80)), int(rng.integers(-20, 30))
        right, bottom = left + int(rng.integers(20, 45)), top + int(rng.integers(20, 40))
        cv2.rectangle(
            picture, (left - 2, top - 2), (right + 2, bottom + 2), (_muted(rng, (0.1, 0.5), 0.1)).tolist(), -1
        )
        cv2.rectangle(picture, (left, top), (right, bottom), _muted(rng, (0.2, 0.8), 0.2).tolist(), -1)
    return picture


def _room(rng: np.random.Generator) -> Floats:
    picture = _plain(_muted(rng, (0.35, 0.75), 0.08)) * _slope(rng, 0.7, 1.1)
    left, shelf = int(rng.integers(0, 60)), int(rng.integers(12, 20))
    for top in range(int(rng.integers(-10, 5)), 90, shelf):
        at = left
        while at < left + 50:
            width, height = int(rng.integers(2, 6)), int(rng.integers(shelf // 2, shelf - 2))
            book = _muted(rng, (0.15, 0.6), 0.15).tolist()
            cv2.rectangle(picture, (at, top + shelf - height), (at + width - 1, top + shelf - 2), book, -1)
            at += width
        cv2.rectangle(picture, (left, top + shelf - 2), (left + 50, top + shelf), (0.25, 0.18, 0.12), -1)
    if rng.random() < 0.6:
        x = int(rng.integers(-10, 90))
        cv2.rectangle(
            picture,
            (x, -5),
            (x + int(rng.integers(12, 30)), int(rng.integers(35, 70))),
            (0.95, 0.97, 1.0),
            -1,
        )
    return picture


def _foliage(rng: np.random.Generator) -> Floats:
    shape = (_SIDE, _SIDE)
    leaf = texture.noise(rng, shape, (7, 7)) + texture.noise(rng, shape, (22, 22))
    green = np.array([rng.uniform(0.3, 0.5), rng.uniform(0.4, 0.52), rng.uniform(0.24, 0.38)], dtype=np.float32)
    picture = green * np.clip(1 + 0.17 * leaf, 0.45, 1.6)[..., None]
    glow = np.clip(texture.noise(rng, shape, (14, 14)) - 1.1, 0, 1)[..., None]
    return np.asarray(picture + glow * np.array([0.5, 0.55, 0.5], dtype=np.float32), dtype=np.float32)


def _street(rng: np.random.Generator) -> Floats:
    picture = _plain(_muted(rng, (0.6, 0.85), 0.05))
    at = 0
    while at < _SIDE:
        width, top = int(rng.integers(14, 34)), int(rng.integers(0, 45))
        house = _muted(rng, (0.3, 0.65), 0.09)
        cv2.rectangle(picture, (at, top), (at + width, _SIDE), house.tolist(), -1)
        for y in range(top + 4, 80, 11):
            for x in range(at + 3, at + width - 4, 8):
                cv2.rectangle(picture, (x, y), (x + 3, y + 6), (house * rng.uniform(0.4, 1.25)).tolist(), -1)
        at += width
    cv2.rectangle(picture, (0, 84), (_SIDE, _SIDE), (0.38, 0.38, 0.39), -1)
    return picture


def _bokeh(rng: np.random.Generator) -> Floats:
    picture = _plain(_muted(rng, (0.08, 0.3), 0.07)) * _slope(rng, 0.6, 1.3)
    # Small lights: out-of-focus discs as large as a head are taken for faces by detectors.
    for _ in range(int(rng.integers(12, 34))):
        spot = np.zeros_like(picture)
        centre = (int(rng.integers(0, _SIDE)), int(rng.integers(0, _SIDE)))
        tint = np.array([1.0, rng.uniform(0.6, 1.0), rng.uniform(0.3, 0.95)]) * rng.uniform(0.1, 0.4)
        cv2.circle(spot, centre, int(rng.integers(2, 6)), tint.tolist(), -1, cv2.LINE_AA)
        picture += spot
    return np.clip(picture, 0, 1)


def _sky(rng: np.random.Generator) -> Floats:
    y = np.linspace(0, 1, _SIDE, dtype=np.float32)[:, None, None]
    top = np.array([rng.uniform(0.35, 0.6), rng.uniform(0.55, 0.7), rng.uniform(0.75, 0.92)], dtype=np.float32)
    picture = np.broadcast_to(top + (np.array([0.86, 0.88, 0.9], dtype=np.float32) - top) * y, (_SIDE, _SIDE, 3)).copy()
    cloud = np.clip(texture.noise(rng, (_SIDE, _SIDE), (14, 26)), 0, 1)[..., None]
    picture += cloud * (0.95 - picture) * 0.7
    line = int(rng.integers(55, 85))
    picture[line:] = _muted(rng, (0.25, 0.5), 0.1)
    return np.asarray(picture, dtype=np.float32)


def _studio(rng: np.random.Generator) -> Floats:
    y, x = np.mgrid[-1 : 1 : _SIDE * 1j, -1 : 1 : _SIDE * 1j]
    glow = np.exp(-((x - rng.uniform(-0.3, 0.3)) ** 2 + (y - rng.uniform(-0.3, 0.3)) ** 2) / 0.9)[..., None]
    return np.asarray(_muted(rng, (0.15, 0.75), 0.08) * (0.55 + 0.6 * glow), dtype=np.float32)
