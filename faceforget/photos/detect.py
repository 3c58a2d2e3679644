"""Faces in photos, found by MTCNN (Zhang et al. 2016)."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from faceforget.compute.threads import workers
from faceforget.photos.align import RGB, misfit
from faceforget.photos.cascade import MIRRORED, Cascade
from faceforget.photos.photo import Face

# Below this MTCNN's candidates are mostly ears, hands and patterns.
MIN_PROBABILITY = 0.90
# Of 2,632 photos, LFW's and the web's, profiles among them, the points of 99.9 % fit better.
MAX_MISFIT = 0.25
# Searched side by side: a search holds some 100 bytes for each.
_PIXELS = 16_000_000


class FaceDetector:
    """MTCNN on photos of any framing."""

    def __init__(self, device: str | torch.device = "cpu") -> None:
        self._device = torch.device(device)
        self._cascade = Cascade(self._device)

    def detect(self, photos: Sequence[RGB]) -> list[list[Face]]:
        """Faces of each photo, best first; an empty list where none was found.

        Where none is found, or the points of one are no face's, the photo is looked at again in the mirror. Each photo
        is searched by one thread, so that what is found does not depend on how many there are.

        Args:
            photos: ``(H, W, 3)`` uint8 RGB each.
        """
        with workers(self._device) as pool:
            return [faces for group in _groups(photos) for faces in pool.map(self._faces, group)]

    def _faces(self, photo: RGB) -> list[Face]:
        faces = self._look(photo)
        if faces and _worst(faces) <= MAX_MISFIT:
            return faces
        again = [_mirrored(face, photo.shape[1]) for face in self._look(np.ascontiguousarray(photo[:, ::-1]))]
        return again if again and (not faces or _worst(again) < _worst(faces)) else faces

    def _look(self, photo: RGB) -> list[Face]:
        boxes, points, probabilities = (found.double().numpy() for found in self._cascade.find(photo))
        return [
            Face(box, landmarks, float(probability))
            for box, landmarks, probability in zip(boxes, points, probabilities, strict=True)
            if probability >= MIN_PROBABILITY
        ]


def _groups(photos: Sequence[RGB]) -> Iterator[list[RGB]]:
    """Photos that are searched side by side, in order."""
    group: list[RGB] = []
    for photo in photos:
        if group and sum(map(_pixels, group)) + _pixels(photo) > _PIXELS:
            yield group
            group = []
        group.append(photo)
    if group:
        yield group


def _pixels(photo: RGB) -> int:
    height, width, _ = photo.shape
    return int(height * width)


def _worst(faces: Sequence[Face]) -> float:
    return max(misfit(face.landmarks) for face in faces)


def _mirrored(face: Face, width: int) -> Face:
    """A face found in the mirror image of a photo, where it is in the photo."""
    x0, y0, x1, y1 = face.box
    landmarks = face.landmarks[list(MIRRORED)] * [-1, 1] + [width, 0]
    return Face(np.array([width - x1, y0, width - x0, y1]), landmarks, face.probability)
