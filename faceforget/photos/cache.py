"""Found faces on disk, so that a photo is searched once.

The key is the hash of the photo's bytes with the preprocessing version and the framing, so a
changed photo or a changed detector never meets an old entry. The folder holds face crops: it is
readable by its owner only, ``faceforget cache clear`` empties it, and an erasure removes the
entries of the photos it is given (it cannot know the person's other photos).
"""

import io
import shutil
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from faceforget.files import write_atomically
from faceforget.photos.align import Framing
from faceforget.photos.photo import Face, Photo

# Raise when decoding, detection or alignment changes what comes out.
PREPROCESSING_VERSION = 2


def default_cache_folder() -> Path:
    """The user's cache folder for face crops."""
    return user_cache_path("faceforget") / "faces"


class FaceCache:
    """Faces and crops by photo hash."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder if folder is not None else default_cache_folder()

    def get(self, sha256: str, framing: Framing) -> Photo | None:
        """A photo with its faces, or None; it has no name, and none is chosen. A damaged entry counts as absent."""
        path = self._path(sha256, framing)
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as entry:
                columns = (entry["boxes"], entry["landmarks"], entry["probabilities"])
                faces = tuple(Face(box, points, float(p)) for box, points, p in zip(*columns, strict=True))
                width, height = (int(side) for side in entry["photo_size"])
                crops = entry["crops"]
        except FileNotFoundError:
            return None
        except Exception:  # any damage, whatever its kind: found again, then rewritten
            path.unlink(missing_ok=True)
            return None
        if crops.shape != (len(faces), framing.size, framing.size, 3):
            return None
        return Photo("", sha256, framing, searched=(width, height), faces=faces, crops=crops)

    def put(self, photo: Photo, framing: Framing) -> None:
        """Keep what was found on a photo."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            boxes=np.array([face.box for face in photo.faces]).reshape(-1, 4),
            landmarks=np.array([face.landmarks for face in photo.faces]).reshape(-1, 5, 2),
            probabilities=np.array([face.probability for face in photo.faces]),
            crops=photo.crops,
            photo_size=np.array(photo.searched),
        )
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(self._path(photo.sha256, framing), buffer.getvalue())

    def forget(self, sha256: str) -> int:
        """Remove every entry of one photo; returns how many there were."""
        entries = list((self.folder / sha256[:2]).glob(f"{sha256}.*.npz"))
        for entry in entries:
            entry.unlink(missing_ok=True)
        return len(entries)

    def clear(self) -> int:
        """Remove all entries; returns how many there were."""
        count = self.count()
        shutil.rmtree(self.folder, ignore_errors=True)
        return count

    def count(self) -> int:
        """Number of entries."""
        return sum(1 for _ in self.folder.glob("??/*.npz"))

    def _path(self, sha256: str, framing: Framing) -> Path:
        return self.folder / sha256[:2] / f"{sha256}.v{PREPROCESSING_VERSION}.{framing.key}.npz"


class FrozenCache(FaceCache):
    """A cache as it stands: what is in it is read, nothing is added, and nothing goes.

    So a look beforehand leaves the disk as it is, and a batch that was killed finds the same faces when it goes on:
    those of a request go when it is closed.
    """

    def __init__(self, cache: FaceCache | None) -> None:
        super().__init__(cache.folder if cache else None)
        self._cache = cache

    def get(self, sha256: str, framing: Framing) -> Photo | None:
        """What is there."""
        return self._cache.get(sha256, framing) if self._cache else None

    def put(self, photo: Photo, framing: Framing) -> None:
        """Nothing is added."""

    def forget(self, sha256: str) -> int:
        """Nothing goes."""
        return 0
