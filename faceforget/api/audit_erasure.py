"""Audit a pair of models on folders of photos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faceforget.api.retained_people import known_others
from faceforget.api.runtime import People, Runtime, people_from
from faceforget.api.shipped import shipped_people
from faceforget.audit.audit_models import Exhibits, audit_models
from faceforget.audit.looking import Memory
from faceforget.audit.report import AuditReport
from faceforget.audit.view import Crops, Faces
from faceforget.errors import PeopleFolderError
from faceforget.people.faces import FaceSet, read_faces, require_faces
from faceforget.photos.intake import PhotoIntake
from faceforget.photos.photo import PhotoSource
from faceforget.progress import Progress
from faceforget.recognizer.recognizer import Recognizer

# With fewer rendered people left over there is nobody to measure strangers on.
_FEWEST_STAND_INS = 6
# Of each of them: finding more faces would take longer than all the rest.
_STAND_IN_PHOTOS = 8


@dataclass(frozen=True)
class Others:
    """Whatever there is beside the erased persons' photos; a folder per person each.

    Attributes:
        retained: Photos of people who stay that nothing has read; the erased, and people whom the model does
            not know, are left out.
        members: Enrolled photos of people who stay: known members for the membership attack.
        strangers: People who were never enrolled; without them, rendered people stand in.
        retrained: A model enrolled without the erased persons: the best reference.
    """

    retained: People | None = None
    members: People | None = None
    strangers: People | None = None
    retrained: Recognizer | None = None


def audit(
    before: Recognizer,
    after: Recognizer,
    photos: Mapping[str, Sequence[PhotoSource]],
    *,
    forget_photos: Mapping[str, Sequence[PhotoSource]] | None = None,
    others: Others | None = None,
    deep: bool = False,
    memory: Memory | None = None,
    runtime: Runtime | None = None,
) -> AuditReport:
    """Check what is left of the erased people.

    Args:
        before: The model before erasure.
        after: The model after.
        photos: Photos of each erased person, best those that the erasure did not read.
        forget_photos: The photos that the erasure read.
        others: Other people's photos, and a retrained model, as far as there are any.
        deep: The slow questions too: relearning and adversarial changes.
        memory: Given to several audits, photos that a model saw in one are not sent through it again.
        runtime: Device, seed, cache, progress.

    Raises:
        UnknownPersonError: ``before`` does not know an erased person.
        FaceForgetError: The photos, or the pair of models, cannot be used.
    """
    runtime, others = runtime or Runtime(), others or Others()
    for person in photos:
        before.index_of(person)
    before, after = before.to(runtime.torch_device), after.to(runtime.torch_device)
    # Others whom the model after does not hold either were erased with them: they do not stay.
    erased = (*photos, *(name for name in before.labels if name not in after.labels))
    retrained = others.retrained and others.retrained.to(runtime.torch_device)
    intake = runtime.intake(before.spec.framing)
    strangers = stranger_crops(others.strangers, before, intake, runtime.progress)
    stand_ins = {} if strangers else stand_ins_for(before, intake, runtime.progress)
    faces = Faces(
        _required(photos, intake, runtime.progress),
        _required(forget_photos, intake, runtime.progress) if forget_photos else {},
        retained_crops(others.retained, before, erased, intake, runtime.progress),
        strangers or stand_ins,
        retained_crops(others.members, before, erased, intake, runtime.progress),
    )
    exhibits = Exhibits(faces, retrained, ("strangers",) if stand_ins else (), memory)
    return audit_models(before, after, exhibits, deep=deep, seed=runtime.seed, progress=runtime.progress)


def _required(photos: Mapping[str, Sequence[PhotoSource]], intake: PhotoIntake, progress: Progress) -> dict[str, Crops]:
    """Crops of the erased people; never cached."""
    faces = read_faces(photos, intake, remember=False, progress=progress, stage="reading their photos")
    require_faces(faces, tuple(photos))
    return _crops(faces)


def retained_crops(
    people: People | None, before: Recognizer, erased: Sequence[str], intake: PhotoIntake, progress: Progress
) -> dict[str, Crops]:
    """Crops of people who stay, by name; none without a folder."""
    if people is None:
        return {}
    known = known_others(people, before, erased)
    return _crops(read_faces(known, intake, progress=progress, stage="reading retained people"))


def stranger_crops(
    people: People | None, before: Recognizer, intake: PhotoIntake, progress: Progress
) -> dict[str, Crops]:
    """Crops of the operator's own strangers; none without a folder.

    Raises:
        PeopleFolderError: Everybody in it is in the model.
    """
    if people is None:
        return {}
    unknown = {n: p for n, p in people_from(people).items() if n not in before.labels}
    if not unknown:
        raise PeopleFolderError(
            "Everybody in the folder of strangers is in the model.", "Give people who were never enrolled."
        )
    faces = read_faces(unknown, intake, progress=progress, stage="reading strangers")
    if not faces.count:
        require_faces(faces, tuple(unknown))
    return _crops(faces)


def stand_ins_for(before: Recognizer, intake: PhotoIntake, progress: Progress) -> dict[str, Crops]:
    """Rendered people whom the model does not know; nobody if too few are left or they are not installed."""
    people = {n: p[:_STAND_IN_PHOTOS] for n, p in shipped_people().items() if n not in before.labels}
    if len(people) < _FEWEST_STAND_INS:
        return {}
    return _crops(read_faces(people, intake, progress=progress, stage="reading rendered stand-ins"))


def _crops(faces: FaceSet) -> dict[str, Crops]:
    return {name: faces.crops(name) for name, photos in faces.photos.items() if photos}
