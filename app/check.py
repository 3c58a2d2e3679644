"""Are these photos of the person? A reason for each, and who the model thinks it is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from app.people import Photo
from faceforget.api import RGB, UNKNOWN, PhotoFaces, Recognizer, Runtime, decode, doubtful_photos
from faceforget.errors import FaceForgetError
from faceforget.progress import Progress, silent

Kind = Literal["good", "several", "somebody else", "repeated", "unusable"]
_SIDE = 300
# Used unless the user says otherwise; the others only if the user says so, or not at all.
_TRUSTED: tuple[Kind, ...] = ("good", "several")
_NEVER: tuple[Kind, ...] = ("repeated", "unusable")


@dataclass(frozen=True)
class SeenPhoto:
    """A photo and the faces in it, whoever they are.

    Attributes:
        photo: As it came.
        found: The faces.
        picture: The whole photo, small; None where it could not be decoded.
    """

    photo: Photo
    found: PhotoFaces
    picture: RGB | None


@dataclass(frozen=True)
class CheckedPhoto:
    """What is to be thought of one photo.

    Attributes:
        seen: The photo.
        kind: What was found.
        reason: The same in words for the user.
    """

    seen: SeenPhoto
    kind: Kind
    reason: str

    @property
    def key(self) -> str:
        """Tells photos apart; repeated ones share it."""
        return self.seen.photo.sha256

    @property
    def trusted(self) -> bool:
        """Whether it is used unless the user leaves it out."""
        return self.kind in _TRUSTED

    @property
    def possible(self) -> bool:
        """Whether the user may have it used."""
        return self.kind not in _NEVER


def look_at(recognizer: Recognizer, photos: Sequence[Photo], progress: Progress = silent) -> list[SeenPhoto]:
    """Find the faces; nothing is cached.

    Args:
        recognizer: Whose framing the faces are cut in.
        photos: Untrusted bytes.
        progress: Called after every photo.
    """
    intake = Runtime(progress=progress).intake(recognizer.spec.framing)
    found = intake.read([photo.data for photo in photos], remember=False, progress=progress)
    return [SeenPhoto(photo, faces, small_picture(photo.data)) for photo, faces in zip(photos, found, strict=True)]


def small_picture(data: bytes) -> RGB | None:
    """A photo at most 300 pixels wide and high; None where it cannot be decoded."""
    try:
        pixels = decode(data).pixels
    except FaceForgetError:
        return None
    scale = _SIDE / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    size = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def who_is_it(recognizer: Recognizer, photos: Sequence[SeenPhoto]) -> list[tuple[str, int]]:
    """Whom the model names on these photos and how often, the most frequent first; ``unknown`` counts as a name."""
    crops = [seen.found.crop for seen in photos if seen.found.error is None]
    if not crops:
        return []
    return Counter(found.name for found in recognizer.recognize(np.stack(crops), 1)).most_common()


def check(recognizer: Recognizer, person: str, photos: Sequence[SeenPhoto]) -> list[CheckedPhoto]:
    """Judge each photo as one of ``person``.

    Raises:
        UnknownPersonError: The model does not know the person.
    """
    usable = [index for index, seen in enumerate(photos) if seen.found.error is None]
    first = {photos[index].photo.sha256: index for index in reversed(usable)}
    judged = sorted(first.values())
    doubts = {}
    if judged:
        crops = np.stack([photos[index].found.crop for index in judged])
        doubts = {
            judged[doubt.index]: doubt.looks_like
            for doubt in doubtful_photos(recognizer, person, recognizer.embed(crops))
        }
    return [
        _judged(seen, doubts.get(index), index != first.get(seen.photo.sha256, index))
        for index, seen in enumerate(photos)
    ]


def _judged(seen: SeenPhoto, looks_like: str | None, again: bool) -> CheckedPhoto:
    found = seen.found
    if found.error is not None:
        return CheckedPhoto(seen, "unusable", f"{found.error.message} {found.error.todo}".strip())
    if again:
        return CheckedPhoto(seen, "repeated", "The same photo again; it is used once.")
    if looks_like is not None:
        who = "nobody whom the model knows" if looks_like == UNKNOWN else looks_like.replace("_", " ")
        return CheckedPhoto(seen, "somebody else", f"Looks like {who}. Left out, unless you know better.")
    if found.note is not None:
        return CheckedPhoto(seen, "several", f"{found.note.count} faces; the one used is {found.note.why}.")
    return CheckedPhoto(seen, "good", "The model finds the person on it.")
