"""Zips of photos: read in memory, within limits, never unpacked to disk."""

import io
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath

from faceforget.api import MAX_BYTES, PHOTO_SUFFIXES, Upload, person_key
from faceforget.errors import PeopleFolderError

MAX_MEMBERS = 2000
MAX_TOTAL = 200 * 2**20
# Photos hardly compress; what shrinks this much is no photo.
MAX_RATIO = 50
_LONGEST_NAME = 100
_LINK = 0o120000
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".bz2", ".xz")


class ArchiveError(PeopleFolderError):
    """A zip that cannot be used, or that looks like an attack."""


def people_in_zip(data: bytes) -> dict[str, list[Upload]]:
    """Photos by person; the folder directly above a photo is the person.

    Raises:
        ArchiveError: Not a zip, over a limit, or with paths that lead out of it.
        PeopleFolderError: No folder per person, or a name that cannot be one.
    """
    people: dict[str, list[Upload]] = {}
    for path, content in files_in_zip(data, PHOTO_SUFFIXES).items():
        if len(path.parts) > 1:
            people.setdefault(path.parts[-2], []).append(Upload(path.name, content))
    if not people:
        raise ArchiveError(
            "There is no folder with photos in the zip.",
            "Put a folder for each person into it, named after them, with their photos inside.",
        )
    check_names(people)
    return {name: sorted(photos, key=lambda photo: photo.name) for name, photos in sorted(people.items())}


def files_in_zip(data: bytes, endings: Collection[str]) -> dict[PurePosixPath, bytes]:
    """Files with these endings by their path in the zip; hidden ones are left out.

    Raises:
        ArchiveError: Not a zip, over a limit, or with paths that lead out of it.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return dict(_members(archive, endings))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ArchiveError("The file is not a zip that can be read.", "Make it again, without a password.") from error


def check_names(people: Mapping[str, object]) -> None:
    """Check that names can be shown, and told apart.

    Raises:
        PeopleFolderError: One cannot.
    """
    seen: dict[str, str] = {}
    for name in people:
        key = person_key(name)
        if not name.isprintable() or key in ("", "unknown") or len(name) > _LONGEST_NAME:
            raise PeopleFolderError(
                f"{name[:_LONGEST_NAME]!r} cannot be a person's name: it is reserved, too long, or does not print.",
                "Use another name.",
            )
        if seen.setdefault(key, name) != name:
            raise PeopleFolderError(f"The same person is there twice: {seen[key]!r} and {name!r}.", "Merge the two.")


def _members(archive: zipfile.ZipFile, endings: Collection[str]) -> Iterator[tuple[PurePosixPath, bytes]]:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise ArchiveError(f"The zip has {len(members)} entries, the limit is {MAX_MEMBERS}.", "Make several zips.")
    left = MAX_TOTAL
    for member in members:
        path = _checked(member)
        if member.is_dir() or _hidden(path) or path.suffix.lower() not in endings:
            continue
        data = _read(archive, member, left)
        left -= len(data)
        yield path, data


def _checked(member: zipfile.ZipInfo) -> PurePosixPath:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    drive = len(member.filename) > 1 and member.filename[1] == ":"
    if path.is_absolute() or drive or ".." in path.parts:
        raise ArchiveError("The zip has a path that leads out of it.", "It was not opened. Make a plain zip.")
    if (member.external_attr >> 16) & 0o170000 == _LINK:
        raise ArchiveError("The zip has a link in it.", "It was not opened. Put the photos themselves in.")
    if path.suffix.lower() in _ARCHIVES:
        raise ArchiveError("The zip has another archive in it.", "Put the photos themselves in.")
    return path


def _hidden(path: PurePosixPath) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int) -> bytes:
    """The bytes that are really there, whatever the header says of their number."""
    limit = min(MAX_BYTES, left)
    with archive.open(member) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ArchiveError(
            f"The zip holds more than {MAX_TOTAL // 2**20} MB, or a photo of more than {MAX_BYTES // 2**20} MB.",
            "Use smaller photos.",
        )
    if len(data) > MAX_RATIO * max(member.compress_size, 1):
        raise ArchiveError("The zip unpacks to far more than its size.", "It was not opened. Make a plain zip.")
    return data
