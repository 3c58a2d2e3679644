"""People by the name of their source: a folder, rendered, or Labeled Faces in the Wild.

Every source fills a folder of photos per person, which is what everything else starts from.
"""

import inspect
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tarfile import TarError
from typing import Protocol

from faceforget.errors import PeopleFolderError, UsageError
from faceforget.files import sync_folder
from faceforget.people.folder import read_people
from faceforget.progress import Event, Progress, silent, tracked


class PeopleSource(Protocol):
    """Where people come from."""

    def fill(self, folder: Path, progress: Progress) -> None:
        """Write ``Name/photo.jpg`` for everybody into an empty folder.

        Raises:
            PeopleFolderError: There is nobody to write.
        """


@dataclass(frozen=True)
class PeopleFolder:
    """A folder that was found, or made, fit.

    Attributes:
        path: The folder.
        people: How many.
        photos: Of all of them.
    """

    path: Path
    people: int
    photos: int


@dataclass(frozen=True)
class FolderSource:
    """A copy of the photos in another folder.

    Attributes:
        path: A folder of photos per person.
        min_photos: People with fewer are left out.
    """

    path: Path
    min_photos: int = 1

    def fill(self, folder: Path, progress: Progress) -> None:
        """Copy the photos; nothing else that lies beside them.

        Raises:
            UsageError: The copy would lie inside the original.
            PeopleFolderError: Not a people folder, or nobody has ``min_photos``.
        """
        if folder.resolve().is_relative_to(self.path.resolve()):
            raise UsageError(f"The copy of {self.path} would lie inside it.", "Give a folder elsewhere.")
        people = _with_enough(self.path, self.min_photos)
        pairs = [(name, photo) for name, photos in people.items() for photo in photos]
        for name, photo in tracked(pairs, "copying photos", len(pairs), progress):
            (folder / name).mkdir(exist_ok=True)
            shutil.copyfile(photo, folder / name / photo.name)


@dataclass(frozen=True)
class RenderedSource:
    """People who do not exist; see :func:`faceforget.people.dataset.render_people`.

    Attributes:
        people: How many.
        photos: Of each.
        size: Side in pixels, at least 32.
        seed: The same seed renders the same photos.
    """

    people: int = 24
    photos: int = 12
    size: int = 224
    seed: int = 0

    def fill(self, folder: Path, progress: Progress) -> None:
        """Render the photos.

        Raises:
            UsageError: A value is out of its range.
        """
        from faceforget.people.dataset import render_people

        stage = "rendering photos"

        def report(done: int, total: int) -> None:
            progress(Event(stage, done, total, final=done == total))

        progress(Event(stage, 0, self.people * self.photos))
        try:
            render_people(folder, self.people, self.photos, self.size, self.seed, report)
        except ValueError as error:
            raise UsageError(f"Cannot render: {error}.") from error


@dataclass(frozen=True)
class LfwSource:
    """Labeled Faces in the Wild (Huang et al. 2007), funneled, through scikit-learn's fetcher.

    scikit-learn downloads more than 200 MB once, checks their SHA-256 and keeps them in its data home.

    Attributes:
        data_home: scikit-learn's data home; its own default if None.
        min_photos: People with fewer are left out.
    """

    data_home: Path | None = None
    min_photos: int = 2

    def fill(self, folder: Path, progress: Progress) -> None:
        """Fetch the photos if they are not here yet, and copy them.

        Raises:
            PeopleFolderError: scikit-learn is missing, cannot download, or was interrupted earlier.
        """
        FolderSource(self._fetched(progress), self.min_photos).fill(folder, progress)

    def _fetched(self, progress: Progress) -> Path:
        try:
            from sklearn.datasets import fetch_lfw_people, get_data_home
        except ImportError as error:
            raise PeopleFolderError(
                "LFW is fetched by scikit-learn, which is not installed.",
                "Install it: pip install 'faceforget[lfw]', or pip install scikit-learn.",
            ) from error
        home = Path(get_data_home(self.data_home)) / "lfw_home"
        photos = home / "lfw_funneled"
        progress(Event("fetching LFW", 0, 1))
        if not photos.is_dir():
            try:
                # Called for what it leaves in the data home: the photos themselves, not the few arrays
                # of faces that it returns.
                fetch_lfw_people(data_home=str(home.parent), min_faces_per_person=100, resize=0.1)
            except (OSError, EOFError, TarError) as error:  # the network, a checksum, the disk, the archive
                raise PeopleFolderError(
                    f"scikit-learn could not fetch LFW into {home}: {error}.",
                    "Connect to the internet once; or unpack lfw-funneled.tgz, fetched elsewhere, there, so "
                    f"that {photos}/NAME/PHOTO.jpg exist; or use the source `folder` with any copy.",
                    code="no-lfw",
                    photos=photos,
                ) from error
        if (home / "lfw-funneled.tgz").exists():  # removed only after the last photo was unpacked
            raise PeopleFolderError(
                f"{photos} was not unpacked to its end: lfw-funneled.tgz is still beside it.",
                "Delete the folder and try again; or, if you unpacked it yourself, delete the archive.",
            )
        progress(Event("fetching LFW", 1, 1, final=True))
        return photos


SOURCES: Mapping[str, Callable[..., PeopleSource]] = {
    "folder": FolderSource,
    "lfw": LfwSource,
    "rendered": RenderedSource,
}


def people_source(name: str, *values: object, **settings: object) -> PeopleSource:
    """A source by name: ``people_source("folder", path)``, ``people_source("rendered", people=8)``.

    Raises:
        UsageError: No source has this name, or it has no such setting.
    """
    if name not in SOURCES:
        raise UsageError(f"No source of people is called {name!r}.", f"Known sources: {', '.join(sorted(SOURCES))}.")
    try:
        return SOURCES[name](*values, **settings)
    except TypeError as error:
        known = ", ".join(inspect.signature(SOURCES[name]).parameters)
        raise UsageError(
            f"The source {name!r} cannot be made of these settings: {error}.", f"It takes: {known}."
        ) from error


def make_people(source: PeopleSource, out: Path, *, progress: Progress = silent) -> PeopleFolder:
    """Make a people folder, whole or not at all.

    Args:
        source: Where the people come from.
        out: The folder; must not exist, or be empty.
        progress: Told about every photo.

    Raises:
        UsageError: ``out`` is a file or holds something.
        PeopleFolderError: The source has nobody.
    """
    check_new_folder(out)
    with _appearing(out) as folder:
        source.fill(folder, progress)
        made = check_people(folder)
    return PeopleFolder(out, made.people, made.photos)


def check_people(folder: Path, min_photos: int = 1) -> PeopleFolder:
    """Count the people who have ``min_photos``, and their photos.

    Raises:
        PeopleFolderError: It is not a people folder, or nobody has so many.
    """
    people = _with_enough(folder, min_photos)
    return PeopleFolder(folder, len(people), sum(map(len, people.values())))


def _with_enough(folder: Path, min_photos: int) -> dict[str, list[Path]]:
    people = {name: photos for name, photos in read_people(folder).items() if len(photos) >= min_photos}
    if not people:
        raise PeopleFolderError(
            f"Nobody in {folder} has {min_photos} photos.", "Ask for fewer.", code="few-with-many-photos"
        )
    return people


def check_new_folder(out: Path) -> None:
    """Check, before any work, that a folder can be made here.

    Raises:
        UsageError: There is a file, or a folder that holds something.
    """
    if out.is_dir():
        if any(out.iterdir()):
            raise UsageError(f"{out} is not empty, and is left as it is.", "Give a new folder, or empty this one.")
    elif out.exists() or out.is_symlink():
        raise UsageError(f"{out} is a file, expected a folder or nothing.", "Give another path.")


@contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """A hidden folder beside ``out`` that becomes it at the end, or vanishes with an error."""
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    folder.mkdir()
    try:
        yield folder
        if out.is_dir():
            out.rmdir()  # only ever empty; Windows renames onto nothing
        folder.rename(out)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    sync_folder(out.parent)
