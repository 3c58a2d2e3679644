"""How a recogniser was enrolled, read from its history, to do the same again without somebody."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from torch import Tensor

from faceforget.errors import BackboneError, ModelFileError
from faceforget.progress import Progress, silent
from faceforget.recognizer.backbone import LoadedBackbone, load_backbone
from faceforget.recognizer.enroll import EnrolmentPlan, Train, train_classifier
from faceforget.recognizer.head import FaceClassifier
from faceforget.recognizer.recognizer import Recognizer
from faceforget.recognizer.training import TrainingSettings
from faceforget.unlearn.images import Images


@dataclass(frozen=True)
class EnrolmentRecipe:
    """The enrolment of a recogniser: the original backbone and the plan.

    Attributes:
        backbone: With the weights from before the enrolment.
        plan: How it was trained.
    """

    backbone: LoadedBackbone
    plan: EnrolmentPlan

    def __call__(self, images: Images, labels: Tensor, *, seed: int, progress: Progress = silent) -> FaceClassifier:
        """Enrol these ``(N, 3, S, S)`` images with their ``(N,)`` people, 0 to C-1."""
        return train_classifier(images[:], labels, self.backbone, replace(self.plan, seed=seed), progress=progress)[0]


def recipe_of(
    recognizer: Recognizer, backbone: str | Path | None = None, *, progress: Progress = silent
) -> EnrolmentRecipe:
    """The recipe that made a recogniser.

    Args:
        recognizer: With its enrolment in its history.
        backbone: Name or weights file that it was enrolled with; may be left out where the history
            has a name.
        progress: Told about a download.

    Raises:
        ModelFileError: The history has no enrolment.
        BackboneError: These are not the weights that it was enrolled with, or they must be given.
    """
    record = next((entry for entry in recognizer.history if entry.get("event") == "enrolled"), None)
    if record is None or not isinstance(record.get("backbone"), str) or record.get("train") not in get_args(Train):
        raise ModelFileError("The model's history does not say how it was enrolled.", "Enroll the people again.")
    name, _, digest = record["backbone"].rpartition(" sha256:")
    loaded = _load(backbone if backbone is not None else name, name, given=backbone is not None, progress=progress)
    if loaded.origin.rpartition(":")[2] != digest:
        raise BackboneError(
            f"The model was enrolled from other weights ({name}, SHA-256 {digest[:12]}...) than {loaded.origin}.",
            "Give the file that it was enrolled from as backbone.",
            code="other-weights",
        )
    rate = recognizer.threshold.false_accept_rate
    return EnrolmentRecipe(loaded, EnrolmentPlan(record["train"], rate, _training(record)))


def _load(source: str | Path, name: str, *, given: bool, progress: Progress) -> LoadedBackbone:
    try:
        return load_backbone(source, progress=progress)
    except BackboneError as error:
        if given:
            raise
        raise BackboneError(
            f"The weights that the model was enrolled from, {name}, are not at hand.",
            "Give the file as backbone.",
            code="weights-needed",
        ) from error


def _training(record: Mapping[str, Any]) -> TrainingSettings:
    """Models from before the settings were recorded were made with the defaults of then, which had no margin."""
    try:
        return TrainingSettings.model_validate({"margin": 0.0, **(record.get("training") or {})})
    except ValidationError as error:
        raise ModelFileError(
            "The training settings in the model's history cannot be read.", "Enroll the people again."
        ) from error
