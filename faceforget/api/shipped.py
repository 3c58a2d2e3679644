"""The rendered people that come with the program."""

from pathlib import Path

from faceforget.people.folder import read_people
from faceforget.resources import SHIPPED_PEOPLE, shipped


def shipped_people() -> dict[str, list[Path]]:
    """Photos by person.

    Raises:
        MissingResourceError: They are not in this installation.
    """
    return read_people(shipped(SHIPPED_PEOPLE))
