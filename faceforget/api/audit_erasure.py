"""Audit a pair of models on folders of photos."""

from collections.abc import Mapping, Sequence

from faceforget.api.enroll_people import People
from faceforget.api.runtime import Runtime, people_from
from faceforget.audit.classifier import ClassifierCheck, check_classifier
from faceforget.audit.view import Crops, Faces
from faceforget.errors import PeopleFolderError
from faceforget.people.faces import FaceSet, read_faces, require_faces
from faceforget.photos.intake import PhotoIntake, PhotoSource
from faceforget.recognizer.recognizer import Recognizer


def audit(
    before: Recognizer,
    after: Recognizer,
    photos: Mapping[str, Sequence[PhotoSource]],
    *,
    forget_photos: Mapping[str, Sequence[PhotoSource]] | None = None,
    retained: People | None = None,
    strangers: People | None = None,
    runtime: Runtime | None = None,
) -> ClassifierCheck:
    """Check what the classifier still says of the erased people.

    Args:
        before: The model before erasure.
        after: The model after.
        photos: Photos of each erased person, best those that the erasure did not read.
        forget_photos: The photos that the erasure read.
        retained: A folder per person of people who stay; the erased and people whom the model
            does not know are left out.
        strangers: A folder per person of people who were never enrolled.
        runtime: Device, cache, progress.

    Raises:
        UnknownPersonError: ``before`` does not know an erased person.
        FaceForgetError: The photos, or the pair of models, cannot be used.
    """
    runtime = runtime or Runtime()
    for person in photos:
        before.index_of(person)
    before, after = before.to(runtime.torch_device), after.to(runtime.torch_device)
    intake = runtime.intake(before.spec.framing)
    faces = Faces(
        _required(photos, intake, runtime),
        _required(forget_photos, intake, runtime) if forget_photos else {},
        _retained(retained, before, tuple(photos), intake, runtime),
        _strangers(strangers, before, intake, runtime),
    )
    return check_classifier(before, after, faces, progress=runtime.progress)


def _required(photos: Mapping[str, Sequence[PhotoSource]], intake: PhotoIntake, runtime: Runtime) -> dict[str, Crops]:
    """Crops of the erased people; never cached."""
    faces = read_faces(photos, intake, remember=False, progress=runtime.progress, stage="reading their photos")
    require_faces(faces, tuple(photos))
    return _crops(faces)


def _retained(
    people: People | None, before: Recognizer, erased: Sequence[str], intake: PhotoIntake, runtime: Runtime
) -> dict[str, Crops]:
    if people is None:
        return {}
    known = {n: p for n, p in people_from(people).items() if n in before.labels and n not in erased}
    if not known:
        raise PeopleFolderError(
            "Nobody in the folder of retained people is in the model, the erased left out.",
            "Name the folders exactly as the persons are named in the model.",
        )
    return _crops(read_faces(known, intake, progress=runtime.progress, stage="reading retained people"))


def _strangers(people: People | None, before: Recognizer, intake: PhotoIntake, runtime: Runtime) -> dict[str, Crops]:
    if people is None:
        return {}
    unknown = {n: p for n, p in people_from(people).items() if n not in before.labels}
    if not unknown:
        raise PeopleFolderError(
            "Everybody in the folder of strangers is in the model.", "Give people who were never enrolled."
        )
    faces = read_faces(unknown, intake, progress=runtime.progress, stage="reading strangers")
    if not faces.count:
        require_faces(faces, tuple(unknown))
    return _crops(faces)


def _crops(faces: FaceSet) -> dict[str, Crops]:
    return {name: faces.crops(name) for name, photos in faces.photos.items() if photos}
