"""Name the faces on photos."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from faceforget.api.runtime import Runtime
from faceforget.photos.align import RGB
from faceforget.photos.decode import MAX_SIDE
from faceforget.photos.errors import PhotoError
from faceforget.photos.photo import Face, Photo, PhotoSource
from faceforget.progress import tracked
from faceforget.recognizer.recognizer import Recognition, Recognizer


@dataclass(frozen=True)
class NamedFace:
    """One face of a photo.

    Attributes:
        box: x0, y0, x1, y1 in pixels of the photo as a viewer shows it (:attr:`NamedPhoto.size`), from the upper left.
        recognition: Who it is; None when the face cannot be used.
        problem: Why the face cannot be used, or None.
        main: Whether this is the face that the photo is of.
        crop: ``(S, S, 3)`` the face as the model sees it.
    """

    box: tuple[float, float, float, float]
    recognition: Recognition | None
    problem: PhotoError | None
    main: bool
    crop: RGB


@dataclass(frozen=True)
class NamedPhoto:
    """All faces of one photo.

    Attributes:
        source: Path, or ``"photo N"`` for bytes.
        size: Width and height in pixels as a viewer shows the photo: turned as its EXIF says, not reduced. None where
            it cannot be read.
        faces: The main face first.
        error: Why no face of the photo could be named, or None.
        picture: The photo itself, where it was read with one.
    """

    source: str
    size: tuple[int, int] | None
    faces: tuple[NamedFace, ...]
    error: PhotoError | None
    picture: RGB | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "photo": self.source,
            "size": None if self.size is None else list(self.size),
            "faces": [_face_dict(face) for face in self.faces],
            "error": None if self.error is None else _error_dict(self.error),
        }


def recognize(
    recognizer: Recognizer, sources: Sequence[PhotoSource], *, top: int = 5, runtime: Runtime | None = None
) -> list[NamedPhoto]:
    """Name every face on every photo.

    Args:
        recognizer: The model.
        sources: Photos as paths or bytes, or as they were read before.
        top: Candidates per face.
        runtime: Device, cache, progress.

    Returns:
        One result per source, in order; a photo that cannot be used has ``error`` set.
    """
    runtime = runtime or Runtime()
    recognizer = recognizer.to(runtime.torch_device)
    photos = runtime.intake(recognizer.spec.framing).read(sources, progress=runtime.progress)
    seen = tracked(photos, "recognising", len(photos), runtime.progress)
    return [_name(recognizer, photo, top) for photo in seen]


def _name(recognizer: Recognizer, photo: Photo, top: int) -> NamedPhoto:
    size = photo.size
    if not photo.faces:
        return NamedPhoto(photo.source, size, (), photo.error, photo.picture)
    # Faces were looked for on a photo whose long side was reduced to MAX_SIDE.
    scale = max(1.0, max(size or (0,)) / MAX_SIDE)
    recognitions = recognizer.recognize(photo.crops, top)
    faces = [
        NamedFace(
            _box(face, scale),
            None if problem else recognition,
            problem,
            index == photo.chosen,
            photo.crops[index],
        )
        for index, (face, problem, recognition) in enumerate(
            zip(photo.faces, photo.problems, recognitions, strict=True)
        )
    ]
    faces.sort(key=lambda face: not face.main)
    usable = any(face.recognition for face in faces)
    return NamedPhoto(photo.source, size, tuple(faces), None if usable else photo.error, photo.picture)


def _box(face: Face, scale: float) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (scale * face.box).tolist()
    return x0, y0, x1, y1


def _face_dict(face: NamedFace) -> dict[str, object]:
    recognition = face.recognition
    return {
        "box": list(face.box),
        "main": face.main,
        "name": recognition.name if recognition else None,
        "confidence": recognition.confidence if recognition else None,
        "top": [asdict(candidate) for candidate in recognition.candidates] if recognition else [],
        "problem": None if face.problem is None else _error_dict(face.problem),
    }


def _error_dict(error: PhotoError) -> dict[str, str]:
    return {"kind": error.kind, "message": str(error)}
