"""``--processes``: the same command in several processes, which share every batch of a training.

Each does all of the command and comes to the same model to the bit, so that it does not matter that each writes it:
files appear by a rename. ``torchrun`` does the same over several machines.
"""

import os
import socket
import subprocess
import sys
from typing import Annotated

import typer

Processes = Annotated[
    int, typer.Option("--processes", min=1, help="Share each training batch among so many processes on the CPU.")
]
# Set by torchrun too, and by us in the processes that we start.
_STARTED = "WORLD_SIZE"
# For the first process to say why, once another has failed.
_WAIT_S = 10.0


def start_processes(count: int) -> None:
    """Go on in ``count`` processes, if these are wanted and this is not one of them.

    Raises:
        typer.Exit: They are through; with the code of the first that failed, or 0.
    """
    if count > 1 and _STARTED not in os.environ:
        raise typer.Exit(in_processes(count, [sys.executable, "-m", "faceforget", *sys.argv[1:]]))


def in_processes(count: int, command: list[str]) -> int:
    """Run a command ``count`` times at once; only the first one's output is shown.

    Returns:
        0, or the exit code of one that failed; the others are ended then, as they would wait for it.
    """
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    threads = max(1, (os.cpu_count() or 1) // count)
    shared = {"OMP_NUM_THREADS": str(threads), **os.environ, _STARTED: str(count)}
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
