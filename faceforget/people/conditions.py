"""How one photo was taken: pose, expression, light, lens, clothes, background, camera."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Background = Literal["wall", "room", "foliage", "street", "bokeh", "sky", "studio"]
_BACKGROUNDS: tuple[Background, ...] = ("wall", "room", "foliage", "street", "bokeh", "sky", "studio")

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Conditions:
    """Everything about a photo that is not the person.

    Attributes:
        seed: Seeds the background and the sensor noise.
        yaw: Head turned to the photo's right, degrees.
        pitch: Head raised, degrees.
        roll: Head tilted, degrees.
        smile: From -0.15 (sulking) to 1.
        mouth_open: Gap between the lips, cm.
        brow_raise: From -0.4 (frowning) to 0.9.
        squint: Share by which the eyes are closed.
        gaze: Where the eyes look, degrees right and up of straight ahead.
        distance: Camera to head, cm: short ones broaden the nose as a wide lens does.
        framing: Pixels per cm at the face, for a photo of 224 pixels.
        shift: Where the head stands off the middle, shares of the side.
        light: Azimuth (0 frontal, positive from the photo's right) and elevation of the key light, degrees.
        key: Colour of the key light, linear.
        fill: Colour of the light from above, linear.
        bounce: Colour of the light from below, linear.
        shadow_blur: Softness of cast shadows, cm.
        clothing: Colour of the garment as sRGB.
        pattern: 0 plain, 1 stripes, 2 checks, 3 heather.
        neckline: How deep it is cut, cm.
        exposure: Stops over or under.
        vignette: Darkening of the corners, 0 to 1.
        blur: Sigma of the lens and motion blur at 224 pixels.
        noise: Sigma of the sensor noise, of 1.
        jpeg: Quality of the camera's JPEG.
    """

    seed: int
    yaw: float
    pitch: float
    roll: float
    smile: float
    mouth_open: float
    brow_raise: float
    squint: float
    gaze: tuple[float, float]
    distance: float
    framing: float
    shift: tuple[float, float]
    light: tuple[float, float]
    key: Colour
    fill: Colour
    bounce: Colour
    shadow_blur: float
    background: Background
    clothing: Colour
    pattern: int
    neckline: float
    exposure: float
    vignette: float
    blur: float
    noise: float
    jpeg: int


def _warmth(temperature: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Colour of a light from -1 (evening sun, lamps) to 1 (shade, overcast)."""
    return np.array([1 - 0.13 * temperature, 1.0, 1 + 0.22 * temperature])


def _triple(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Colour:
    return float(values[0]), float(values[1]), float(values[2])


def sample_conditions(seed: int) -> Conditions:
    """Draw the conditions of a photo; the same seed gives the same conditions.

    Raises:
        ValueError: If the seed is negative.
    """
    if seed < 0:
        raise ValueError(f"expected a seed of 0 or more, got {seed}; pass a non-negative integer")
    rng = np.random.default_rng([seed, 303])
    toothy = bool(rng.random() < 0.3)
    smile = float(rng.uniform(0.5, 1.0)) if toothy else float(np.clip(rng.normal(0.25, 0.25), -0.15, 0.9))
    opened = float(rng.uniform(0.15, 0.55)) if toothy else float(rng.uniform(0, 0.27) * (rng.random() < 0.15))
    strength = rng.uniform(0.55, 1.25)
    temperature = float(np.clip(rng.normal(0, 0.5), -1, 1))
    contrast = rng.uniform(0.3, 0.75)
    background = _BACKGROUNDS[int(rng.integers(len(_BACKGROUNDS)))]
    yaw, pitch = float(np.clip(rng.normal(0, 13), -32, 32)), float(np.clip(rng.normal(1, 6), -13, 14))
    # Most people look into the camera wherever their head points.
    towards = 0.85 if rng.random() < 0.7 else 0.0
    gaze = np.clip(rng.normal((-towards * yaw, -0.6 * towards * pitch), (3.5, 2.0)), (-24, -9), (24, 9))
    value, chroma = rng.uniform(0.08, 0.85), rng.uniform(0, 0.26)
    clothing = np.clip(value + chroma * rng.uniform(-1, 1, 3), 0.03, 0.95)
    return Conditions(
        seed=seed,
        yaw=yaw,
        pitch=pitch,
        roll=float(np.clip(rng.normal(0, 4), -11, 11)),
        smile=smile,
        mouth_open=opened,
        brow_raise=float(np.clip(rng.normal(0.08, 0.25), -0.4, 0.9)),
        squint=float(np.clip(rng.normal(0.05 + 0.18 * max(smile, 0), 0.1), 0, 0.45)),
        gaze=(float(gaze[0]), float(gaze[1])),
        distance=float(rng.uniform(65, 220)),
        framing=float(rng.uniform(4.9, 7.4)),
        shift=(float(rng.uniform(-0.05, 0.05)), float(rng.uniform(-0.03, 0.04))),
        light=(float(rng.uniform(-75, 75)), float(rng.uniform(5, 60))),
        key=_triple(_warmth(temperature) * strength * (0.55 + contrast)),
        fill=_triple(_warmth(rng.uniform(-0.3, 0.8)) * strength * (1.0 - contrast)),
        bounce=_triple(_warmth(rng.uniform(-1, 0.3)) * strength * (0.7 - 0.55 * contrast)),
        shadow_blur=float(rng.uniform(0.15, 0.9)),
        background=background,
        clothing=_triple(clothing),
        pattern=int(rng.choice(4, p=[0.5, 0.18, 0.14, 0.18])),
        neckline=float(rng.uniform(0.0, 5.0)),
        exposure=float(np.clip(rng.normal(0, 0.22), -0.5, 0.5)),
        vignette=float(rng.uniform(0, 0.27)),
        blur=float(rng.uniform(0.15, 0.75)),
        noise=float(rng.uniform(0.002, 0.016)),
        jpeg=int(rng.integers(72, 97)),
    )
