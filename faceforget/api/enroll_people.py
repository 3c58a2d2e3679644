"""Enrol a folder of people."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceforget.api.runtime import People, Runtime, people_from, photo_report
from faceforget.errors import PeopleFolderError
from faceforget.people.faces import FaceSet, read_faces
from faceforget.people.folder import person_key
from faceforget.photos.intake import PhotoIntake
from faceforget.recognizer.backbone import LoadedBackbone, load_backbone
from faceforget.recognizer.enroll import MIN_PHOTOS, EnrolmentPlan, check_enough, enroll_faces
from faceforget.recognizer.recognizer import Recognizer


@dataclass(frozen=True)
class Enrolment:
    """A new recogniser.

    Attributes:
        recognizer: The model.
        faces: The photos it was made from, and those that could not be used.
        left_out: People with too few usable photos, left out on request.
    """

    recognizer: Recognizer
    faces: FaceSet
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        threshold = self.recognizer.threshold
        return {
            "people": list(self.recognizer.labels),
            "left_out": list(self.left_out),
            "photos": photo_report(self.faces),
            "threshold": {
                "cosine": threshold.cosine,
                "false_accept_rate": threshold.false_accept_rate,
                "calibrated_on": threshold.calibrated_on,
            },
            "history": [dict(entry) for entry in self.recognizer.history],
        }


def enroll(
    people: People,
    *,
    backbone: str | Path | LoadedBackbone = "mobile",
    plan: EnrolmentPlan | None = None,
    strangers: People | None = None,
    skip_incomplete: bool = False,
    runtime: Runtime | None = None,
) -> Enrolment:
    """Make a recogniser of a folder per person.

    Args:
        people: ``PEOPLE_DIR/Name/photo.jpg``, or photos by name.
        backbone: Name or weights file, or what was loaded from one.
        plan: Fine-tune or keep the backbone, false-accept rate, seed.
        strangers: People who are not enrolled, to calibrate "unknown" on.
        skip_incomplete: Leave out people with too few usable photos instead of refusing.
        runtime: Device, cache, progress.

    Raises:
        FaceForgetError: A folder, the photos or the backbone cannot be used.
    """
    runtime = runtime or Runtime()
    device = runtime.torch_device
    loaded = backbone
    if not isinstance(loaded, LoadedBackbone):
        loaded = load_backbone(loaded, progress=runtime.progress)
    intake = runtime.intake(loaded.spec.framing)
    faces = read_faces(people_from(people), intake, progress=runtime.progress)
    left_out: tuple[str, ...] = ()
    if skip_incomplete:
        left_out = tuple(name for name, photos in faces.photos.items() if len(photos) < MIN_PHOTOS)
        kept = {name: photos for name, photos in faces.photos.items() if name not in left_out}
        faces = FaceSet(kept, faces.refused, faces.repeated)
    check_enough(faces)
    recognizer = enroll_faces(
        faces,
        loaded,
        plan or EnrolmentPlan(seed=runtime.seed),
        strangers=_strangers(strangers, {person_key(name) for name in faces.photos}, intake, runtime),
        device=device,
        progress=runtime.progress,
    )
    return Enrolment(recognizer, faces, left_out)


def _strangers(
    people: People | None, enrolled: set[str], intake: PhotoIntake, runtime: Runtime
) -> NDArray[np.uint8] | None:
    if people is None:
        return None
    others = {name: photos for name, photos in people_from(people).items() if person_key(name) not in enrolled}
    faces = read_faces(others, intake, progress=runtime.progress, stage="reading strangers")
    if not faces.count:
        raise PeopleFolderError(
            "There is no usable photo of a stranger: everybody is enrolled, or no face was found.",
            "Give people who are not enrolled, or leave out strangers.",
            code="no-strangers",
        )
    return faces.all_crops()
