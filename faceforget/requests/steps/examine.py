"""Look at a request's photos before anything is changed: are they there, usable, and of the right person?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceforget.errors import FaceForgetError, UnknownPersonError, WrongPersonError
from faceforget.people.faces import FaceSet, SamePhotoError, read_faces, require_faces
from faceforget.people.folder import person_key
from faceforget.people.held_back import OF_A_REQUEST, held_back
from faceforget.photos.intake import PhotoIntake
from faceforget.photos.photo import Photo
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
    read: tuple[Photo, ...]
    check: tuple[Photo, ...]
    refused: int

    @property
    def unseen(self) -> bool:
        """Whether the check is on photos that the erasure did not read."""
        return self.check != self.read

    def crops(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Faces ``(N, S, S, 3)`` for the check, and those that the erasure reads."""
        return np.stack([photo.crop for photo in self.check]), np.stack([photo.crop for photo in self.read])


def examine(
    before: Recognizer,
    request: OpenRequest,
    photos: Sequence[Photo],
    intake: PhotoIntake,
    *,
    allow_mismatch: bool = False,
) -> Member:
    """Check one request against the model.

    Args:
        before: The model.
        request: The request.
        photos: Its photos, read by :func:`read_photos`.
        intake: That read them.
        allow_mismatch: Use photos that seem to show somebody else.

    Raises:
        UnknownPersonError: The model does not know the person.
        PhotosChangedError: A photo is not as it was planned.
        WrongPersonError: Photos seem to show somebody else.
        SamePhotoError: A photo for the erasure is for the check as well.
        NoUsablePhotoError: There is no usable photo.
    """
    person = label_of(before, request.person)
    _check_unchanged(request.files, photos)
    faces = read_faces({person: photos[: len(request.photos)]}, intake)
    require_faces(faces, [person])
    check = read_faces({person: photos[len(request.photos) :]}, intake)
    both = FaceSet({person: (*faces.photos[person], *check.photos[person])})
    _check_person(before, person, both, allow_mismatch)
    read, unseen = faces.photos[person], check.photos[person]
    _check_apart(read, unseen)
    if not unseen:
        read, unseen = held_back(read, OF_A_REQUEST)
    return Member(request.id, person, read, unseen or read, len(faces.refused) + len(check.refused))


def read_photos(
    requests: Sequence[OpenRequest], intake: PhotoIntake, known: Mapping[str, Photo], progress: Progress = silent
) -> dict[str, list[Photo]]:
    """The photos of requests, by request; all are read together, which is faster.

    Args:
        requests: The requests.
        intake: Keeps what it reads, so that no file is opened again when it is asked for the next time.
        known: Photos that were read before the batch, by hash.
        progress: Called after every photo.
    """
    sources = [known.get(file.sha256) or Path(file.path) for request in requests for file in request.files]
    found = iter(intake.read(sources, progress=progress))
    return {request.id: [next(found) for _ in request.files] for request in requests}


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
    return [other for other in others if theirs & {photo.sha256 for photo in other.files}]


def _check_unchanged(files: Sequence[PhotoFile], photos: Sequence[Photo]) -> None:
    pairs = zip(files, photos, strict=True)
    # One that the intake could not read has no hash there: it may be larger than what is read.
    changed = [file.path for file, photo in pairs if (photo.sha256 or hash_of(Path(file.path))) != file.sha256]
    if changed:
        raise PhotosChangedError(
            f"{len(changed)} photos are not as they were when the batch was planned, the first is {changed[0]}.",
            "Submit the request again.",
            changed=len(changed),
            photos=len(files),
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


def _check_apart(read: Sequence[Photo], check: Sequence[Photo]) -> None:
    twice = {photo.sha256 for photo in read} & {photo.sha256 for photo in check}
    for photo in check:
        if photo.sha256 in twice:
            raise SamePhotoError(
                f"The photo {photo.source} is for the check and for the erasure.", "Give it for one of the two."
            )
