"""The rendered people that come with the repository."""

from pathlib import Path

from faceforget.people.folder import read_people

SHIPPED_PEOPLE = Path(__file__).resolve().parents[2] / "datasets" / "people"


def shipped_people() -> dict[str, list[Path]]:
    """Photos by person; nobody where the repository's data are not installed."""
    return read_people(SHIPPED_PEOPLE) if SHIPPED_PEOPLE.is_dir() else {}
