"""What can be wrong with one photo. Each photo has its own outcome; the rest of a job goes on."""

from dataclasses import dataclass

from faceforget.errors import FaceForgetError, UsageError


class OtherFramingError(UsageError):
    """A photo that was searched for another backbone is handed on."""


class PhotoError(FaceForgetError):
    """A photo that cannot be used."""


class PhotoMissingError(PhotoError):
    """There is no readable file at the path."""


class NotAnImageError(PhotoError):
    """The bytes are not an image of an accepted format."""


class DamagedImageError(PhotoError):
    """The image is truncated or corrupt."""


class PhotoTooLargeError(PhotoError):
    """More bytes than are accepted."""


class DecompressionBombError(PhotoError):
    """More pixels than are accepted, whatever the size of the file."""


class PhotoTooSmallError(PhotoError):
    """Too few pixels to hold a usable face."""


class NoFaceError(PhotoError):
    """No face was found."""


class FaceTooSmallError(PhotoError):
    """A face was found, but with too few pixels to be told from others."""


class FaceTooBlurredError(PhotoError):
    """A face was found, but without detail."""


@dataclass(frozen=True)
class SeveralFaces:
    """A note on a photo that can be used: it shows several faces, and one was chosen.

    Attributes:
        count: Faces found.
        chosen: Index of the chosen one.
        why: The reason, in words.
    """

    count: int
    chosen: int
    why: str

    def __str__(self) -> str:
        return f"{self.count} faces; chose number {self.chosen + 1}, {self.why}"
