"""Pose and perspective."""

from dataclasses import dataclass

import numpy as np

from faceforget.people.conditions import Conditions
from faceforget.people.render.curves import smoothstep
from faceforget.people.render.raster import Floats

# The head turns about the top of the neck; the shoulders follow by a share of it.
_PIVOT = np.array([0.0, -8.0, -1.5], dtype=np.float32)
_BODY_SHARE = 0.25
_FACE_PLANE = 8.0


def _rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """Matrix of a turn to the right, up, and to the side; degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    nod = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    tilt = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(tilt @ turn @ nod, dtype=np.float32)


@dataclass(frozen=True)
class Camera:
    """From the head's space to the camera's and to pixels.

    Attributes:
        head: ``(3, 3)`` rotation of the head.
        body: ``(3, 3)`` rotation of the shoulders.
        distance: From the camera to the head's axis, cm.
        scale: Pixels per cm in the plane of the face.
        centre: Pixel where the point between the eyes would stand if the head did not move.
    """

    head: Floats
    body: Floats
    distance: float
    scale: float
    centre: tuple[float, float]

    def place(self, points: Floats, vectors: tuple[Floats, ...]) -> tuple[Floats, ...]:
        """Turn positions ``(V, 3)`` and directions ``(V, 3)`` into the camera's space.

        Returns:
            Positions, then the directions in their order.
        """
        share = smoothstep(-19.0, -11.0, points[:, 1:2])
        local = points - _PIVOT
        spots = (local @ self.head.T) * share + (local @ self.body.T) * (1 - share) + _PIVOT
        turned = [
            np.asarray((v @ self.head.T) * share + (v @ self.body.T) * (1 - share), dtype=np.float32) for v in vectors
        ]
        return (np.asarray(spots, dtype=np.float32), *turned)

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Pixels ``(V, 2)`` and depths ``(V,)`` of positions in the camera's space."""
        depth = self.distance - points[:, 2]
        zoom = self.scale * (self.distance - _FACE_PLANE) / depth
        pixels = np.stack([self.centre[0] + points[:, 0] * zoom, self.centre[1] - points[:, 1] * zoom], axis=1)
        return np.asarray(pixels, dtype=np.float32), np.asarray(depth, dtype=np.float32)


def make_camera(conditions: Conditions, size: int) -> Camera:
    """The camera of a photo of ``size`` pixels."""
    c, share = conditions, _BODY_SHARE
    return Camera(
        head=_rotation(c.yaw, c.pitch, c.roll),
        body=_rotation(c.yaw * share, 0.0, c.roll * 0.2),
        distance=c.distance,
        scale=c.framing * size / 224,
        centre=(size * (0.5 + c.shift[0]), size * (0.44 + c.shift[1])),
    )
