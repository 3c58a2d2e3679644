"""Photos in, faces out: read, decode, detect, frame and judge, each photo with its own outcome."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from faceforget.files import sha256_bytes
from faceforget.photos.align import RGB, Framing, frame
from faceforget.photos.cache import FaceCache
from faceforget.photos.choose import choose_face, quality_problem
from faceforget.photos.decode import DecodedPhoto, decode, read_bytes
from faceforget.photos.detect import Face, FaceDetector, FoundFaces
from faceforget.photos.errors import NoFaceError, PhotoError, SeveralFaces
from faceforget.progress import Progress, silent, tracked

PhotoSource = bytes | str | Path
# Photos held decoded at once: little enough for 300 MB.
_CHUNK = 64


@dataclass(frozen=True)
class Chunk:
    """Photos that are held in memory together.

    Attributes:
        start: Place of the first one among all photos.
        names: What each is called in its outcome.
        sources: Paths or bytes.
    """

    start: int
    names: tuple[str, ...]
    sources: tuple[PhotoSource, ...]


def chunks_of(sources: Sequence[PhotoSource]) -> list[Chunk]:
    """The photos in chunks, in order."""
    names = [f"photo {place}" if isinstance(source, bytes) else str(source) for place, source in enumerate(sources, 1)]
    ends = [(start, start + _CHUNK) for start in range(0, len(sources), _CHUNK)]
    return [Chunk(start, tuple(names[start:end]), tuple(sources[start:end])) for start, end in ends]


@dataclass(frozen=True)
class PhotoFaces:
    """What was found in one photo.

    Attributes:
        source: The path, or ``"photo N"`` for bytes.
        sha256: Of the photo's bytes; empty when they could not be read.
        faces: All faces found.
        crops: ``(F, S, S, 3)`` uint8, one per face.
        problems: One per face: why it cannot be used, or None.
        chosen: Index of the face that the photo is of; None when there is no face.
        note: Set when one of several faces was chosen.
        error: Why the photo, or its chosen face, cannot be used; None when it can.
    """

    source: str
    sha256: str = ""
    faces: tuple[Face, ...] = ()
    crops: RGB | None = None
    problems: tuple[PhotoError | None, ...] = ()
    chosen: int | None = None
    note: SeveralFaces | None = None
    error: PhotoError | None = None

    @property
    def crop(self) -> RGB:
        """``(S, S, 3)`` crop of the chosen face.

        Raises:
            PhotoError: The photo cannot be used.
        """
        if self.error is not None or self.crops is None or self.chosen is None:
            raise self.error or NoFaceError("No face was found.")
        return np.asarray(self.crops[self.chosen], dtype=np.uint8)


class PhotoIntake:
    """Turns photos into crops of one framing, remembering what it found.

    The detector is loaded at the first photo that is not in the cache.
    """

    def __init__(self, framing: Framing, *, cache: FaceCache | None = None, device: str | torch.device = "cpu") -> None:
        self.framing = framing
        self.cache = cache
        self._device = device
        self._detector: FaceDetector | None = None

    def read(
        self,
        sources: Sequence[PhotoSource],
        *,
        remember: bool = True,
        progress: Progress = silent,
        stage: str = "finding faces",
    ) -> list[PhotoFaces]:
        """Find the faces of every photo.

        Args:
            sources: Paths or bytes.
            remember: Whether findings may be written to the cache; False for photos of a person
                who asks to be erased.
            progress: Called after every photo.
            stage: Name of the work in progress events.

        Returns:
            One outcome per source, in order; a bad photo has ``error`` set and stops nothing.
        """
        outcomes = dict(tracked(self._arriving(chunks_of(sources), remember), stage, len(sources), progress))
        return [outcomes[place] for place in range(len(sources))]

    def _arriving(self, chunks: Sequence[Chunk], remember: bool) -> Iterator[tuple[int, PhotoFaces]]:
        """Each outcome with its photo's place, as they come."""
        for chunk in chunks:
            yield from enumerate(self.read_chunk(chunk, remember=remember), chunk.start)

    def read_chunk(self, chunk: Chunk, *, remember: bool = True) -> Iterator[PhotoFaces]:
        """One outcome per photo of a chunk, in order."""
        loaded = [self._load(source) for source in chunk.sources]
        found = iter(self._search([item for item in loaded if isinstance(item, DecodedPhoto)], remember))
        for name, item in zip(chunk.names, loaded, strict=True):
            if isinstance(item, PhotoError):
                yield PhotoFaces(name, error=item)
            elif isinstance(item, DecodedPhoto):
                yield _judge(name, item.sha256, next(found))
            else:
                yield _judge(name, *item)

    def _load(self, source: PhotoSource) -> DecodedPhoto | tuple[str, FoundFaces] | PhotoError:
        """A photo still to be searched, what is known of it already, or why it cannot be used."""
        try:
            data = read_bytes(Path(source) if isinstance(source, str) else source)
            if self.cache is not None:
                sha256 = sha256_bytes(data)
                known = self.cache.get(sha256, self.framing)
                if known is not None:
                    return sha256, known
            return decode(data)
        except PhotoError as error:
            return error

    def _search(self, photos: Sequence[DecodedPhoto], remember: bool) -> list[FoundFaces]:
        if not photos:
            return []
        if self._detector is None:
            self._detector = FaceDetector(self._device)
        results = []
        for photo, faces in zip(photos, self._detector.detect([p.pixels for p in photos]), strict=True):
            crops = [frame(photo.pixels, face.box, face.landmarks, self.framing) for face in faces]
            size = self.framing.size
            stacked = np.stack(crops) if crops else np.zeros((0, size, size, 3), np.uint8)
            height, width = photo.pixels.shape[:2]
            found = FoundFaces(tuple(faces), stacked, width, height)
            if self.cache is not None and remember:
                self.cache.put(photo.sha256, self.framing, found)
            results.append(found)
        return results


def _judge(name: str, sha256: str, found: FoundFaces) -> PhotoFaces:
    if not found.faces:
        error = NoFaceError("No face was found.", "Use a photo that shows the face upright and unobstructed.")
        return PhotoFaces(name, sha256, crops=found.crops, error=error)
    chosen, note = choose_face(found.faces, found.width, found.height)
    problems = tuple(quality_problem(f, c) for f, c in zip(found.faces, found.crops, strict=True))
    return PhotoFaces(name, sha256, found.faces, found.crops, problems, chosen, note, problems[chosen])
