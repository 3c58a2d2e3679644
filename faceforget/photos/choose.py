"""Which face of a photo is meant, and whether it can be used."""

from collections.abc import Sequence

import cv2
import numpy as np

from faceforget.photos.align import RGB
from faceforget.photos.errors import FaceTooBlurredError, FaceTooSmallError, PhotoError, SeveralFaces
from faceforget.photos.photo import Face

# Under this height a face is enlarged about four times for a 112 px crop; identity is guesswork.
MIN_FACE_HEIGHT = 28.0
# Variance of the Laplacian of the grey crop, at 112 px. Of 4,314 press photos the softest have about 20.
MIN_SHARPNESS = 6.0
_SHARPNESS_SIZE = 112
# A face this many times the area of the next is the subject wherever it stands.
_CLEARLY_LARGER = 2.0


def choose_face(faces: Sequence[Face], width: int, height: int) -> tuple[int, SeveralFaces | None]:
    """Index of the face that the photo is of, and a note when there was a choice.

    A face is preferred for its area and for standing near the middle: the offset from the middle,
    in half-diagonals, takes up to the whole area away.
    """
    if len(faces) == 1:
        return 0, None
    middle = np.array([width, height]) / 2
    half_diagonal = float(np.hypot(*middle))
    offsets = [float(np.linalg.norm(face.centre - middle)) / half_diagonal for face in faces]
    scores = [face.area * (1 - min(offset, 1.0)) for face, offset in zip(faces, offsets, strict=True)]
    chosen = int(np.argmax(scores))
    largest_other = max(face.area for index, face in enumerate(faces) if index != chosen)
    ratio = faces[chosen].area / largest_other
    if ratio >= _CLEARLY_LARGER:
        why = f"{ratio:.1f} times as large as the next"
    elif offsets[chosen] == min(offsets):
        why = "the nearest to the middle"
    else:
        why = "the largest near the middle"
    return chosen, SeveralFaces(len(faces), chosen, why)


def sharpness(crop: RGB) -> float:
    """Variance of the Laplacian of the grey crop at 112 px; low where there is no detail."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    if grey.shape[0] != _SHARPNESS_SIZE:
        grey = cv2.resize(grey, (_SHARPNESS_SIZE, _SHARPNESS_SIZE), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def quality_problem(face: Face, crop: RGB) -> PhotoError | None:
    """Why a face cannot be used, or None."""
    if face.height < MIN_FACE_HEIGHT:
        return FaceTooSmallError(
            f"The face is {face.height:.0f} pixels high, at least {MIN_FACE_HEIGHT:.0f} are needed.",
            "Use a larger photo.",
            height=face.height,
        )
    detail = sharpness(crop)
    if detail < MIN_SHARPNESS:
        return FaceTooBlurredError(
            f"The face is blurred (sharpness {detail:.1f}, at least {MIN_SHARPNESS:.0f} is needed).",
            "Use a sharper photo.",
            sharpness=detail,
        )
    return None
