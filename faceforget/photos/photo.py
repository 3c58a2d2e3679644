"""A photo and what was found on it: made once by the intake, and handed on from there to whoever needs its faces."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from faceforget.files import sha256_bytes
from faceforget.photos.align import RGB, FloatArray, Framing
from faceforget.photos.errors import NoFaceError, PhotoError, SeveralFaces


@dataclass(frozen=True)
class Upload:
    """A photo that is in no file here.

    Attributes:
        name: Only ever shown, never used as a path.
        data: The bytes as they came.
    """

    name: str
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """Of the bytes."""
        return sha256_bytes(self.data)


@dataclass(frozen=True)
class Face:
    """A detected face.

    Attributes:
        box: ``(4,)`` x0, y0, x1, y1 in pixels of the decoded photo; of a face that the photo cuts off, beyond it.
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
class Photo:
    """A photo that was opened, decoded and searched.

    Attributes:
        source: The path, the name of an upload, or ``"photo N"`` for bytes.
        sha256: Of the photo's bytes; empty when they could not be read.
        framing: How its faces were cut.
        size: Width and height in pixels as a viewer shows it, turned as its EXIF says and not reduced; None where it
            cannot be read.
        searched: Width and height of what was searched, whose pixels boxes and landmarks are in.
        faces: All faces found, most probable first.
        crops: ``(F, S, S, 3)`` uint8, one per face.
        problems: One per face: why it cannot be used, or None.
        chosen: Index of the face that the photo is of; None when there is no face.
        note: Set when one of several faces was chosen.
        error: Why the photo, or its chosen face, cannot be used; None when it can.
        picture: ``(H, W, 3)`` uint8 for who shows it, if the intake was asked for one and it could be decoded.
    """

    source: str
    sha256: str = ""
    framing: Framing | None = None
    size: tuple[int, int] | None = None
    searched: tuple[int, int] = (0, 0)
    faces: tuple[Face, ...] = ()
    crops: RGB = field(default_factory=lambda: np.zeros((0, 0, 0, 3), np.uint8), repr=False)
    problems: tuple[PhotoError | None, ...] = ()
    chosen: int | None = None
    note: SeveralFaces | None = None
    error: PhotoError | None = None
    picture: RGB | None = field(default=None, repr=False)

    @property
    def crop(self) -> RGB:
        """``(S, S, 3)`` crop of the chosen face.

        Raises:
            PhotoError: The photo cannot be used.
        """
        if self.error is not None or self.chosen is None:
            raise self.error or NoFaceError("No face was found.")
        return np.asarray(self.crops[self.chosen], dtype=np.uint8)


# What the intake reads: bytes, a path, an upload; or a photo that it has read before, which it hands on as it is.
PhotoSource = bytes | str | Path | Upload | Photo
