"""Glasses: frames as thick lines in space, and a faint reflection on the lenses."""

import cv2
import numpy as np
from numpy.typing import NDArray

from faceforget.people.conditions import Conditions
from faceforget.people.identity import Glasses, Identity
from faceforget.people.render import texture
from faceforget.people.render.camera import Camera
from faceforget.people.render.curves import smoothstep
from faceforget.people.render.raster import Floats

_SUBPIXEL = 16

Bytes = NDArray[np.uint8]


def _outline(glasses: Glasses, centre: float, height: float, depth: float) -> Floats:
    """``(40, 3)`` points around one lens: a superellipse, flatter on top."""
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    power = 2 / glasses.roundness
    x = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power * glasses.half_width
    y = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power * glasses.half_height
    y = np.where(y > 0, y * 0.82, y) - 0.25
    x = x * (1 + 0.05 * y)
    return np.stack([x + centre, y + height, depth - 0.045 * (x + centre) ** 2], axis=1)


def lines(identity: Identity, glasses: Glasses, eye_depth: float) -> tuple[list[Floats], list[Floats]]:
    """Rims ``(40, 3)`` and the bridge and temples ``(N, 3)``, in the head's space."""
    apart, height, depth = (
        max(identity.eyes.spacing, glasses.half_width + 0.75),
        identity.eyes.height,
        eye_depth + 1.75,
    )
    rims = [_outline(glasses, side * apart, height, depth) for side in (-1.0, 1.0)]
    gap = apart - glasses.half_width
    t = np.linspace(-1, 1, 9)
    bridge = np.stack([t * gap, height + 0.35 + 0.3 * (1 - t * t), depth + 0.1 * (1 - t * t)], axis=1)
    arms = []
    for side in (-1.0, 1.0):
        s = np.linspace(0, 1, 20)
        start, end = apart + glasses.half_width * 0.98, 7.6 * identity.skull.cheek_width + 0.15
        x = start + (end - start) * np.minimum(s * 1.4, 1)
        arms.append(np.stack([side * x, height + 0.3 + 0 * s, depth - 0.9 - 8.5 * s], axis=1))
    return rims, [bridge, *arms]


def draw(
    identity: Identity,
    conditions: Conditions,
    camera: Camera,
    eye_depth: float,
    image: Floats,
    height: Floats,
) -> None:
    """Draw a person's glasses over the picture, in place.

    Args:
        identity: Who; nothing is drawn for a person without glasses.
        conditions: Light for the frame and the reflection.
        camera: Where from.
        eye_depth: z of the front of the eyes.
        image: ``(H, W, 3)`` linear.
        height: ``(H, W)`` z of what each pixel sees: the temples pass behind hair and cheeks.
    """
    glasses = identity.glasses
    if glasses is None:
        return
    rims, bars = lines(identity, glasses, eye_depth)
    tint = texture.linear_colour(glasses.colour) * (np.array(conditions.key) * 0.5 + np.array(conditions.fill) * 0.5)
    thick = glasses.thickness * camera.scale
    cover, soft = _blank(height), _blank(height)
    for rim in rims:
        pixels = _pixels(camera, rim)
        cv2.polylines(cover, [pixels], True, 255, max(round(thick), 1), cv2.LINE_AA, shift=4)
        cv2.fillPoly(soft, [pixels], 255, cv2.LINE_AA, shift=4)
    for bar in bars:
        spots = camera.place(bar.astype(np.float32), ())[0]
        pixels = _pixels(camera, bar)
        for k in range(len(bar) - 1):
            column, row = np.clip(pixels[k] // _SUBPIXEL, 0, height.shape[0] - 1)
            if height[row, column] < spots[k, 2] + 0.35:
                cv2.line(
                    cover,
                    pixels[k].tolist(),
                    pixels[k + 1].tolist(),
                    255,
                    max(round(thick * 0.9), 1),
                    cv2.LINE_AA,
                    shift=4,
                )
    _composite(conditions, camera, image, tint.astype(np.float32), cover, soft)


def _composite(conditions: Conditions, camera: Camera, image: Floats, tint: Floats, cover: Bytes, soft: Bytes) -> None:
    rows = np.flatnonzero(cover.any(1))
    if len(rows) == 0:
        return
    margin = round(1.5 * camera.scale)
    band = slice(max(int(rows[0]) - margin, 0), int(rows[-1]) + margin)
    image, cover, soft = image[band], cover[band], soft[band]
    amount = (cover.astype(np.float32) / 255)[..., None]
    lens = (soft.astype(np.float32) / 255)[..., None]
    shade = cv2.GaussianBlur(amount, (0, 0), 0.35 * camera.scale)
    down = round(0.5 * camera.scale)
    image[down:] *= 1 - 0.4 * shade[:-down, :, None]
    upward = np.linspace(1, 0, image.shape[0], dtype=np.float32)[:, None, None]
    columns = np.linspace(-1, 1, image.shape[1], dtype=np.float32)[None, :, None]
    streak = smoothstep(0.12, 0.0, np.abs(columns * 1.6 + upward - 0.7 - 0.01 * conditions.light[0]))
    image += lens * (0.012 + 0.05 * streak) * np.array(conditions.fill, dtype=np.float32)
    edge = np.clip(amount - np.roll(amount, round(0.12 * camera.scale), axis=0), 0, 1)
    image[:] = image * (1 - amount) + (tint + 0.06 * edge * np.array(conditions.fill, dtype=np.float32)) * amount


def _blank(height: Floats) -> Bytes:
    return np.zeros(height.shape[:2], np.uint8)


def _pixels(camera: Camera, points: Floats) -> NDArray[np.int32]:
    spots = camera.place(points.astype(np.float32), ())[0]
    return np.round(camera.project(spots)[0] * _SUBPIXEL).astype(np.int32)
