"""The model that a session works with, and what is at hand of its people."""

import logging
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from platformdirs import user_cache_path

from faceforget import api
from faceforget.api import (
    OF_AN_ENROLMENT,
    OF_RENDERED,
    PLAN,
    RGB,
    Crops,
    FaceCache,
    FaceSet,
    LoadedBackbone,
    Method,
    Photo,
    PhotoIntake,
    PhotoSource,
    Recognizer,
    Upload,
    held_back,
    load_backbone,
    make_method,
    read_faces,
    sha256_bytes,
    shipped_people,
)
from faceforget.errors import ModelFileError
from faceforget.progress import Progress, silent

T = TypeVar("T")

_log = logging.getLogger(__name__)
# Of the rendered people, so many are enrolled; the others are strangers to the model.
ENROLLED = 16
# Of the pictures of photos that are shown, the longest side in pixels.
SHOWN_SIDE = 300
# From so many photos of each person on, a third is kept back to check on.
KEEP_BACK_FROM = 4
_AFTER = ", after an erasure"
_embedding = threading.Lock()


@dataclass(frozen=True)
class OpenModel:
    """A recogniser in use.

    Attributes:
        recognizer: The model; erasure works on a copy.
        origin: Where it comes from, in words.
        photos: Photos that each person was enrolled from, where they are at hand.
        unseen: Faces of each person that nothing has read, to check on.
        enrolled: Faces of each person from ``photos``.
        strangers: Faces of people whom the model does not know.
        kept_back: The photos of ``unseen``.
        others: Photos of ``strangers``.
        rendered: Whether its people do not exist.
        notes: What a user should know of how it was made.
        methods: Those that have erased from it, by name: what they saw of the model they need not see again.
    """

    recognizer: Recognizer
    origin: str
    photos: Mapping[str, Sequence[Upload | Photo]] = field(default_factory=dict)
    unseen: Mapping[str, Crops] = field(default_factory=dict)
    enrolled: Mapping[str, Crops] = field(default_factory=dict)
    strangers: Mapping[str, Crops] = field(default_factory=dict)
    kept_back: Mapping[str, Sequence[PhotoSource]] = field(default_factory=dict, repr=False)
    others: Mapping[str, Sequence[PhotoSource]] = field(default_factory=dict, repr=False)
    rendered: bool = False
    notes: tuple[str, ...] = ()
    methods: dict[str, Method] = field(default_factory=dict, repr=False, compare=False)

    def method(self, name: str) -> Method:
        """The method that erases from this model, one for all its erasures."""
        return self.methods.setdefault(name, make_method(name))

    def face_of(self, person: str) -> RGB | None:
        """A face to show in the gallery."""
        crops = self.enrolled.get(person)
        return None if crops is None or not len(crops) else crops[0]

    def without(self, gone: Collection[str], recognizer: Recognizer) -> "OpenModel":
        """Another model in its place, after an erasure; of the erased nothing is at hand any more.

        Args:
            gone: Labels of the erased.
            recognizer: The erased model.
        """

        def rest(of: Mapping[str, T]) -> dict[str, T]:
            return {name: value for name, value in of.items() if name not in gone}

        count = len(gone)
        return replace(
            self,
            recognizer=recognizer,
            origin=f"{self.origin.removesuffix(_AFTER)}{_AFTER}",
            photos=rest(self.photos),
            unseen=rest(self.unseen),
            enrolled=rest(self.enrolled),
            kept_back=rest(self.kept_back),
            notes=(*self.notes, f"{count} {'person was' if count == 1 else 'people were'} erased from it here."),
        )


def open_model(data: bytes, name: str) -> OpenModel:
    """A model file that was uploaded.

    Raises:
        ModelFileError: It is not a FaceForget model.
    """
    with TemporaryDirectory(prefix="faceforget-app-") as folder:
        path = Path(folder) / "model.safetensors"
        path.write_bytes(data)
        try:
            recognizer = api.load(path)
        except ModelFileError as error:
            # The path is ours and says nothing to the user.
            message = error.message.replace(str(path), f"“{name}”")
            raise ModelFileError(message, error.todo, code=error.code) from error
    return OpenModel(recognizer, f"the model file “{name}”")


def model_file(recognizer: Recognizer) -> bytes:
    """A model as the bytes of its file."""
    with TemporaryDirectory(prefix="faceforget-app-") as folder:
        path = Path(folder) / "model.safetensors"
        api.save(recognizer, path)
        return path.read_bytes()


def build_model(people: Mapping[str, Sequence[Upload]], progress: Progress = silent) -> OpenModel:
    """Enrol uploaded people.

    Where everybody has photos enough, a third of each person's is kept back: only photos that nothing has read
    can show what an erasure did.

    Raises:
        FaceForgetError: Too few people or usable photos.
    """
    check = len(people) > 0 and all(len(photos) >= KEEP_BACK_FROM for photos in people.values())
    split = {
        name: held_back(photos, OF_AN_ENROLMENT, last=True) if check else (photos, ())
        for name, photos in people.items()
    }
    runtime, backbone = api.Runtime(progress=progress), load_backbone("mobile")
    intake = runtime.intake(backbone.spec.framing, picture=SHOWN_SIDE)
    found = read({name: photos for name, (photos, _) in split.items()}, intake, progress, "finding faces")
    enrolment = api.enroll(found, backbone=backbone, skip_incomplete=True, runtime=runtime)
    labels = enrolment.recognizer.labels
    stage = "reading photos kept back"
    kept = read({name: split[name][1] for name in labels}, intake, progress, stage) if check else {}
    return OpenModel(
        enrolment.recognizer,
        f"{len(labels)} people enrolled here",
        photos={name: found[name] for name in labels},
        unseen=_crops(read_faces(kept, intake)),
        enrolled=_crops(enrolment.faces),
        kept_back=kept,
        notes=_notes(enrolment, check),
    )


def read(
    people: Mapping[str, Sequence[PhotoSource]], intake: PhotoIntake, progress: Progress, stage: str
) -> dict[str, tuple[Photo, ...]]:
    """Everybody's photos with the faces on them, read together."""
    found = iter(intake.read([photo for own in people.values() for photo in own], progress=progress, stage=stage))
    return {name: tuple(next(found) for _ in own) for name, own in people.items()}


def _notes(enrolment: api.Enrolment, kept_back: bool) -> tuple[str, ...]:
    notes = [
        "A third of each person's photos was kept back, to check on."
        if kept_back
        else f"No photos were kept back to check on: that needs {KEEP_BACK_FROM} of each person."
    ]
    if enrolment.left_out:
        names = ", ".join(name.replace("_", " ") for name in enrolment.left_out)
        notes.append(f"Left out, with fewer than two usable photos: {names}.")
    if enrolment.faces.refused:
        notes.append(f"{len(enrolment.faces.refused)} photos could not be used (no usable face, or not an image).")
    return tuple(notes)


def embedded_people(progress: Progress = silent) -> OpenModel:
    """The rendered people, enrolled; the same object for everybody, which nobody changes.

    They do not exist, so what was found on their photos may be kept in the user's cache folder.

    Raises:
        MissingResourceError: They are not in this installation.
    """
    with _embedding:
        if not _ready:
            _ready.append(_embedded(progress))
        return _ready[0]


_ready: list[OpenModel] = []


def rendered_cache() -> FaceCache:
    """Faces of rendered people, on disk: they do not exist."""
    return FaceCache(user_cache_path("faceforget") / "app" / "faces")


def _embedded(progress: Progress) -> OpenModel:
    people = shipped_people()
    known, others = list(people)[:ENROLLED], list(people)[ENROLLED:]
    backbone = load_backbone("mobile")
    runtime = api.Runtime(cache=rendered_cache(), progress=progress)
    intake = runtime.intake(backbone.spec.framing, picture=SHOWN_SIDE)
    found = {
        name: [replace(photo, source=Path(photo.source).name) for photo in own]
        for name, own in read(people, intake, progress, "finding faces").items()
    }
    enrolled, kept = ({name: held_back(found[name], OF_RENDERED, last=True)[part] for name in known} for part in (0, 1))
    strangers = {name: found[name] for name in others}
    faces = read_faces(enrolled, intake)
    return OpenModel(
        _enrolled(faces, backbone, runtime),
        f"{len(known)} embedded people",
        photos=enrolled,
        unseen=_crops(read_faces(kept, intake)),
        enrolled=_crops(faces),
        strangers=_crops(read_faces(strangers, intake)),
        kept_back=kept,
        others=strangers,
        rendered=True,
        notes=(
            "These people are rendered by a program and do not exist. Half of their photos is kept back to check on.",
        ),
    )


def _enrolled(faces: FaceSet, backbone: LoadedBackbone, runtime: api.Runtime) -> Recognizer:
    """Enrol once; later the same model comes from the cache folder, if it is intact and of the same photos."""
    marks = [photo.sha256 for photos in faces.photos.values() for photo in photos]
    name = f"people-{sha256_bytes(repr((marks, backbone.origin, PLAN)).encode())[:16]}.safetensors"
    path = user_cache_path("faceforget") / "app" / name
    if path.is_file():
        try:
            return api.load(path)
        except ModelFileError:
            _log.warning("The cached model of the embedded people is damaged and is made again.")
    recognizer = api.enroll(faces.photos, backbone=backbone, plan=PLAN, runtime=runtime).recognizer
    try:
        api.save(recognizer, path)
    except OSError:
        _log.warning("The model of the embedded people could not be cached in %s.", path.parent)
    return recognizer


def samples(model: OpenModel) -> list[PhotoSource]:
    """Photos to try the embedded people with: a stranger, and two of people in the model that nothing has read.

    The page shows the last one first.
    """
    known = [name for name in model.recognizer.labels if model.kept_back.get(name)]
    return [own[-1] for own in (*list(model.others.values())[:1], *(model.kept_back[name] for name in known[1:5:3]))]


def stand_ins(recognizer: Recognizer, progress: Progress = silent) -> Mapping[str, Crops]:
    """Rendered people whom a model does not know, where there are no other strangers."""
    people = {name: paths for name, paths in shipped_people().items() if name not in recognizer.labels}
    runtime = api.Runtime(cache=rendered_cache())
    intake = runtime.intake(recognizer.spec.framing)
    return _crops(read_faces(people, intake, progress=progress, stage="reading rendered strangers"))


def _crops(faces: FaceSet) -> dict[str, Crops]:
    return {name: faces.crops(name) for name, photos in faces.photos.items() if photos}
