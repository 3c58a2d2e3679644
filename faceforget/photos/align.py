"""Crops in the framing a backbone asks for: five-point aligned, or a box with margin."""

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]
FloatArray = NDArray[np.float64]

# Where the five landmarks (eyes, nose, mouth corners; the photo's left first) stand in a
# 112x112 aligned face: the template common to the ArcFace family of networks.
ALIGNED_LANDMARKS = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
_TEMPLATE_SIZE = 112


@dataclass(frozen=True)
class Framing:
    """How a backbone wants its faces cut.

    Attributes:
        kind: ``five_point`` rotates and scales onto fixed landmark positions; ``box`` crops
            the detection box.
        size: Side of the square crop in pixels.
        margin: For ``box``, pixels of the finished crop that lie outside the box, both sides together.
    """

    kind: Literal["five_point", "box"]
    size: int
    margin: int = 0

    @property
    def key(self) -> str:
        """Short text that names this framing in files and caches."""
        return f"{self.kind}-{self.size}-{self.margin}"


def similarity_transform(source: FloatArray, target: FloatArray) -> FloatArray:
    """Least-squares rotation, scale and shift that takes ``source`` points to ``target`` points.

    Source: Umeyama 1991, "Least-squares estimation of transformation parameters between two
    point patterns", equations 40-43, without reflection.

    Args:
        source: ``(P, 2)`` points.
        target: ``(P, 2)`` points.

    Returns:
        ``(2, 3)`` affine matrix for ``cv2.warpAffine``.
    """
    source_mean, target_mean = source.mean(0), target.mean(0)
    source_centred, target_centred = source - source_mean, target - target_mean
    covariance = target_centred.T @ source_centred / len(source)
    u, singular, vt = np.linalg.svd(covariance)
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt)) or 1.0])
    rotation = u @ np.diag(sign) @ vt
    scale = (singular * sign).sum() / source_centred.var(0).sum()
    shift = target_mean - scale * rotation @ source_mean
    return np.hstack([scale * rotation, shift[:, None]])


def misfit(landmarks: FloatArray) -> float:
    """How far five points are from an aligned face's: root mean square, in distances between its eyes.

    Args:
        landmarks: ``(5, 2)`` pixel positions.
    """
    matrix = similarity_transform(np.asarray(landmarks, dtype=np.float64), ALIGNED_LANDMARKS)
    off = landmarks @ matrix[:, :2].T + matrix[:, 2] - ALIGNED_LANDMARKS
    eyes = np.linalg.norm(ALIGNED_LANDMARKS[1] - ALIGNED_LANDMARKS[0])
    return float(np.sqrt((off**2).sum(1).mean()) / eyes)


def align(image: RGB, landmarks: FloatArray, size: int = _TEMPLATE_SIZE) -> RGB:
    """Five-point aligned crop.

    Args:
        image: ``(H, W, 3)`` RGB.
        landmarks: ``(5, 2)`` pixel positions: eyes, nose, mouth corners.
        size: Side of the crop.

    Returns:
        ``(size, size, 3)`` RGB; black where the photo ends.
    """
    target = ALIGNED_LANDMARKS * (size / _TEMPLATE_SIZE)
    matrix = similarity_transform(np.asarray(landmarks, dtype=np.float64), target)
    return np.asarray(cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR), dtype=np.uint8)


def crop_box(image: RGB, box: FloatArray, size: int, margin: int) -> RGB:
    """Crop a detection box with a margin, resized to a square.

    Args:
        image: ``(H, W, 3)`` RGB.
        box: ``(4,)`` x0, y0, x1, y1 in pixels.
        size: Side of the crop.
        margin: Pixels of the finished crop outside the box, both sides together; the same meaning
            as in facenet-pytorch, whose networks were trained on such crops.

    Returns:
        ``(size, size, 3)`` RGB; black where the photo ends, so that a face that the photo cuts off is not stretched.
    """
    x0, y0, x1, y1 = (float(v) for v in box)
    pad_x = margin * (x1 - x0) / (size - margin) / 2
    pad_y = margin * (y1 - y0) / (size - margin) / 2
    left, top, right, bottom = (math.floor(v) for v in (x0 - pad_x, y0 - pad_y, x1 + pad_x, y1 + pad_y))
    height, width = image.shape[:2]
    region = image[max(top, 0) : max(bottom, 1), max(left, 0) : max(right, 1)]
    above, below, before, behind = max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0)
    whole = cv2.copyMakeBorder(region, above, below, before, behind, cv2.BORDER_CONSTANT)
    return np.asarray(cv2.resize(whole, (size, size), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def frame(image: RGB, box: FloatArray, landmarks: FloatArray, framing: Framing) -> RGB:
    """Cut one face out of a photo as ``framing`` says."""
    if framing.kind == "five_point":
        return align(image, landmarks, framing.size)
    return crop_box(image, box, framing.size, framing.margin)
