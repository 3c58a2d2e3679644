"""``--processes``: the same command in several processes, which share every batch of a training.

Each does all of the command and comes to the same model to the bit, so that it does not matter that each writes it:
files appear by a rename. ``torchrun --nproc-per-node N -m faceforget enroll ...`` does the same, also over several
machines. Other commands have no training to share, and refuse: several of them would do one work at once.
"""

import os
import subprocess
import sys
from typing import Annotated

import typer

from faceforget.cli.console import err, out
from faceforget.errors import UsageError
from faceforget.ports import held_port

Processes = Annotated[
    int, typer.Option("--processes", min=1, help="Share each training batch among so many processes on the CPU.")
]
# Set by torchrun too, and by us in the processes that we start.
_STARTED = "WORLD_SIZE"
_BESIDE = ("RANK", "MASTER_ADDR", "MASTER_PORT")
_SHARING = ("enroll", "erase")
# For the first process to say why, once another has failed.
_WAIT_S = 10.0


class ProcessesError(UsageError):
    """The processes that were started are not those that were asked for, or have nothing to share."""


def check_alone(command: str | None) -> None:
    """Check that a command was not started several times at once, unless it is one that shares its work.

    Raises:
        ProcessesError: It was.
    """
    started = _started()
    if started > 1 and command is not None and command not in _SHARING:
        raise ProcessesError(
            f"`faceforget {command}` runs in one process, and torchrun started {started} ({_STARTED}).",
            f"Start it without torchrun. {' and '.join(_SHARING)} can share a training: torchrun, or --processes N.",
        )


def start_processes(count: int) -> None:
    """Go on in ``count`` processes, if these are wanted and this is not one of them.

    Of those that there are, only the first speaks from here on; errors are told by whichever has one.

    Raises:
        ProcessesError: ``torchrun`` has started another number of them, or something else than it has.
        typer.Exit: They are through; with the code of the first that failed, or 0.
    """
    if _STARTED not in os.environ:
        if count > 1:
            raise typer.Exit(in_processes(count, [sys.executable, "-m", "faceforget", *sys.argv[1:]]))
        return
    started = _started()
    if count not in (1, started):
        raise ProcessesError(
            f"--processes {count} was given to one of {started} processes that torchrun started ({_STARTED}).",
            "Leave out --processes: torchrun's --nproc-per-node says how many.",
        )
    missing = [name for name in _BESIDE if name not in os.environ]
    if started > 1 and missing:
        raise ProcessesError(
            f"{_STARTED} is {started}, but {', '.join(missing)} is not set: torchrun sets them all.",
            f"Start it with torchrun or --processes {started}; or unset {_STARTED}.",
        )
    out.quiet = err.quiet = os.environ.get("RANK", "0") != "0"


def _started() -> int:
    """How many processes there are, as the environment says; 1 without ``torchrun``."""
    text = os.environ.get(_STARTED, "1")
    if not text.isdecimal() or not int(text):
        raise ProcessesError(f"Expected a number of processes in {_STARTED}, got {text!r}.", f"Unset {_STARTED}.")
    return int(text)


def in_processes(count: int, command: list[str]) -> int:
    """Run a command ``count`` times at once; only the first one's output is shown.

    Returns:
        0, or the exit code of one that failed; the others are ended then, as they would wait for it.
    """
    threads = max(1, (os.cpu_count() or 1) // count)
    shared = {"OMP_NUM_THREADS": str(threads), **os.environ, _STARTED: str(count)}
    with held_port() as port:
        shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        started = [
            subprocess.Popen(  # noqa: S603 - this program again
                command, env={**shared, "RANK": str(rank)}, stdout=hidden, stderr=hidden
            )
            for rank, hidden in enumerate([None, *[subprocess.DEVNULL] * (count - 1)])
        ]
        try:
            return _first_failure(started)
        finally:
            for process in started:
                process.kill()
                process.wait()


def _first_failure(started: list[subprocess.Popen[bytes]]) -> int:
    left = list(started)
    while left:
        for process in left:
            try:
                code = process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            if code:
                return _told(started[0], code)
            left.remove(process)
            break
    return 0


def _told(first: subprocess.Popen[bytes], code: int) -> int:
    """The first process's own code, if it fails too: it has said why."""
    try:
        return first.wait(_WAIT_S) or code
    except subprocess.TimeoutExpired:
        return code
