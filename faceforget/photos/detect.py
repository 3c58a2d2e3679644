"""Faces in photos, found by MTCNN (Zhang et al. 2016) as facenet-pytorch ships it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from faceforget.photos.align import RGB, FloatArray

# Below this MTCNN's candidates are mostly ears, hands and patterns.
MIN_PROBABILITY = 0.90


@dataclass(frozen=True)
class Face:
    """A detected face.

    Attributes:
        box: ``(4,)`` x0, y0, x1, y1 in pixels of the decoded photo.
        landmarks: ``(5, 2)`` eyes, nose, mouth corners in pixels.
        probability: MTCNN's, in [0, 1].
    """

    box: FloatArray
    landmarks: FloatArray
    probability: float

    @property
    def height(self) -> float:
        """Height of the box in pixels."""
        return float(self.box[3] - self.box[1])

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return float((self.box[2] - self.box[0]) * self.height)

    @property
    def centre(self) -> FloatArray:
        """``(2,)`` x, y of the middle of the box."""
        return np.asarray((self.box[:2] + self.box[2:]) / 2, dtype=np.float64)


@dataclass(frozen=True)
class FoundFaces:
    """All faces of one photo.

    Attributes:
        faces: Most probable first; empty where none was found.
        crops: ``(F, S, S, 3)`` uint8, one per face.
        width: Of the decoded photo.
        height: Of the decoded photo.
    """

    faces: tuple[Face, ...]
    crops: RGB
    width: int
    height: int


class FaceDetector:
    """MTCNN, batched over photos of one size."""

    def __init__(self, device: str | torch.device = "cpu", batch_size: int = 16) -> None:
        from facenet_pytorch import MTCNN  # imported late: it loads torch and the three networks

        # keep_all: with False, one face-less photo in a batch raises ValueError.
        self._network: Any = MTCNN(keep_all=True, device=torch.device(device), post_process=False).eval()
        self._batch_size = batch_size

    def detect(self, photos: Sequence[RGB]) -> list[list[Face]]:
        """Faces of each photo, best first; an empty list where none was found.

        Args:
            photos: ``(H, W, 3)`` uint8 RGB each; those of one size share a pass.
        """
        results: list[list[Face]] = [[] for _ in photos]
        by_shape: dict[tuple[int, ...], list[int]] = {}
        for index, photo in enumerate(photos):
            by_shape.setdefault(photo.shape, []).append(index)
        for indices in by_shape.values():
            for start in range(0, len(indices), self._batch_size):
                chunk = indices[start : start + self._batch_size]
                for index, faces in zip(chunk, self._detect_same_size([photos[i] for i in chunk]), strict=True):
                    results[index] = faces
        return results

    def _detect_same_size(self, photos: list[RGB]) -> list[list[Face]]:
        boxes, probabilities, points = self._network.detect(np.stack(photos), landmarks=True)
        return [_faces(*found) for found in zip(boxes, probabilities, points, strict=True)]


def _faces(boxes: NDArray[Any] | None, probabilities: NDArray[Any], points: NDArray[Any]) -> list[Face]:
    if boxes is None:
        return []
    faces = [
        Face(np.asarray(box, np.float64), np.asarray(landmarks, np.float64), float(probability))
        for box, probability, landmarks in zip(boxes, probabilities, points, strict=True)
        if probability is not None and probability >= MIN_PROBABILITY
    ]
    return sorted(faces, key=lambda face: face.probability, reverse=True)
