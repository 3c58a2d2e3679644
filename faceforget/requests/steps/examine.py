"""Look at a request's photos before anything is changed: are they there, usable, and of the right person?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceforget.errors import FaceForgetError, UnknownPersonError, WrongPersonError
from faceforget.people.faces import FaceSet, SamePhotoError, read_faces, require_faces
from faceforget.people.folder import person_key
from faceforget.people.held_back import OF_A_REQUEST, held_back
from faceforget.photos.align import Framing
from faceforget.photos.cache import FaceCache
from faceforget.photos.detect import FoundFaces
from faceforget.photos.intake import PhotoFaces, PhotoIntake
from faceforget.progress import Progress, silent
from faceforget.recognizer.recognizer import Recognizer
from faceforget.recognizer.same_person import doubtful_photos
from faceforget.requests.open_requests import OpenRequest, PhotoFile
from faceforget.requests.request_list import hash_of


class PhotosChangedError(FaceForgetError):
    """A photo is not the one that was planned with."""


class SharedPhotoError(SamePhotoError):
    """One photo stands under two requests of a batch."""


@dataclass(frozen=True)
class Member:
    """A request that can be carried out.

    Attributes:
        request: Its id.
        person: Label in the model.
        read: Photos for the erasure.
        check: Photos for the check; the same ones where there are too few to hold some back.
        refused: Photos that cannot be used.
    """

    request: str
    person: str
    read: tuple[PhotoFaces, ...]
    check: tuple[PhotoFaces, ...]
    refused: int

    @property
    def unseen(self) -> bool:
        """Whether the check is on photos that the erasure did not read."""
        return self.check != self.read

    def crops(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Faces ``(N, S, S, 3)`` for the check, and those that the erasure reads."""
        return np.stack([photo.crop for photo in self.check]), np.stack([photo.crop for photo in self.read])


class RecentFaces(FaceCache):
    """Faces found in this run, in memory alone, in front of the cache on disk, to which nothing is added."""

    def __init__(self, disk: FaceCache | None) -> None:
        super().__init__(disk.folder if disk else None)
        self._disk = disk
        self._found: dict[tuple[str, Framing], FoundFaces] = {}

    def get(self, sha256: str, framing: Framing) -> FoundFaces | None:
        """From memory, else from disk."""
        return self._found.get((sha256, framing)) or (self._disk.get(sha256, framing) if self._disk else None)

    def put(self, sha256: str, framing: Framing, found: FoundFaces) -> None:
        """Into memory."""
        self._found[sha256, framing] = found

    def forget(self, sha256: str) -> int:
        """Nothing yet: those in memory go with the batch, those on disk when the request is closed.

        So a batch that was killed finds the same faces again. Searched anew they may differ in a pixel from what an
        earlier search has found, with other photos beside them or on more threads, and then the model would differ.
        """
        return 0


def examine(
    before: Recognizer,
    request: OpenRequest,
    intake: PhotoIntake,
    *,
    allow_mismatch: bool = False,
    progress: Progress = silent,
) -> Member:
    """Check one request against the model.

    Args:
        before: The model.
        request: The request.
        intake: Finds faces; its cache must forget them at the end (:class:`RecentFaces`).
        allow_mismatch: Use photos that seem to show somebody else.
        progress: Called after every photo.

    Raises:
        UnknownPersonError: The model does not know the person.
        PhotosChangedError: A photo is not as it was planned.
        WrongPersonError: Photos seem to show somebody else.
        SamePhotoError: A photo for the erasure is for the check as well.
        NoUsablePhotoError: There is no usable photo.
    """
    person = label_of(before, request.person)
    _check_unchanged((*request.photos, *request.check))
    faces = _faces(person, request.photos, intake, progress)
    require_faces(faces, [person])
    check = _faces(person, request.check, intake, progress)
    both = FaceSet({person: (*faces.photos[person], *check.photos[person])})
    _check_person(before, person, both, allow_mismatch)
    read, unseen = faces.photos[person], check.photos[person]
    _check_apart(read, unseen)
    if not unseen:
        read, unseen = held_back(read, OF_A_REQUEST)
    return Member(request.id, person, read, unseen or read, len(faces.refused) + len(check.refused))


def label_of(before: Recognizer, person: str) -> str:
    """The person as the model spells them.

    Raises:
        UnknownPersonError: The model does not know them.
    """
    if person in before.labels:
        return person
    same = [label for label in before.labels if person_key(label) == person_key(person)]
    if len(same) == 1:
        return same[0]
    before.index_of(person)
    raise UnknownPersonError(f"The model does not know {person!r}.")


def shared_photos(members: Sequence[Member]) -> dict[str, SharedPhotoError]:
    """By request: those of whose photos one stands under another request, too."""
    owners: dict[str, str] = {}
    found: dict[str, SharedPhotoError] = {}
    for member in members:
        for photo in {p.sha256: p for p in (*member.read, *member.check)}.values():
            other = owners.setdefault(photo.sha256, member.request)
            if other != member.request:
                error = SharedPhotoError(
                    f"The photo {photo.source} is given for two people.", "Leave it with the one whom it shows."
                )
                found |= {other: error, member.request: error}
    return found


def sharing(members: Sequence[Member], others: Sequence[OpenRequest]) -> list[OpenRequest]:
    """Which of the others are given a photo of one of these members."""
    theirs = {photo.sha256 for member in members for photo in (*member.read, *member.check)}
    return [other for other in others if theirs & {photo.sha256 for photo in (*other.photos, *other.check)}]


def _faces(person: str, photos: Sequence[PhotoFile], intake: PhotoIntake, progress: Progress) -> FaceSet:
    return read_faces({person: [Path(photo.path) for photo in photos]}, intake, progress=progress)


def _check_unchanged(photos: Sequence[PhotoFile]) -> None:
    changed = [photo.path for photo in photos if hash_of(Path(photo.path)) != photo.sha256]
    if changed:
        raise PhotosChangedError(
            f"{len(changed)} photos are not as they were when the batch was planned, the first is {changed[0]}.",
            "Submit the request again.",
            changed=len(changed),
            photos=len(photos),
        )


def _check_person(before: Recognizer, person: str, faces: FaceSet, allow: bool) -> None:
    doubts = [] if allow else doubtful_photos(before, person, before.embed(faces.crops(person)))
    if doubts:
        photos = faces.photos[person]
        listed = "; ".join(f"{photos[doubt.index].source} {doubt}" for doubt in doubts[:3])
        raise WrongPersonError(
            f"{len(doubts)} of {len(photos)} photos of {person} seem to show somebody else: {listed}.",
            "Remove them, or confirm that they are right: allow_mismatch=True.",
            code="wrong-person",
            doubtful=len(doubts),
            photos=len(photos),
        )


def _check_apart(read: Sequence[PhotoFaces], check: Sequence[PhotoFaces]) -> None:
    twice = {photo.sha256 for photo in read} & {photo.sha256 for photo in check}
    for photo in check:
        if photo.sha256 in twice:
            raise SamePhotoError(
                f"The photo {photo.source} is for the check and for the erasure.", "Give it for one of the two."
            )
