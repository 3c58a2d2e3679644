"""Photos in, faces out: read, decode, detect, frame and judge, each photo with its own outcome."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch

from faceforget.files import sha256_bytes
from faceforget.photos.align import RGB, Framing, frame
from faceforget.photos.cache import FaceCache
from faceforget.photos.choose import choose_face, quality_problem
from faceforget.photos.decode import decode, read_bytes, shown_size
from faceforget.photos.detect import FaceDetector
from faceforget.photos.errors import NoFaceError, OtherFramingError, PhotoError
from faceforget.photos.opened import OpenedFiles
from faceforget.photos.photo import Face, Photo, PhotoSource, Upload
from faceforget.progress import Progress, silent, tracked

# Photos held decoded at once: little enough for 300 MB.
_CHUNK = 64


@dataclass(frozen=True)
class Chunk:
    """Photos that are held in memory together.

    Attributes:
        start: Place of the first one among all photos.
        names: What each is called in its outcome.
        sources: What to read.
    """

    start: int
    names: tuple[str, ...]
    sources: tuple[PhotoSource, ...]


def chunks_of(sources: Sequence[PhotoSource]) -> list[Chunk]:
    """The photos in chunks, in order."""
    names = [_name(place, source) for place, source in enumerate(sources, 1)]
    ends = [(start, start + _CHUNK) for start in range(0, len(sources), _CHUNK)]
    return [Chunk(start, tuple(names[start:end]), tuple(sources[start:end])) for start, end in ends]


def _name(place: int, source: PhotoSource) -> str:
    if isinstance(source, Photo):
        return source.source
    if isinstance(source, Upload):
        return source.name
    return f"photo {place}" if isinstance(source, bytes) else str(source)


class PhotoIntake:
    """Turns photos into :class:`Photo`, with crops of one framing; a photo that is one already is handed on.

    The detector is loaded at the first photo that has to be searched.

    Args:
        framing: How faces are cut.
        cache: What earlier runs have found; None searches every photo.
        device: Where faces are found.
        keep: Keep what was read from files, by path, and do not open them again.
        picture: Longest side of a picture that each photo keeps; 0 keeps none.
        files: What others have opened already.
    """

    def __init__(
        self,
        framing: Framing,
        *,
        cache: FaceCache | None = None,
        device: str | torch.device = "cpu",
        keep: bool = False,
        picture: int = 0,
        files: OpenedFiles | None = None,
    ) -> None:
        self.framing = framing
        self.cache = cache
        self.picture = picture
        self._device = device
        self._files = files
        self._kept: dict[str, Photo] | None = {} if keep else None
        self._detector: FaceDetector | None = None

    def read(
        self,
        sources: Sequence[PhotoSource],
        *,
        remember: bool = True,
        progress: Progress = silent,
        stage: str = "finding faces",
    ) -> list[Photo]:
        """Find the faces of every photo.

        Args:
            sources: Files, bytes, uploads, or photos that were read before.
            remember: Whether findings may be written to the cache; False for photos of a person
                who asks to be erased.
            progress: Called after every photo.
            stage: Name of the work in progress events.

        Returns:
            One photo per source, in order; a bad one has ``error`` set and stops nothing.

        Raises:
            OtherFramingError: A photo was searched for another backbone.
        """
        known = [self._known(source) for source in sources]
        found = dict(tracked(self._arriving(chunks_of(known), remember), stage, len(sources), progress))
        photos = [found[place] for place in range(len(sources))]
        if self._kept is not None:
            for source, photo in zip(sources, photos, strict=True):
                if isinstance(source, str | Path):
                    self._kept[str(source)] = photo
        return photos

    def let_go(self, path: str) -> None:
        """Keep what was read from a file no longer."""
        if self._kept is not None:
            self._kept.pop(path, None)

    def _known(self, source: PhotoSource) -> PhotoSource:
        return self._kept.get(str(source), source) if self._kept and isinstance(source, str | Path) else source

    def _arriving(self, chunks: Sequence[Chunk], remember: bool) -> Iterator[tuple[int, Photo]]:
        """Each photo with its place, as they come."""
        for chunk in chunks:
            yield from enumerate(self.read_chunk(chunk, remember=remember), chunk.start)

    def read_chunk(self, chunk: Chunk, *, remember: bool = True) -> Iterator[Photo]:
        """One photo per source of a chunk, in order."""
        opened = [self._open(name, source) for name, source in zip(chunk.names, chunk.sources, strict=True)]
        found = iter(self._search([pixels for _, pixels in opened if pixels is not None]))
        for photo, pixels in opened:
            if pixels is None:
                yield photo
                continue
            whole = _with_faces(photo, pixels, next(found), self.framing)
            if self.cache is not None and remember:
                self.cache.put(whole, self.framing)
            yield _judged(whole)

    def _open(self, name: str, source: PhotoSource) -> tuple[Photo, RGB | None]:
        """A photo, and its pixels if it has still to be searched."""
        if isinstance(source, Photo):
            return self._handed_on(source), None
        photo = Photo(name, framing=self.framing)
        try:
            given = _bytes_or_path(source)
            taken = self._files.take(given) if self._files is not None and isinstance(given, Path) else None
            data = read_bytes(given) if taken is None else taken
            photo = replace(photo, sha256=sha256_bytes(data), size=_size(data))
            known = self.cache.get(photo.sha256, self.framing) if self.cache is not None else None
            pixels = decode(data) if known is None or self.picture else None
        except PhotoError as error:
            return replace(photo, error=error), None
        if pixels is not None and self.picture:
            photo = replace(photo, picture=_picture(pixels, self.picture))
        if known is None:
            return photo, pixels
        found = replace(photo, searched=known.searched, faces=known.faces, crops=known.crops)
        return _judged(found), None

    def _handed_on(self, photo: Photo) -> Photo:
        if photo.framing != self.framing:
            raise OtherFramingError(
                f"The faces of {photo.source} were cut for another backbone: expected {self.framing.key}, "
                f"got {photo.framing.key if photo.framing else 'none'}.",
                "Give the photo itself, so that it is searched again.",
            )
        return photo

    def _search(self, photos: Sequence[RGB]) -> list[list[Face]]:
        if not photos:
            return []
        if self._detector is None:
            self._detector = FaceDetector(self._device)
        return self._detector.detect(photos)


def _bytes_or_path(source: bytes | str | Path | Upload) -> bytes | Path:
    if isinstance(source, Upload):
        return source.data
    return Path(source) if isinstance(source, str) else source


def _size(data: bytes) -> tuple[int, int] | None:
    try:
        return shown_size(data)
    except PhotoError:
        return None


def _picture(pixels: RGB, longest: int) -> RGB:
    """The photo, its sides at most ``longest``."""
    scale = longest / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    size = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _with_faces(photo: Photo, pixels: RGB, faces: Sequence[Face], framing: Framing) -> Photo:
    """The photo with its faces, cut out of its pixels."""
    crops = [frame(pixels, face.box, face.landmarks, framing) for face in faces]
    stacked = np.stack(crops) if crops else np.zeros((0, framing.size, framing.size, 3), np.uint8)
    height, width = pixels.shape[:2]
    return replace(photo, searched=(width, height), faces=tuple(faces), crops=stacked)


def _judged(photo: Photo) -> Photo:
    """The photo with the face that it is of, and what is wrong with each."""
    if not photo.faces:
        error = NoFaceError("No face was found.", "Use a photo that shows the face upright and unobstructed.")
        return replace(photo, error=error)
    chosen, note = choose_face(photo.faces, *photo.searched)
    problems = tuple(quality_problem(face, crop) for face, crop in zip(photo.faces, photo.crops, strict=True))
    return replace(photo, problems=problems, chosen=chosen, note=note, error=problems[chosen])
