"""Enrolment: a face set becomes a recogniser."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from faceforget.errors import UsageError
from faceforget.people.faces import FaceSet
from faceforget.progress import Progress, silent
from faceforget.recognizer.backbone import LoadedBackbone
from faceforget.recognizer.calibrate import moved_limit, stranger_scores, tail_limit, threshold_for, too_few
from faceforget.recognizer.head import FaceClassifier, to_images
from faceforget.recognizer.recognizer import Recognizer, Threshold, embed_images, new_classifier
from faceforget.recognizer.spec import BackboneSpec
from faceforget.recognizer.training import TrainingSettings, fine_tune

Train = Literal["full", "head"]
MIN_PEOPLE = 2
MIN_PHOTOS = 2
SCALE = 16.0


class TooFewPhotosError(UsageError):
    """Too few people, or people with too few usable photos."""


@dataclass(frozen=True)
class EnrolmentPlan:
    """How to enrol.

    Attributes:
        train: ``full`` fine-tunes the backbone, ``head`` keeps it; either way a person's row is their prototype.
        false_accept_rate: Share of strangers that may get a name.
        training: Settings of ``full``.
        seed: Of order and augmentation.
    """

    train: Train = "full"
    false_accept_rate: float = 0.01
    training: TrainingSettings = field(default_factory=TrainingSettings)
    seed: int = 0


@dataclass(frozen=True)
class Cosines:
    """Of enrolled photos with all rows, ``(N, C)``.

    Attributes:
        before: Rows and embeddings of the backbone as it was: there the photos can stand in for strangers'.
        after: Of the model as trained; None where it was not.
    """

    before: Tensor
    after: Tensor | None = None


def check_enough(faces: FaceSet) -> None:
    """Check that there are people, and photos of each.

    Raises:
        TooFewPhotosError: With the names and counts.
    """
    if len(faces.photos) < MIN_PEOPLE:
        raise TooFewPhotosError(
            f"Expected at least {MIN_PEOPLE} people, got {len(faces.photos)}.",
            "Add a folder for each person.",
        )
    few = {name: len(photos) for name, photos in faces.photos.items() if len(photos) < MIN_PHOTOS}
    if few:
        listed = ", ".join(f"{name} ({count})" for name, count in few.items())
        raise TooFewPhotosError(
            f"At least {MIN_PHOTOS} usable photos of each person are needed; too few of: {listed}.",
            "Add photos of them, or leave these people out: skip_incomplete=True.",
            code="incomplete-people",
            people=few,
        )


def enroll_faces(
    faces: FaceSet,
    backbone: LoadedBackbone,
    plan: EnrolmentPlan,
    *,
    strangers: NDArray[np.uint8] | None = None,
    device: str | torch.device = "cpu",
    progress: Progress = silent,
) -> Recognizer:
    """Make a recogniser of these people.

    Args:
        faces: At least two people with two photos each.
        backbone: Its network is copied, not changed.
        plan: How to enrol.
        strangers: ``(N, S, S, 3)`` faces of people who are not enrolled, to calibrate "unknown" on;
            without them, enrolled people stand in for strangers in turn.
        device: Where to compute.
        progress: Called at every step.

    Raises:
        TooFewPhotosError: Too few people or photos.
    """
    check_enough(faces)
    names = tuple(sorted(faces.photos))
    images, targets = labelled_images(faces, names, device)
    classifier, cosines = train_classifier(images, targets, backbone, plan, progress=progress)
    record = {
        "event": "enrolled",
        "people": len(names),
        "photos": len(images),
        "backbone": backbone.origin,
        "train": plan.train,
        "training": plan.training.model_dump() if plan.train == "full" else None,
        "seed": plan.seed,
    }
    uncalibrated = Recognizer(backbone.spec, classifier, names, Threshold(-1.0, 1.0, "nothing"), (record,))
    rate = plan.false_accept_rate
    if strangers is not None and len(strangers):
        scores = uncalibrated.cosines(strangers).amax(1)
        return replace(uncalibrated, threshold=threshold_for(scores, rate, f"{len(strangers)} photos of strangers"))
    return replace(uncalibrated, threshold=own_threshold(backbone.spec, cosines, targets, rate))


def labelled_images(faces: FaceSet, names: Sequence[str], device: str | torch.device) -> tuple[Tensor, Tensor]:
    """Images ``(N, 3, S, S)`` of these people, and ``(N,)`` the place of each one's person in ``names``."""
    crops = [faces.crops(name) for name in names]
    targets = torch.arange(len(names)).repeat_interleave(torch.tensor([len(c) for c in crops]))
    return to_images(np.concatenate(crops), device), targets.to(device)


def train_classifier(
    images: Tensor, targets: Tensor, backbone: LoadedBackbone, plan: EnrolmentPlan, *, progress: Progress = silent
) -> tuple[FaceClassifier, Cosines]:
    """The part of an enrolment that makes weights.

    Args:
        images: ``(N, 3, S, S)`` in [0, 1].
        targets: ``(N,)``, each person from 0 to C-1 at least once.
        backbone: Its network is copied, not changed.
        plan: Whether and how to fine-tune.
        progress: Called at every step.

    Returns:
        The classifier, and the cosines of the images with its rows before and after it was trained.
    """
    people, size, device = int(targets.max()) + 1, backbone.spec.embedding_size, images.device
    network = copy.deepcopy(backbone.network)
    classifier = new_classifier(backbone.spec, network, torch.eye(people, size), SCALE).to(device)
    # By person: without one of them everybody else's row is then the same to the last bit.
    embeddings = embed_images(classifier, images, progress, groups=targets)
    before, after = _take_prototypes(classifier, embeddings, targets), None
    if plan.train == "full":
        fine_tune(classifier, images, targets, plan.training, seed=plan.seed, progress=progress)
        # Trained rows fit the photos that they were trained on; photos to come are nearer to the mean of these.
        after = _take_prototypes(classifier, embed_images(classifier, images, progress, groups=targets), targets)
    classifier.requires_grad_(False)
    return classifier, Cosines(before, after)


def _take_prototypes(classifier: FaceClassifier, embeddings: Tensor, targets: Tensor) -> Tensor:
    """Make each row the mean direction of its person's embeddings ``(N, D)``; the cosines ``(N, C)`` with the rows."""
    rows = classifier.head.weight
    rows.data.copy_(functional.normalize(torch.zeros_like(rows).index_add_(0, targets, embeddings), dim=1))
    return embeddings @ rows.detach().T


def own_threshold(spec: BackboneSpec, cosines: Cosines, targets: Tensor, false_accept_rate: float) -> Threshold:
    """The limit from the enrolled people alone: measured where they are enough, else estimated.

    Args:
        spec: Of the backbone, for its usual strangers.
        cosines: Of enrolled photos.
        targets: ``(N,)`` own row of each photo.
        false_accept_rate: In (0, 1).
    """
    photos, people = cosines.before.shape
    text = f"{photos} photos of the {people} enrolled people"
    if too_few(photos, people, false_accept_rate):
        text = f"an estimate from {text}, who are too few to measure it, and from the backbone's usual strangers"
        limit = tail_limit(cosines.before, targets, false_accept_rate, spec.stranger_cosines)
    else:
        text = f"{text}, each a stranger to the others"
        limit = threshold_for(stranger_scores(cosines.before, targets), false_accept_rate, text).cosine
    if cosines.after is not None:
        limit = moved_limit(limit, cosines.before, cosines.after, targets)
    return Threshold(limit, false_accept_rate, text)
