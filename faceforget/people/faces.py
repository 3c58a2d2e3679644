"""The usable faces of people, and what became of every photo."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceforget.errors import FaceForgetError, PeopleFolderError
from faceforget.photos.intake import PhotoIntake
from faceforget.photos.photo import Photo, PhotoSource
from faceforget.progress import Progress, silent


class SamePhotoError(PeopleFolderError):
    """One photo stands under two names."""


class NoUsablePhotoError(FaceForgetError):
    """There is no photo of somebody that can be used; counts by kind of error are among its ``values``."""


@dataclass(frozen=True)
class FaceSet:
    """Faces by person.

    Attributes:
        photos: Usable photos by person; a person may have none.
        refused: Photos that cannot be used, each with its ``error``.
        repeated: Photos left out because the same bytes came before under the same name.
    """

    photos: Mapping[str, tuple[Photo, ...]]
    refused: tuple[Photo, ...] = ()
    repeated: tuple[Photo, ...] = ()

    @property
    def count(self) -> int:
        """Usable photos of all people."""
        return sum(len(photos) for photos in self.photos.values())

    def crops(self, name: str) -> NDArray[np.uint8]:
        """``(N, S, S, 3)`` chosen faces of one person."""
        return np.stack([photo.crop for photo in self.photos[name]])

    def all_crops(self) -> NDArray[np.uint8]:
        """``(N, S, S, 3)`` chosen faces of all people, in order."""
        return np.concatenate([self.crops(name) for name, photos in self.photos.items() if photos])

    def only(self, names: Sequence[str]) -> "FaceSet":
        """The faces of these people."""
        return FaceSet({name: self.photos[name] for name in names})


def read_faces(
    people: Mapping[str, Sequence[PhotoSource]],
    intake: PhotoIntake,
    *,
    remember: bool = True,
    progress: Progress = silent,
    stage: str = "finding faces",
) -> FaceSet:
    """Find the face on every photo of every person.

    Args:
        people: Photos by person.
        intake: Finds and frames faces.
        remember: Whether findings may be cached; False for people who ask to be erased.
        progress: Called after every photo.
        stage: Name of the work in progress events.

    Raises:
        SamePhotoError: The same photo is given for two people.
    """
    owners = [name for name, sources in people.items() for _ in sources]
    sources = [source for photos in people.values() for source in photos]
    usable: dict[str, list[Photo]] = {name: [] for name in people}
    refused: list[Photo] = []
    repeated: list[Photo] = []
    owner_of: dict[str, str] = {}
    found = intake.read(sources, remember=remember, progress=progress, stage=stage)
    for name, photo in zip(owners, found, strict=True):
        if photo.error is not None:
            refused.append(photo)
        elif photo.sha256 not in owner_of:
            owner_of[photo.sha256] = name
            usable[name].append(photo)
        elif owner_of[photo.sha256] == name:
            repeated.append(photo)
        else:
            raise SamePhotoError(
                f"The photo {photo.source} is given for two people: {owner_of[photo.sha256]} and {name}.",
                "Leave it with the one whom it shows.",
            )
    return FaceSet({name: tuple(photos) for name, photos in usable.items()}, tuple(refused), tuple(repeated))


def require_faces(faces: FaceSet, names: Sequence[str]) -> None:
    """Check that each of these people has at least one usable photo.

    Raises:
        NoUsablePhotoError: Somebody has none; the reason of each photo is in the message.
    """
    empty = [name for name in names if not faces.photos.get(name)]
    if empty:
        reasons = " ".join(f"{photo.source}: {photo.error.message}" for photo in faces.refused[:5] if photo.error)
        kinds: dict[str, Any] = Counter(photo.error.kind for photo in faces.refused if photo.error)
        raise NoUsablePhotoError(
            f"No usable photo of {', '.join(empty)}. {reasons}".rstrip(),
            "Give at least one photo that shows their face.",
            persons=empty,
            **kinds,
        )
