"""Options that several commands share."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated

import typer

from faceforget import api
from faceforget.cli.console import err, out, warn
from faceforget.errors import UsageError
from faceforget.progress import Progress

Json = Annotated[Path | None, typer.Option("--json", help="Write the result to this file.", metavar="FILE")]
Seed = Annotated[int, typer.Option("--seed", help="Of everything random.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Neither use nor keep faces found earlier.")]
LedgerFile = Annotated[Path, typer.Option("--ledger", metavar="LEDGER", help="What was done; made at the first use.")]
SigningKey = Annotated[
    Path | None,
    typer.Option("--key", metavar="KEY", help="Signs the receipts; LEDGER.key, made if needed, if not given."),
]
UnseenRetained = Annotated[
    Path | None,
    typer.Option("--retained", metavar="PEOPLE_DIR", help="Unseen photos of people who stay, for the audit."),
]
UnseenStrangers = Annotated[
    Path | None,
    typer.Option("--strangers", metavar="PEOPLE_DIR", help="People who were never enrolled, for the audit."),
]
DeleteModel = Annotated[bool, typer.Option("--delete-model", help="Delete MODEL once the new one is in use.")]
AllowMismatch = Annotated[bool, typer.Option(help="Use photos that seem to show somebody else.")]
EngineName = Annotated[str, typer.Option("--engine", metavar="ENGINE", help="local, or ray: tasks of a Ray cluster.")]
Address = Annotated[
    str | None,
    typer.Option("--address", metavar="ADDRESS", help="Of a running Ray cluster; without it, one is started here."),
]
Processes = Annotated[
    int, typer.Option("--processes", min=1, help="Share each training batch among so many processes on the CPU.")
]
Persons = Annotated[list[str], typer.Option("--person", help="Name as in the model; repeat for several.")]

# Commands with a training. Others have nothing to share, and refuse: several of them would do one work at once.
_SHARING = ("enroll", "erase")


def make_runtime(
    device: str, seed: int, no_cache: bool, progress: Progress, engine: "api.Engine | None" = None
) -> "api.Runtime":
    """The runtime that the options describe."""
    return api.Runtime(device, seed, None if no_cache else api.FaceCache(), progress, engine or api.HERE)


def check_alone(command: str | None) -> None:
    """Check that a command was not started several times at once, unless it is one that shares its work.

    Raises:
        ProcessesError: It was.
    """
    if api.started() > 1 and command is not None and command not in _SHARING:
        raise api.ProcessesError(
            f"`faceforget {command}` runs in one process, and torchrun started {api.started()} ({api.STARTED}).",
            f"Start it without torchrun. {' and '.join(_SHARING)} can share a training: torchrun, or --processes N.",
        )


def start_processes(count: int) -> None:
    """Go on in ``count`` processes, if these are wanted and this is not one of them.

    Each does all of the command and comes to the same model to the bit, so that it does not matter that each writes it:
    files appear by a rename. Of those that there are, only the first speaks from here on; errors are told by whichever
    has one.

    Raises:
        ProcessesError: ``torchrun`` has started another number of them, or something else than it has.
        typer.Exit: They are through; with the code of the first that failed, or 0.
    """
    if api.STARTED in os.environ:
        api.check_started(count)
        out.quiet = err.quiet = not api.is_first()
    elif count > 1:
        raise typer.Exit(api.start(count, [sys.executable, "-m", "faceforget", *sys.argv[1:]]))


def check_persons(persons: Sequence[str]) -> list[str]:
    """The persons, each once.

    Raises:
        UsageError: One is named twice.
    """
    twice = sorted({person for person in persons if persons.count(person) > 1})
    if twice:
        raise UsageError(f"The same person is named twice: {', '.join(twice)}.", "Name each person once.")
    return list(persons)


def check_output(path: Path, *others: Path) -> None:
    """Check an output path before hours of work, not after.

    Raises:
        UsageError: It is a folder, cannot be written, or is one of the other files.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder, expected a file name.", f"Give a file in it: {path / 'NAME'}.")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    try:  # to ask for permissions is not enough: disks are read-only, and root may do everything
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(f"Nothing can be written into {folder}: {error.strerror}.", "Give another path.") from error
    for other in others:
        if path.resolve() == other.resolve():
            raise UsageError(f"{path} is named for two files.", "Give another name: a model is never overwritten.")


def warn_photos(faces: "api.FaceSet") -> None:
    """Say which photos were not used, and where one of several faces was chosen."""
    for photo in faces.refused:
        warn(f"{photo.source}: {photo.error}")
    for photo in faces.repeated:
        warn(f"{photo.source}: the same photo again, used once.")
    several = [photo for photos in faces.photos.values() for photo in photos if photo.note]
    for photo in several[:3]:
        warn(f"{photo.source}: {photo.note}.")
    if len(several) > 3:
        warn(f"{len(several) - 3} more photos show several faces; --json lists them.")
