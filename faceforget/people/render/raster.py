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
# Area in square pixels (doubled) below which a triangle is seen edge on.
_SMALLEST = 1e-6


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


def rasterise(points: Floats, depth: Floats, triangles: Ints, size: int, two_sided: bool = False) -> Fragments:
    """Find which triangle each pixel of a square image sees.

    Triangles are painted from far to near by their mean depth, which is exact enough for triangles
    this small and needs no per-pixel depth test.

    Args:
        points: ``(V, 2)`` pixel positions, y down.
        depth: ``(V,)`` distances from the camera.
        triangles: ``(3, T)`` vertex indices.
        size: Side of the image in pixels.
        two_sided: Also show triangles seen from behind.

    Returns:
        The nearest fragment of every covered pixel.
    """
    triangles = _visible(points, depth, triangles, size, two_sided)
    a, b, c = (points.take(corner, axis=0) for corner in triangles)
    # Explicit minima: numpy's reduction over an axis of three is several times slower.
    low = np.ceil(np.minimum(np.minimum(a, b), c) - np.float32(0.5)).clip(0, size).astype(np.int32)
    high = np.floor(np.maximum(np.maximum(a, b), c) - np.float32(0.5)).clip(-1, size - 1).astype(np.int32)
    spans = np.maximum(high - low + 1, 0)
    counts = spans[:, 0] * spans[:, 1]
    which = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts, dtype=np.int32) - counts
    offset = np.arange(len(which), dtype=np.int32) - first.take(which)
    width = spans[:, 0].take(which)
    row = offset // width
    column = offset - row * width + low[:, 0].take(which)
    row += low[:, 1].take(which)
    weights = _barycentric((a, b, c), which, column, row)
    inside = np.flatnonzero((weights[0] >= _EDGE) & (weights[1] >= _EDGE) & (weights[2] >= _EDGE))
    winner = np.full(size * size, -1, dtype=np.int64)
    winner[row[inside] * size + column[inside]] = inside
    pixels = np.flatnonzero(winner >= 0)
    chosen = winner[pixels]
    return Fragments(pixels, triangles[:, which[chosen]], weights[:, chosen])


def _visible(points: Floats, depth: Floats, triangles: Ints, size: int, two_sided: bool) -> Ints:
    """Triangles that face the camera inside the image, from far to near: ``(3, N)``."""
    x, y = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    corners = [(x.take(corner), y.take(corner)) for corner in triangles]
    (ax, ay), (bx, by), (cx, cy) = corners
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    keep = (np.abs(area) if two_sided else area) > _SMALLEST
    keep &= (np.minimum(np.minimum(ay, by), cy) < size) & (np.maximum(np.maximum(ax, bx), cx) > 0)
    triangles = np.compress(keep, triangles, axis=1)
    far = depth.take(triangles[0]) + depth.take(triangles[1]) + depth.take(triangles[2])
    return np.take(triangles, np.argsort(-far, kind="stable"), axis=1)


def _barycentric(corners: tuple[Floats, Floats, Floats], which: Ints, column: Ints, row: Ints) -> Floats:
    """Weights ``(3, N)`` of the candidate pixels' centres in their triangles."""
    a, b, c = corners
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    slopes = (
        np.stack([(b[:, 1] - c[:, 1]), (c[:, 0] - b[:, 0]), (c[:, 1] - a[:, 1]), (a[:, 0] - c[:, 0])], axis=1)
        / area[:, None]
    )
    table = np.concatenate([slopes, c], axis=1).astype(np.float32).take(which, axis=0)
    x = column.astype(np.float32) + np.float32(0.5) - table[:, 4]
    y = row.astype(np.float32) + np.float32(0.5) - table[:, 5]
    first = table[:, 0] * x + table[:, 1] * y
    second = table[:, 2] * x + table[:, 3] * y
    return np.stack([first, second, 1 - first - second])


def grid_triangles(rows: int, columns: int) -> Ints:
    """Two triangles for each cell of a ``(rows, columns)`` vertex grid, ``(3, T)``."""
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    first = np.stack([a.ravel(), b.ravel(), c.ravel()])
    second = np.stack([b.ravel(), d.ravel(), c.ravel()])
    return np.concatenate([first, second], axis=1)


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
