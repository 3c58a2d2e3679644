"""What a command is to read, looked for before torch is loaded: who mistypes a path hears it at once."""

from pathlib import Path

from faceforget import api
from faceforget.errors import UsageError


def check_models(*paths: Path | None) -> None:
    """Check that these model files are there.

    Raises:
        ModelFileError: One is not.
    """
    for path in paths:
        if path is not None:
            api.check_model_file(path)


def check_people(*folders: Path | None) -> None:
    """Check that these are folders of a folder per person.

    Raises:
        PeopleFolderError: One is not.
    """
    for folder in folders:
        if folder is not None:
            api.read_people(folder)


def check_backbone(name_or_file: str | None) -> None:
    """Check that a backbone is known, or a file.

    Raises:
        BackboneError: It is neither.
    """
    if name_or_file is not None:
        api.check_weights(name_or_file)


def check_files(*paths: Path | None) -> None:
    """Check that these files, or folders, are there.

    Raises:
        UsageError: One is not.
    """
    for path in paths:
        if path is not None and not path.exists():
            raise UsageError(f"There is no file {path}.", "Check the path.")
