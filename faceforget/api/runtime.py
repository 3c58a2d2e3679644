"""What every task needs: a device, a photo intake for a backbone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from faceforget.compute.engine import HERE, Engine, Local
from faceforget.errors import UsageError
from faceforget.people.faces import FaceSet
from faceforget.people.folder import read_people
from faceforget.photos.align import Framing
from faceforget.photos.cache import FaceCache
from faceforget.photos.engine_intake import EngineIntake
from faceforget.photos.intake import PhotoFaces, PhotoIntake, PhotoSource
from faceforget.progress import Progress, silent

# A folder with a subfolder per person, or photos by person: paths, or bytes that were never in a file.
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
    """

    device: str = "auto"
    seed: int = 0
    cache: FaceCache | None = None
    progress: Progress = silent
    engine: Engine = HERE

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

    def intake(self, framing: Framing) -> PhotoIntake:
        """A photo intake for a backbone's framing; faces are found on CUDA or the CPU."""
        device = self.torch_device if self.torch_device.type == "cuda" else "cpu"
        if isinstance(self.engine, Local):
            return PhotoIntake(framing, cache=self.cache, device=device)
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


def refusals(photos: Sequence[PhotoFaces]) -> list[dict[str, str]]:
    """Photos that cannot be used, with the kind of their error and its text."""
    return [{"photo": p.source, "error": p.error.kind, "message": str(p.error)} for p in photos if p.error]
