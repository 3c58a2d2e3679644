"""What every task needs: a device, a photo intake for a backbone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from faceforget.compute.engine import HERE, Engine, Local
from faceforget.errors import UsageError
from faceforget.people.faces import FaceSet
from faceforget.people.folder import read_people
from faceforget.photos.align import Framing
from faceforget.photos.cache import FaceCache
from faceforget.photos.engine_intake import EngineIntake
from faceforget.photos.intake import PhotoIntake
from faceforget.photos.opened import OpenedFiles
from faceforget.photos.photo import Photo, PhotoSource
from faceforget.progress import Progress, silent
from faceforget.recognizer.loaded import LoadedModels
from faceforget.recognizer.recognizer import Recognizer

# A folder with a subfolder per person, or photos by person: paths, bytes, or as they were read before.
People = Path | str | Mapping[str, Sequence[PhotoSource]]


@dataclass(frozen=True)
class Runtime:
    """Where and how a task runs.

    Attributes:
        device: ``auto`` takes a GPU when there is one; or ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        seed: Of everything random.
        cache: Remembers found faces; None searches every photo again.
        progress: Called with events.
        engine: Whose workers find faces on photos that may be remembered.
        models: Those that were read so far.
        files: Photos that were opened, and are still to be searched.
    """

    device: str = "auto"
    seed: int = 0
    cache: FaceCache | None = None
    progress: Progress = silent
    engine: Engine = HERE
    models: LoadedModels = field(default_factory=LoadedModels, repr=False, compare=False)
    files: OpenedFiles = field(default_factory=OpenedFiles, repr=False, compare=False)

    @property
    def torch_device(self) -> torch.device:
        """The device in torch's terms.

        Raises:
            UsageError: No such device here.
        """
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            device = torch.device(self.device)
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            raise UsageError(
                f"The device {self.device!r} cannot be used here.", "Use cpu or auto.", code="no-device"
            ) from error  # torch's own text advises on how to debug it
        return device

    def load(self, model: Path | str) -> Recognizer:
        """The model in a file; each is read once, however often it is asked for.

        Raises:
            ModelFileError: It cannot be used.
        """
        return self.models.load(model, self.torch_device)

    def intake(self, framing: Framing, *, keep: bool = False, picture: int = 0) -> PhotoIntake:
        """A photo intake for a backbone's framing; faces are found on CUDA or the CPU.

        Args:
            framing: How faces are cut.
            keep: Keep what was read from files, and do not open them again.
            picture: Longest side of a picture that each photo keeps; 0 keeps none.
        """
        device = self.torch_device if self.torch_device.type == "cuda" else "cpu"
        if isinstance(self.engine, Local):
            return PhotoIntake(framing, cache=self.cache, device=device, keep=keep, picture=picture, files=self.files)
        return EngineIntake(framing, self.engine, cache=self.cache, device=device)


def people_from(source: People) -> dict[str, Sequence[PhotoSource]]:
    """People given as a folder or as photos by person."""
    return dict(source) if isinstance(source, Mapping) else dict(read_people(Path(source)))


def photo_report(faces: FaceSet) -> dict[str, object]:
    """What became of the photos, for JSON."""
    notes = [photo for photos in faces.photos.values() for photo in photos if photo.note]
    return {
        "used": faces.count,
        "refused": refusals(faces.refused),
        "repeated": [photo.source for photo in faces.repeated],
        "several_faces": [{"photo": photo.source, "note": str(photo.note)} for photo in notes],
    }


def refusals(photos: Sequence[Photo]) -> list[dict[str, str]]:
    """Photos that cannot be used, with the kind of their error and its text."""
    return [{"photo": p.source, "error": p.error.kind, "message": str(p.error)} for p in photos if p.error]
