"""Light on skin, eyes and hair, and the shadows they cast on each other."""

import cv2
import numpy as np

from faceforget.people.conditions import Conditions
from faceforget.people.render.raster import Floats

# Light enters skin and leaves it beside where it entered, red the furthest: its terminator is
# softer in red than in blue.
_SKIN_WRAP = np.array([0.30, 0.14, 0.09], dtype=np.float32)
_SHADOW_STEPS = 16


def light_direction(conditions: Conditions) -> Floats:
    """Unit vector ``(3,)`` to the key light, in the camera's space."""
    azimuth, elevation = np.radians(conditions.light)
    flat = np.cos(elevation)
    return np.array([np.sin(azimuth) * flat, np.sin(elevation), np.cos(azimuth) * flat], dtype=np.float32)


def ambient(conditions: Conditions, normals: Floats) -> Floats:
    """Light from all around, from above to below: ``(P, 3)`` normals to ``(P, 3)``."""
    up = (0.5 + 0.5 * normals[:, 1:2]).astype(np.float32)
    fill, bounce = (np.array(c, dtype=np.float32) for c in (conditions.fill, conditions.bounce))
    facing = 0.8 + 0.2 * np.clip(normals[:, 2:3], 0, 1)
    return np.asarray((bounce + (fill - bounce) * up) * facing, dtype=np.float32)


def skin_light(
    conditions: Conditions, normals: Floats, albedo: Floats, gloss: Floats, occlusion: Floats, shadow: Floats
) -> Floats:
    """Radiance of skin, linear.

    Args:
        conditions: The photo's light.
        normals: ``(P, 3)`` in the camera's space.
        albedo: ``(P, 3)``.
        gloss: ``(P,)``.
        occlusion: ``(P,)`` share of the ambient light that arrives.
        shadow: ``(P,)`` share of the key light that arrives.

    Returns:
        ``(P, 3)``.
    """
    to_light, key = light_direction(conditions), np.array(conditions.key, dtype=np.float32)
    facing = (normals @ to_light)[:, None]
    wrapped = np.clip((facing + _SKIN_WRAP) / (1 + _SKIN_WRAP), 0, None)
    arriving = wrapped * shadow[:, None] * key
    open_sky = occlusion[:, None] ** np.array([0.8, 1.0, 1.05], dtype=np.float32)
    radiance = albedo * (arriving + ambient(conditions, normals) * open_sky)
    half = to_light + np.array([0, 0, 1], dtype=np.float32)
    half /= np.linalg.norm(half)
    shine = np.clip(normals @ half, 0, 1)
    grazing = 0.04 + 0.5 * (1 - np.clip(normals[:, 2], 0, 1)) ** 4
    lobes = 0.55 * shine**14 + 1.5 * shine**55
    key_shine = gloss * lobes * shadow * np.clip(facing[:, 0] * 4, 0, 1)
    sky = gloss * grazing * 0.5 * np.clip(normals[:, 1] + 0.3, 0, 1) * occlusion
    glint = (0.11 * key_shine)[:, None] * key + sky[:, None] * np.array(conditions.fill, dtype=np.float32) * 0.6
    return np.asarray(radiance + glint, dtype=np.float32)


def hair_light(
    conditions: Conditions,
    normals: Floats,
    tangents: Floats,
    colour: Floats,
    shift: Floats,
    shadow: Floats,
    shine: float,
) -> Floats:
    """Radiance of hair after Kajiya and Kay: a highlight across the strands. ``(P, 3)`` linear."""
    to_light, key = light_direction(conditions), np.array(conditions.key, dtype=np.float32)
    along = tangents + normals * shift[:, None]
    along = along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    half = to_light + np.array([0, 0, 1], dtype=np.float32)
    half /= np.linalg.norm(half)
    sine = np.sqrt(np.clip(1 - (along @ to_light) ** 2, 0, 1))
    across = np.sqrt(np.clip(1 - (along @ half) ** 2, 0, 1))
    facing = np.clip((normals @ to_light + 0.35) / 1.35, 0, 1)
    lit = (shadow * facing)[:, None]
    radiance = colour * (lit * sine[:, None] * key * 0.95 + ambient(conditions, normals) * 0.8)
    gleam = (0.04 * across**90)[:, None] + (0.11 * across**22)[:, None] * np.sqrt(colour)
    return np.asarray(radiance + shine * gleam * lit * key, dtype=np.float32)


def cast_shadows(height: Floats, conditions: Conditions, pixels_per_cm: float) -> Floats:
    """Soft shadows by walking over the picture's depth towards the light.

    Args:
        height: ``(H, W)`` z in cm of what each pixel sees, very low for the background.
        conditions: Gives the light.
        pixels_per_cm: Scale of ``height``.

    Returns:
        ``(H, W)`` share of the key light that arrives, 0 to 1.
    """
    to_light = light_direction(conditions)
    blocked = np.zeros_like(height)
    size = height.shape
    for step in 0.45 * 1.27 ** np.arange(_SHADOW_STEPS):
        right = round(float(to_light[0] * step * pixels_per_cm))
        down = round(float(-to_light[1] * step * pixels_per_cm))
        if (right == 0 and down == 0) or abs(right) >= size[1] or abs(down) >= size[0]:
            continue
        here, there = _overlap(size, down, right)
        above = height[there] - height[here] - np.float32(to_light[2] * step)
        # Too far above and it is not a part of the same solid but something in front of it.
        hit = np.clip(above / 0.35 - 0.3, 0, 1) * np.clip((4.5 + 0.7 * step - above) / 2.0, 0, 1)
        np.maximum(blocked[here], hit, out=blocked[here])
    sigma = max(conditions.shadow_blur * pixels_per_cm * 0.7, 0.6)
    return np.asarray(1 - 0.92 * cv2.GaussianBlur(blocked, (0, 0), sigma), dtype=np.float32)


def _overlap(size: tuple[int, ...], down: int, right: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Windows of the pixels and of those ``down`` and ``right`` of them."""
    here, there = [], []
    for side, move in ((size[0], down), (size[1], right)):
        here.append(slice(max(-move, 0), side - max(move, 0)))
        there.append(slice(max(move, 0), side - max(-move, 0)))
    return (here[0], here[1]), (there[0], there[1])


def contact(height: Floats, pixels_per_cm: float) -> Floats:
    """Darkening where something in front stands close: ``(H, W)`` z in cm to a factor from 0.5 to 1."""
    floored = np.maximum(height, -12)
    around = cv2.GaussianBlur(floored, (0, 0), 1.1 * pixels_per_cm)
    return np.asarray(1 - np.clip((around - floored - 0.15) * 0.22, 0, 0.5), dtype=np.float32)
