"""People as a folder of photos each: ``PEOPLE_DIR/Name/photo.jpg``."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from faceforget.errors import PeopleFolderError

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".bmp", ".gif", ".tif", ".tiff"})


def photos_in(folder: Path) -> list[Path]:
    """Photos directly inside a folder, by name; other files and hidden ones are left out.

    Formats that are not accepted are listed too, so that each gets its own message.

    Raises:
        PeopleFolderError: Not a folder, or without photos.
    """
    _check_folder(folder)
    photos = _photos(folder)
    if not photos:
        raise PeopleFolderError(f"There is no photo in {folder}.", "Put photos (JPEG, PNG or WebP) directly into it.")
    return photos


def find_photos(paths: Sequence[Path]) -> list[Path]:
    """Files as given, and every photo below the folders, by name.

    Raises:
        PeopleFolderError: A path that does not exist, or a folder without any photo.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if _is_visible_photo(p, path))
            if not inside:
                raise PeopleFolderError(f"There is no photo in {path}.", "Give photos (JPEG, PNG or WebP).")
            found.extend(inside)
        elif path.exists():
            found.append(path)
        else:
            raise PeopleFolderError(f"There is no file or folder {path}.", "Check the path.")
    return found


def _is_visible_photo(photo: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in photo.relative_to(folder).parts)
    return not hidden and _is_photo(photo) and photo.is_file()


def read_people(folder: Path) -> dict[str, list[Path]]:
    """Photos of each person, one subfolder per person, by name; a person may have none.

    Raises:
        PeopleFolderError: Not a folder, without subfolders, a name that does not print, or two folders
            whose names differ only in case, spaces or accents' encoding: the same person twice.
    """
    _check_folder(folder)
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not folders:
        hint = "It holds photos itself: give the folder above it." if _has_photos(folder) else ""
        raise PeopleFolderError(
            f"Expected one subfolder per person in {folder}, found none.",
            hint or "Make a folder for each person, named after them, with their photos in it.",
        )
    for path in folders:
        if not path.name.isprintable() or person_key(path.name) in ("", "unknown"):
            raise PeopleFolderError(
                f"{path.name!r} cannot be a person's name: it is reserved, or has characters that do not print.",
                "Rename the folder.",
            )
    seen: dict[str, str] = {}
    for path in folders:
        twin = seen.setdefault(person_key(path.name), path.name)
        if twin != path.name:
            raise PeopleFolderError(
                f"The same person stands in {folder} twice: {twin!r} and {path.name!r}.",
                "Merge the two folders.",
            )
    return {path.name: _photos(path) for path in folders}


def photos_of(folder: Path, persons: list[str]) -> dict[str, list[Path]]:
    """Photos of the named persons: a folder of photos for one person, a folder per person for several.

    For one person a subfolder with their name is accepted as well.

    Raises:
        PeopleFolderError: A person's folder is missing or empty.
    """
    _check_folder(folder)
    if len(persons) == 1 and not (folder / persons[0]).is_dir():
        return {persons[0]: photos_in(folder)}
    missing = [person for person in persons if not (folder / person).is_dir()]
    if missing:
        raise PeopleFolderError(
            f"With several persons {folder} must hold a folder for each; missing: {', '.join(missing)}.",
            "Name the folders exactly as the persons are named in the model.",
        )
    return {person: photos_in(folder / person) for person in persons}


def person_key(name: str) -> str:
    """A form in which spellings of one name agree: case, spaces, underscores, Unicode composition."""
    return " ".join(unicodedata.normalize("NFKC", name).replace("_", " ").casefold().split())


def _photos(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if _is_photo(path) and not path.name.startswith(".") and path.is_file()
    )


def _check_folder(folder: Path) -> None:
    if not folder.exists():
        raise PeopleFolderError(f"There is no folder {folder}.", "Check the path.")
    if not folder.is_dir():
        raise PeopleFolderError(f"{folder} is a file, expected a folder.", "Give the folder that holds the photos.")


def _has_photos(folder: Path) -> bool:
    return any(_is_photo(path) for path in folder.iterdir())


def _is_photo(path: Path) -> bool:
    return path.suffix.lower() in PHOTO_SUFFIXES
