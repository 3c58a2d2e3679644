"""Files that were opened a moment ago, for whoever needs them next."""

from pathlib import Path

from faceforget.photos.decode import MAX_BYTES

_MOST = 256 * 1024**2


class OpenedFiles:
    """Bytes of photos between their hash, which plans a list, and their faces; each is handed out once.

    Beyond a limit in all they are not kept, and the file is opened again. Sent to another process it is empty there.

    Args:
        most: Bytes in all.

    Example:
        ``with files:`` whatever was not taken is let go at the end.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._left = most
        self._kept: dict[Path, bytes] = {}

    def read(self, path: Path) -> bytes | None:
        """The bytes of a file, kept for :meth:`take` as long as there is room; None for more than a photo may have.

        Raises:
            OSError: It cannot be read.
            ValueError: No file can have this name.
        """
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            return None
        if len(data) <= self._left and path not in self._kept:
            self._kept[path], self._left = data, self._left - len(data)
        return data

    def take(self, path: Path) -> bytes | None:
        """What was kept of a file, no longer kept from here on; None where nothing is."""
        data = self._kept.pop(path, None)
        self._left += len(data or b"")
        return data

    def __enter__(self) -> "OpenedFiles":
        return self

    def __exit__(self, *failure: object) -> None:
        """Keep nothing any longer: these are photos of people who ask to be erased."""
        for path in list(self._kept):
            self.take(path)

    def __reduce__(self) -> tuple[type["OpenedFiles"], tuple[()]]:
        return OpenedFiles, ()
