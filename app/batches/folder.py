"""Files that a batch needs while it runs: in a folder of the session's own, and never longer than the session."""

import logging
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from faceforget.errors import UsageError

_log = logging.getLogger(__name__)
_PREFIX = "faceforget-session-"
# Held as long as the session lives, and let go by the system if the server is killed.
_LOCK = "in-use"


class Folder:
    """A folder that only its owner can read; removed by :meth:`close`, or when nothing refers to it any more.

    Args:
        parent: Where to make it.
    """

    def __init__(self, parent: Path) -> None:
        parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        lock = FileLock(self.path / _LOCK, thread_local=False)
        lock.acquire()
        self._remove = weakref.finalize(self, _remove, self.path, lock)  # at the end of the server, too
        self._guard = threading.Lock()
        self._users, self._closed = 0, False

    @contextmanager
    def work(self) -> Iterator[Path]:
        """A folder for one piece of work, removed after it.

        Raises:
            UsageError: The session is over.
        """
        with self._guard:
            if self._closed:
                raise UsageError("The session is over.")
            self._users += 1
        try:
            with tempfile.TemporaryDirectory(dir=self.path, ignore_cleanup_errors=True) as place:
                yield Path(place)
        finally:
            with self._guard:
                self._users -= 1
                last = self._closed and not self._users
            if last:
                self._remove()

    def close(self) -> None:
        """Remove everything: now, or as soon as the work in it has stopped, which could write it anew."""
        with self._guard:
            self._closed = True
            idle = not self._users
        if idle:
            self._remove()


def _remove(path: Path, lock: FileLock) -> None:
    # Let go last: until then nobody else takes the folder for an orphan.
    shutil.rmtree(path, ignore_errors=True)
    lock.release()


def sweep(parent: Path, before: Callable[[Path], None]) -> int:
    """Remove the folders of servers that were killed.

    Args:
        parent: Where to look.
        before: Called with each folder before it goes.

    Returns:
        How many there were.
    """
    count = 0
    for path in parent.glob(f"{_PREFIX}*"):
        if path.is_symlink() or not (path / _LOCK).is_file() or not _own(path):
            continue
        lock = FileLock(path / _LOCK, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            continue  # a server that is alive
        try:
            before(path)
        except Exception:
            _log.exception("The requests of a killed server could not be closed")
        _remove(path, lock)
        count += 1
    return count


def _own(path: Path) -> bool:
    return os.name != "posix" or path.stat().st_uid == os.getuid()
