"""Noise and strokes that the textures are painted with."""

import cv2
import numpy as np

from faceforget.people.render.raster import Floats

# The texture plane of the unwrapped face: its extent in cm and its resolution.
LEFT, RIGHT, BOTTOM, TOP = -12.0, 12.0, -19.0, 13.0
TEXELS_PER_CM = 16
SHAPE = (int((TOP - BOTTOM) * TEXELS_PER_CM), int((RIGHT - LEFT) * TEXELS_PER_CM))


def plane() -> tuple[Floats, Floats]:
    """X and y in cm of every texel, ``SHAPE`` each."""
    x = LEFT + (np.arange(SHAPE[1], dtype=np.float32) + 0.5) / TEXELS_PER_CM
    y = TOP - (np.arange(SHAPE[0], dtype=np.float32) + 0.5) / TEXELS_PER_CM
    return np.broadcast_to(x, SHAPE).copy(), np.broadcast_to(y[:, None], SHAPE).copy()


def to_texels(canonical: Floats) -> tuple[Floats, Floats]:
    """Column and row for ``cv2.remap`` of ``(P, 2)`` canonical positions, each ``(P, 1)``."""
    column = (canonical[:, 0:1] - LEFT) * TEXELS_PER_CM - 0.5
    row = (TOP - canonical[:, 1:2]) * TEXELS_PER_CM - 0.5
    return np.ascontiguousarray(column, dtype=np.float32), np.ascontiguousarray(row, dtype=np.float32)


def lookup(texture: Floats, columns: Floats, rows: Floats) -> Floats:
    """Bilinear texture values ``(P, C)`` at ``(P, 1)`` positions; the border value goes on outside."""
    # OpenCV cannot address more than 32767 rows at once, so the list is folded into a rectangle.
    count, fold = len(columns), 256
    padded = -(-count // fold) * fold
    u = np.zeros(padded, np.float32)
    v = np.zeros(padded, np.float32)
    u[:count], v[:count] = columns[:, 0], rows[:, 0]
    values = cv2.remap(
        texture, u.reshape(-1, fold), v.reshape(-1, fold), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(values.reshape(padded, -1)[:count], dtype=np.float32)


def noise(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[float, float]) -> Floats:
    """Smooth noise of mean 0 and deviation about 1, its grains ``cells`` texels high and wide."""
    small = (max(int(shape[0] / cells[0]), 2) + 1, max(int(shape[1] / cells[1]), 2) + 1)
    grains = rng.standard_normal(small).astype(np.float32)
    field = cv2.resize(grains, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field * 1.5, dtype=np.float32)


def strokes(starts: Floats, directions: Floats, lengths: Floats, width_cm: float, curl: Floats) -> Floats:
    """Coverage of many short, bent hairs on the texture plane, ``SHAPE`` from 0 to 1.

    Args:
        starts: ``(N, 2)`` roots in cm.
        directions: ``(N,)`` angles in radians, 0 to the photo's right, counter-clockwise.
        lengths: ``(N,)`` in cm.
        width_cm: Thickness; below one texel the hair is drawn fainter.
        curl: ``(N,)`` radians by which each hair turns along its length.
    """
    steps = np.linspace(0, 1, 4)[None]
    angle = directions[:, None] + curl[:, None] * steps
    x = starts[:, 0:1] + lengths[:, None] * np.cos(angle) * steps
    y = starts[:, 1:2] + lengths[:, None] * np.sin(angle) * steps
    points = np.stack([(x - LEFT) * TEXELS_PER_CM, (TOP - y) * TEXELS_PER_CM], axis=-1)
    canvas = np.zeros(SHAPE, np.uint8)
    texels = width_cm * TEXELS_PER_CM
    shade = int(255 * min(texels, 1.0))
    lines = list(np.round(points * 16).astype(np.int32))
    cv2.polylines(canvas, lines, False, shade, max(round(texels), 1), cv2.LINE_AA, shift=4)
    return np.asarray(canvas, dtype=np.float32) / np.float32(255)


def to_linear(srgb: Floats) -> Floats:
    """SRGB to linear light."""
    return np.asarray(np.clip(srgb, 0, 1) ** np.float32(2.2), dtype=np.float32)


def linear_colour(srgb: tuple[float, float, float]) -> Floats:
    """``(3,)`` linear light of one sRGB colour."""
    return to_linear(np.array(srgb, dtype=np.float32))
