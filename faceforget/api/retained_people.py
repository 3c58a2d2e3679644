"""Photos of the people who stay, for the methods that read them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import torch

from faceforget.api.runtime import People as People
from faceforget.api.runtime import Runtime, people_from
from faceforget.errors import MethodError, PeopleFolderError
from faceforget.people.faces import FaceSet, SamePhotoError, read_faces
from faceforget.photos.photo import PhotoSource
from faceforget.recognizer.enroll import Cosines, EnrolmentPlan, labelled_images, own_threshold, train_classifier
from faceforget.recognizer.recipe import EnrolmentRecipe, recipe_of
from faceforget.recognizer.recognizer import Recognizer, embed_images
from faceforget.unlearn.base import Method
from faceforget.unlearn.data import RetainSet


@dataclass(frozen=True)
class Retained:
    """People who stay.

    Attributes:
        faces: Their photos.
        data: The same as tensors, with the enrolment recipe where the method asks for it.
    """

    faces: FaceSet
    data: RetainSet

    @property
    def recipe(self) -> EnrolmentRecipe | None:
        """That recipe."""
        return cast("EnrolmentRecipe | None", self.data.recipe)


def known_others(people: People, recognizer: Recognizer, erased: Sequence[str]) -> dict[str, Sequence[PhotoSource]]:
    """Photos of the people whom the model knows, the erased left out.

    Raises:
        PeopleFolderError: There is nobody.
    """
    known = {n: p for n, p in people_from(people).items() if n in recognizer.labels and n not in erased}
    if not known:
        raise PeopleFolderError(
            "Nobody in the folder of retained people is in the model, the erased left out.",
            "Name the folders exactly as the persons are named in the model.",
        )
    return known


def check_retained(method: Method, people: People | None) -> None:
    """Check before any photo is read that what the method reads is what was given.

    Raises:
        MethodError: It reads retained photos, and there are none, or the other way round.
    """
    reads = "retained photos" in method.reads
    if reads and people is None:
        raise method.lacks_retained()
    if not reads and people is not None:
        raise MethodError(
            f"{method.name} does not read photos of people who stay.",
            "Leave out retained, or choose a method that reads them.",
            code="retained-not-read",
        )


def read_retained(
    method: Method,
    recognizer: Recognizer,
    people: People,
    forget: FaceSet,
    backbone: str | Path | None,
    runtime: Runtime,
) -> Retained:
    """Read the photos of those who stay, and the enrolment recipe if ``method`` trains again.

    Args:
        method: One that reads retained photos.
        recognizer: The model before.
        people: A folder per person.
        forget: Photos of the persons to erase.
        backbone: For a method that trains again: the weights from before the enrolment.
        runtime: Device, cache, progress.

    Raises:
        PeopleFolderError: Nobody in the folder is in the model, or nobody has a usable photo.
        SamePhotoError: A photo of a person to erase is among them.
    """
    intake = runtime.intake(recognizer.spec.framing)
    found = read_faces(
        known_others(people, recognizer, tuple(forget.photos)),
        intake,
        progress=runtime.progress,
        stage="reading retained people",
    )
    faces = FaceSet({n: p for n, p in found.photos.items() if p}, found.refused, found.repeated)
    if not faces.count:
        raise PeopleFolderError("There is no usable photo of a retained person.", "Give photos that show their faces.")
    _check_apart(forget, faces)
    names = tuple(faces.photos)
    images, places = labelled_images(faces, names, recognizer.device)
    rows = torch.tensor([recognizer.index_of(name) for name in names], device=recognizer.device)
    anew = "training recipe" in method.reads
    recipe = recipe_of(recognizer, backbone, progress=runtime.progress) if anew else None
    return Retained(faces, RetainSet(images, rows[places], recipe))


def recalibrated(recognizer: Recognizer, data: RetainSet, recipe: EnrolmentRecipe, gone: Sequence[str]) -> Recognizer:
    """The same weights with a limit of "unknown" of their own, as a new enrolment by this recipe gets one."""
    stay = recognizer.without(gone)
    kept = [index for index, name in enumerate(recognizer.labels) if name not in gone]
    places = torch.searchsorted(torch.tensor(kept, device=data.labels.device), data.labels)
    _, untrained = train_classifier(data.images[:], places, recipe.backbone, EnrolmentPlan("head"))
    trained = recipe.plan.train == "full"
    after = stay.similarities(embed_images(stay.classifier, data.images[:])) if trained else None
    cosines, rate = Cosines(untrained.before, after), recognizer.threshold.false_accept_rate
    return replace(recognizer, threshold=own_threshold(recognizer.spec, cosines, places, rate))


def _check_apart(forget: FaceSet, retained: FaceSet) -> None:
    """The person's photos under another name would teach the model what it is to forget."""
    own = {photo.sha256 for photos in forget.photos.values() for photo in photos}
    for name, photos in retained.photos.items():
        for photo in photos:
            if photo.sha256 in own:
                raise SamePhotoError(
                    f"The photo {photo.source} of {name}, who stays, is also a photo to forget.",
                    "Leave it with the one whom it shows.",
                )
