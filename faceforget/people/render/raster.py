"""A triangle rasteriser in whole-array numpy.

The meshes are fine enough that a triangle covers a handful of pixels, so testing every pixel of
every triangle's bounding box costs little, and no loop over triangles is needed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
# Pixels on an edge belong to both triangles, so that rounding leaves no cracks.
_EDGE = np.float32(-1e-5)


@dataclass(frozen=True)
class Fragments:
    """The visible surface of one mesh.

    Attributes:
        pixels: ``(P,)`` flat indices into the image.
        vertices: ``(3, P)`` corners of the triangle seen at each pixel.
        weights: ``(3, P)`` barycentric weights of those corners.
    """

    pixels: Ints
    vertices: Ints
    weights: Floats

    def interpolate(self, attributes: Floats) -> Floats:
        """Attribute values at the pixels: ``(V, K)`` per vertex to ``(P, K)``.

        The interpolation is affine: across a triangle of a few pixels perspective does not matter.
        """
        parts = [
            attributes.take(corner, axis=0) * weight[:, None]
            for corner, weight in zip(self.vertices, self.weights, strict=True)
        ]
        return np.asarray(parts[0] + parts[1] + parts[2], dtype=np.float32)


def rasterise(
    points: Floats, depth: Floats, triangles: Ints, size: int, two_sided: bool = False
) -> Fragments:
    """Find which triangle each pixel of a square image sees.

    Triangles are painted from far to near by their mean depth, which is exact enough for triangles
    this small and needs no per-pixel depth test.

    Args:
        points: ``(V, 2)`` pixel positions, y down.
        depth: ``(V,)`` distances from the camera.
        triangles: ``(T, 3)`` vertex indices.
        size: Side of the image in pixels.
        two_sided: Also show triangles seen from behind.

    Returns:
        The nearest fragment of every covered pixel.
    """
    triangles, area = _facing(points, triangles, two_sided)
    order = np.argsort(-depth[triangles].sum(1), kind="stable")
    triangles, area = triangles[order], area[order]
    a, b, c = (points[triangles[:, k]] for k in range(3))
    # Explicit minima: numpy's reduction over an axis of three is several times slower.
    low = np.ceil(np.minimum(np.minimum(a, b), c) - np.float32(0.5)).clip(0, size).astype(np.int32)
    high = np.floor(np.maximum(np.maximum(a, b), c) - np.float32(0.5)).clip(-1, size - 1).astype(np.int32)
    spans = np.maximum(high - low + 1, 0)
    counts = spans[:, 0] * spans[:, 1]
    which = np.repeat(np.arange(len(triangles), dtype=np.int32), counts)
    first = np.cumsum(counts, dtype=np.int32) - counts
    offset = np.arange(len(which), dtype=np.int32) - first[which]
    row = offset // spans[which, 0]
    column = offset - row * spans[which, 0] + low[which, 0]
    row += low[which, 1]
    weights = _barycentric((a, b, c), area, which, column, row)
    inside = np.flatnonzero((weights[0] >= _EDGE) & (weights[1] >= _EDGE) & (weights[2] >= _EDGE))
    winner = np.full(size * size, -1, dtype=np.int64)
    winner[row[inside] * size + column[inside]] = inside
    pixels = np.flatnonzero(winner >= 0)
    chosen = winner[pixels]
    return Fragments(pixels, triangles[which[chosen]].T, weights[:, chosen])


def _facing(points: Floats, triangles: Ints, two_sided: bool) -> tuple[Ints, Floats]:
    a, b, c = points[triangles[:, 0]], points[triangles[:, 1]], points[triangles[:, 2]]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    keep = np.abs(area) > 1e-6 if two_sided else area > 1e-6
    return triangles[keep], area[keep]


def _barycentric(
    corners: tuple[Floats, Floats, Floats], area: Floats, which: Ints, column: Ints, row: Ints
) -> Floats:
    """Weights ``(3, N)`` of the candidate pixels' centres in their triangles."""
    a, b, c = corners
    slopes = (
        np.stack([(b[:, 1] - c[:, 1]), (c[:, 0] - b[:, 0]), (c[:, 1] - a[:, 1]), (a[:, 0] - c[:, 0])], axis=1)
        / np.asarray(area)[:, None]
    )
    table = np.concatenate([slopes, c], axis=1).astype(np.float32).take(which, axis=0)
    x = column.astype(np.float32) + np.float32(0.5) - table[:, 4]
    y = row.astype(np.float32) + np.float32(0.5) - table[:, 5]
    first = table[:, 0] * x + table[:, 1] * y
    second = table[:, 2] * x + table[:, 3] * y
    return np.stack([first, second, 1 - first - second])


def grid_triangles(rows: int, columns: int) -> Ints:
    """Two triangles for each cell of a ``(rows, columns)`` vertex grid, ``(T, 3)``."""
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    first = np.stack([a, b, c], axis=-1).reshape(-1, 3)
    second = np.stack([b, d, c], axis=-1).reshape(-1, 3)
    return np.concatenate([first, second])


def grid_normals(points: Floats, rows: int, columns: int) -> Floats:
    """Unit normals ``(V, 3)`` of a vertex grid, outward where columns run right and rows run down."""
    grid = points.reshape(rows, columns, 3)
    along = np.empty_like(grid)
    along[:, 1:-1] = grid[:, 2:] - grid[:, :-2]
    along[:, 0], along[:, -1] = grid[:, 1] - grid[:, 0], grid[:, -1] - grid[:, -2]
    down = np.empty_like(grid)
    down[1:-1] = grid[2:] - grid[:-2]
    down[0], down[-1] = grid[1] - grid[0], grid[-1] - grid[-2]
    normal = np.cross(down, along).reshape(-1, 3)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    return np.asarray(normal / np.maximum(length, 1e-9), dtype=np.float32)
