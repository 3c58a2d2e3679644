"""Are these photos of the person? A reason for each, and who the model thinks it is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.people import SHOWN_SIDE
from faceforget.api import UNKNOWN, Photo, PhotoSource, Recognizer, Runtime, doubtful_photos
from faceforget.progress import Progress, silent

Kind = Literal["good", "several", "somebody else", "repeated", "unusable"]
# Used unless the user says otherwise; the others only if the user says so, or not at all.
_TRUSTED: tuple[Kind, ...] = ("good", "several")
_NEVER: tuple[Kind, ...] = ("repeated", "unusable")


@dataclass(frozen=True)
class CheckedPhoto:
    """What is to be thought of one photo.

    Attributes:
        photo: The photo.
        kind: What was found.
        reason: The same in words for the user.
    """

    photo: Photo
    kind: Kind
    reason: str

    @property
    def key(self) -> str:
        """Tells photos apart; repeated ones share it."""
        return self.photo.sha256

    @property
    def trusted(self) -> bool:
        """Whether it is used unless the user leaves it out."""
        return self.kind in _TRUSTED

    @property
    def possible(self) -> bool:
        """Whether the user may have it used."""
        return self.kind not in _NEVER


def look_at(recognizer: Recognizer, photos: Sequence[PhotoSource], progress: Progress = silent) -> list[Photo]:
    """Find the faces; nothing is cached.

    Args:
        recognizer: Whose framing the faces are cut in.
        photos: Untrusted bytes, or photos that were looked at when their model was opened.
        progress: Called after every photo.
    """
    intake = Runtime(progress=progress).intake(recognizer.spec.framing, picture=SHOWN_SIDE)
    return intake.read(photos, remember=False, progress=progress)


def who_is_it(recognizer: Recognizer, photos: Sequence[Photo]) -> list[tuple[str, int]]:
    """Whom the model names on these photos and how often, the most frequent first; ``unknown`` counts as a name."""
    crops = [photo.crop for photo in photos if photo.error is None]
    if not crops:
        return []
    return Counter(found.name for found in recognizer.recognize(np.stack(crops), 1)).most_common()


def check(recognizer: Recognizer, person: str, photos: Sequence[Photo]) -> list[CheckedPhoto]:
    """Judge each photo as one of ``person``.

    Raises:
        UnknownPersonError: The model does not know the person.
    """
    usable = [index for index, photo in enumerate(photos) if photo.error is None]
    first = {photos[index].sha256: index for index in reversed(usable)}
    judged = sorted(first.values())
    doubts = {}
    if judged:
        crops = np.stack([photos[index].crop for index in judged])
        doubts = {
            judged[doubt.index]: doubt.looks_like
            for doubt in doubtful_photos(recognizer, person, recognizer.embed(crops))
        }
    return [
        _judged(photo, doubts.get(index), index != first.get(photo.sha256, index)) for index, photo in enumerate(photos)
    ]


def _judged(photo: Photo, looks_like: str | None, again: bool) -> CheckedPhoto:
    if photo.error is not None:
        return CheckedPhoto(photo, "unusable", f"{photo.error.message} {photo.error.todo}".strip())
    if again:
        return CheckedPhoto(photo, "repeated", "The same photo again; it is used once.")
    if looks_like is not None:
        who = "nobody whom the model knows" if looks_like == UNKNOWN else looks_like.replace("_", " ")
        return CheckedPhoto(photo, "somebody else", f"Looks like {who}. Left out, unless you know better.")
    if photo.note is not None:
        return CheckedPhoto(photo, "several", f"{photo.note.count} faces; the one used is {photo.note.why}.")
    return CheckedPhoto(photo, "good", "The model finds the person on it.")
