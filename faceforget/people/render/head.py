"""The head, neck and shoulders as one vertex grid.

Rows run from the crown down over the face to the chin, under it to the neck, and out to the
shoulders; columns run around, densest at the front. Each row is a superellipse with its own half
width, front and back depth. From the mouth down the rows climb towards the ears, so that one of
them is the line of the jaw. Lengths in cm: x to the photo's right, y up, z to the camera, the
origin between the eyes on the axis through the ears.
"""

from dataclasses import dataclass

import numpy as np

from faceforget.people.identity import Identity
from faceforget.people.render import curves, facial_hair, features
from faceforget.people.render.curves import smoothstep, spline
from faceforget.people.render.raster import Floats, Ints, grid_triangles

COLUMNS = 145
_DOME, _FACE, _UNDER, _NECK, _BODY = 24, 106, 9, 10, 14
ROWS = _DOME + _FACE + _UNDER + _NECK + _BODY
# Beyond this angle from the front (radians) the canonical x runs on with the arc, so that texture
# on the temples and the sides of the jaw is not smeared.
_UNWRAP_FROM = 0.85


@dataclass(frozen=True)
class Head:
    """The neutral head of one person.

    Attributes:
        points: ``(V, 3)`` positions; the head grid first, then the ears.
        canonical: ``(V, 2)`` where each vertex lies on the unwrapped face; textures live there.
        occlusion: ``(V,)`` how open the surface is to light from all around, 0 to 1.
        triangles: ``(3, T)``.
        ear_from: Index of the first vertex of the ears.
        ear_grid: Rows and columns of one ear's grid; the left ear comes first.
        eye_depth: z of the eyes' surface, for gaze and glasses.
    """

    points: Floats
    canonical: Floats
    occlusion: Floats
    triangles: Ints
    ear_from: int
    ear_grid: tuple[int, int]
    eye_depth: float


def column_angles() -> Floats:
    """Angle of each column from the front, ``(COLUMNS,)`` radians from -pi to pi."""
    q = np.linspace(-1, 1, COLUMNS)
    return np.asarray(np.pi * (0.38 * q + 0.62 * q**3), dtype=np.float32)


def dome_rows(identity: Identity, angle: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Height, half width, front and back depth of the cranium at elevations ``angle`` (radians)."""
    skull = identity.skull
    rise, reach = np.sin(angle) ** (2 / 2.4), np.cos(angle) ** (2 / 2.4)
    y = 3.0 + 8.7 * skull.forehead * rise
    slope = skull.forehead_slope * np.sin(angle * 2) ** 2
    front = 9.4 * reach - slope * 0.9
    return y, 7.7 * skull.temple_width * reach, np.maximum(front, 0.0), 9.9 * reach


def _rows(identity: Identity) -> Floats:
    """``(ROWS, 7)``: canonical y, y, climb to the ears, half width, front, back, exponent."""
    skull = identity.skull
    chin, mouth = curves.chin_y(identity), curves.mouth_y(identity)
    y, w, f, b = dome_rows(identity, np.linspace(np.pi / 2 - 1e-3, 0, _DOME, endpoint=False))
    dome = np.stack([y, y, 0 * y, w, f, b, 0 * y + 2.2], axis=1)
    t, c, j = skull.temple_width, skull.cheek_width, skull.jaw_width
    face_y = np.linspace(3.0, chin, _FACE)
    jaw_top, exponent = mouth + 0.2, 0.55 * skull.jaw_square + 1.05
    full = skull.fullness
    climb = spline([(chin, 6.2), (chin + 2.0, 4.2), (jaw_top, 2.2), (-3.0, 0.4), (-1.0, 0), (3, 0)], face_y)
    width = spline(
        [(chin, 5.5 * j), (chin + 1.6, 6.0 * j), (jaw_top, (6.5 + 0.25 * full) * (j + c) / 2),
         (-2.4, 7.2 * c), (0.0, 7.4 * (c + t) / 2), (2.0, 7.68 * t), (3.0, 7.7 * t)], face_y,
    )  # fmt: skip
    front = spline(
        [(chin, 8.5 + skull.chin_forward), (chin + 1.2, 9.0 + skull.chin_forward), (mouth, 9.2),
         (-3.0, 9.25), (0.0, 9.05), (2.0, 9.33), (3.0, 9.35)], face_y,
    )  # fmt: skip
    back = spline([(chin, 6.5), (jaw_top, 7.6), (-2.0, 9.0), (3.0, 9.9)], face_y)
    power = spline([(chin, skull.jaw_square), (chin + 2, exponent), (-2.5, 2.2), (3.0, 2.2)], face_y)
    face = np.stack([face_y, face_y, climb, width, front, back, power], axis=1)
    lower = _neck_rows(identity, face[-1])
    return np.concatenate([dome, face, lower]).astype(np.float32)


def _neck_rows(identity: Identity, jaw: Floats) -> Floats:
    """Rows from under the jaw to the chest, continuing from the jaw's row."""
    neck, chin = identity.skull.neck_width, float(jaw[0])
    full = 0.5 + 0.5 * identity.skull.fullness
    place = np.linspace(0, 4, _UNDER + _NECK + _BODY + 1)[1:]
    keys = [0.0, 0.35, 1.0, 2.0, 2.35, 3.1, 4.0]
    table = np.array(
        [
            [chin, chin, jaw[2], jaw[3], jaw[4], jaw[5], jaw[6]],
            [chin - 0.7, chin - 0.75, 6.0, jaw[3] * 0.97, jaw[4] * 0.86, jaw[5], 1.9],
            [chin - 2.2, chin - 1.7 - 0.5 * full, 5.0, 5.2 * neck, 4.6 + 0.6 * full, 7.0, 2.0],
            [chin - 4.2, chin - 5.2, 2.6, 5.3 * neck, 3.7, 7.0, 2.0],
            [chin - 5.2, chin - 6.7, 1.4, 7.6 * neck, 4.6, 7.6, 2.0],
            [chin - 7.6, chin - 9.6, 0.3, 17.0, 7.0, 9.0, 2.3],
            [chin - 20.0, chin - 26.0, 0.0, 21.0, 10.0, 11.0, 2.6],
        ]
    )
    columns = [spline(list(zip(keys, table[:, k], strict=True)), place) for k in range(7)]
    return np.stack(columns, axis=1)


def climb_share(angle: Floats) -> Floats:
    """How much of a row's climb has happened at an angle from the front."""
    return smoothstep(0.25, 1.9, np.abs(angle))


def build_head(identity: Identity) -> Head:
    """The neutral mesh of a person."""
    rows, angle = _rows(identity), column_angles()
    sine, cosine = np.abs(np.sin(angle))[None], np.cos(angle)[None]
    canonical_y, y, climb, width, front, back, power = (rows[:, k : k + 1] for k in range(7))
    depth = np.where(cosine >= 0, front, back)
    inverse = (sine / np.maximum(width, 1e-3)) ** power + (np.abs(cosine) / np.maximum(depth, 1e-3)) ** power
    radius = inverse ** (-1 / power)
    x = radius * np.sin(angle)
    z = radius * cosine
    height = y + climb * climb_share(angle)
    beyond = np.maximum(np.abs(angle) - _UNWRAP_FROM, 0)
    canonical_x = x + np.sign(angle) * 3.2 * beyond**2
    grid = np.stack([x, height, z], axis=-1).astype(np.float32)
    canonical = np.stack([canonical_x, np.broadcast_to(canonical_y, x.shape)], axis=-1).astype(np.float32)
    grid, eye_depth = features.sculpt(identity, grid, canonical)
    grid += (facial_hair.beard_lift(identity, canonical_x, canonical[..., 1]) / radius)[..., None] * np.stack(
        [x, 0 * x, z], axis=-1
    )
    occlusion = features.openness(grid, canonical)
    ears = features.ears(identity)
    grids = [grid.reshape(-1, 3), *(ear.points for ear in ears)]
    triangles = [grid_triangles(ROWS, COLUMNS)]
    start = ROWS * COLUMNS
    for ear in ears:
        triangles.append(ear.triangles + start)
        start += len(ear.points)
    return Head(
        points=np.concatenate(grids).astype(np.float32),
        canonical=np.concatenate([canonical.reshape(-1, 2), *(ear.canonical for ear in ears)]),
        occlusion=np.concatenate([occlusion.reshape(-1), *(ear.occlusion for ear in ears)]),
        triangles=np.concatenate(triangles, axis=1),
        ear_from=ROWS * COLUMNS,
        ear_grid=features.EAR_GRID,
        eye_depth=eye_depth,
    )
