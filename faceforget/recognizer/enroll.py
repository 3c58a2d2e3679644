"""Enrolment: a face set becomes a recogniser."""

import copy
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
from faceforget.recognizer.calibrate import stranger_scores, threshold_for, too_few
from faceforget.recognizer.head import to_images
from faceforget.recognizer.recognizer import Recognizer, Threshold, embed_images, new_classifier
from faceforget.recognizer.training import TrainingSettings, fine_tune

Train = Literal["full", "head"]
MIN_PEOPLE = 2
MIN_PHOTOS = 2
SCALE = 16.0


class TooFewPhotosError(UsageError):
    """Too few people, or people with too few usable photos."""


@dataclass(frozen=True)
class Plan:
    """How to enrol.

    Attributes:
        train: ``full`` fine-tunes the backbone, ``head`` keeps it and takes a prototype per person.
        false_accept_rate: Share of strangers that may get a name.
        training: Settings of ``full``.
        seed: Of order and augmentation.
    """

    train: Train = "full"
    false_accept_rate: float = 0.01
    training: TrainingSettings = field(default_factory=TrainingSettings)
    seed: int = 0


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
            "Add photos of them, or leave these people out (--skip-incomplete).",
            people=few,
        )


def enroll_faces(
    faces: FaceSet,
    backbone: LoadedBackbone,
    plan: Plan,
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
    crops = [faces.crops(name) for name in names]
    images = to_images(np.concatenate(crops), device)
    targets = torch.arange(len(names)).repeat_interleave(torch.tensor([len(c) for c in crops])).to(device)
    size = backbone.spec.embedding_size
    network = copy.deepcopy(backbone.network)
    classifier = new_classifier(backbone.spec, network, torch.eye(len(names), size), SCALE).to(device)
    embeddings = embed_images(classifier, images, progress)
    sums = torch.zeros(len(names), size, device=device).index_add_(0, targets, embeddings)
    classifier.head.weight.data.copy_(functional.normalize(sums, dim=1))  # each row a person's prototype
    if plan.train == "full":
        fine_tune(classifier, images, targets, plan.training, seed=plan.seed, progress=progress)
        embeddings = embed_images(classifier, images, progress)
    classifier.requires_grad_(False)
    record = {
        "event": "enrolled",
        "people": len(names),
        "photos": len(images),
        "backbone": backbone.origin,
        "train": plan.train,
        "seed": plan.seed,
    }
    uncalibrated = Recognizer(backbone.spec, classifier, names, Threshold(-1.0, 1.0, "nothing"), (record,))
    rate = plan.false_accept_rate
    if strangers is not None and len(strangers):
        scores = uncalibrated.cosines(strangers).amax(1)
        return replace(uncalibrated, threshold=threshold_for(scores, rate, f"{len(strangers)} photos of strangers"))
    scores = stranger_scores(uncalibrated.similarities(embeddings), targets)
    return replace(uncalibrated, threshold=_own_threshold(uncalibrated, scores, rate))


def _own_threshold(recognizer: Recognizer, scores: Tensor, false_accept_rate: float) -> Threshold:
    """The limit from the enrolled people alone, if they are enough to measure the rate."""
    people = len(recognizer.labels)
    text = f"{len(scores)} photos of the {people} enrolled people, each a stranger to the others"
    threshold = threshold_for(scores, false_accept_rate, text)
    if not too_few(len(scores), people, false_accept_rate):
        return threshold
    floor = recognizer.spec.stranger_cosine
    text = f"nothing: {text}, are too few, so a usual limit of the backbone holds; give strangers to calibrate"
    return replace(threshold, cosine=max(threshold.cosine, floor), calibrated_on=text)
