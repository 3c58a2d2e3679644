"""Start a program several times, as ``torchrun`` does on one machine, and know that one was started so.

``torchrun`` says in the environment how many processes there are and which one each is; the processes find each other
by it (:mod:`faceforget.compute.processes`). Nothing here needs torch.
"""

import os
import subprocess
from collections.abc import Sequence

from faceforget.compute.cores import cores
from faceforget.compute.ports import held_port
from faceforget.errors import UsageError

# Set by torchrun too, and by us in the processes that we start.
STARTED = "WORLD_SIZE"
_BESIDE = ("RANK", "MASTER_ADDR", "MASTER_PORT")
# For the first process to say why, once another has failed.
_WAIT_S = 10.0


class ProcessesError(UsageError):
    """The processes that were started are not those that were asked for, or have nothing to share."""


def started() -> int:
    """How many processes there are, as the environment says; 1 without ``torchrun``.

    Raises:
        ProcessesError: It says something else than a number.
    """
    text = os.environ.get(STARTED, "1")
    if not text.isdecimal() or not int(text):
        raise ProcessesError(f"Expected a number of processes in {STARTED}, got {text!r}.", f"Unset {STARTED}.")
    return int(text)


def is_first() -> bool:
    """Whether this is the first of them, or the only one."""
    return os.environ.get("RANK", "0") == "0"


def check_started(count: int) -> None:
    """Check that this is one of ``count`` processes, or of any number if ``count`` is 1.

    Raises:
        ProcessesError: ``torchrun`` has started another number of them, or something else than it has.
    """
    number = started()
    if count not in (1, number):
        raise ProcessesError(
            f"{count} processes were asked for in one of {number} that torchrun started ({STARTED}).",
            "Leave the number to torchrun.",
            code="other-processes",
        )
    missing = [name for name in _BESIDE if name not in os.environ]
    if number > 1 and missing:
        raise ProcessesError(
            f"{STARTED} is {number}, but {', '.join(missing)} is not set: torchrun sets them all.",
            f"Start it with torchrun, or unset {STARTED}.",
            code="no-torchrun",
            started=number,
            variable=STARTED,
        )


def start(count: int, command: Sequence[str]) -> int:
    """Run a command ``count`` times at once; only the first one's output is shown.

    Returns:
        0, or the exit code of one that failed; the others are ended then, as they would wait for it.
    """
    shared = {"OMP_NUM_THREADS": str(max(1, cores() // count)), **os.environ, STARTED: str(count)}
    with held_port() as port:
        shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        running = [
            subprocess.Popen(  # noqa: S603 - the caller's own program
                command, env={**shared, "RANK": str(rank)}, stdout=hidden, stderr=hidden
            )
            for rank, hidden in enumerate([None, *[subprocess.DEVNULL] * (count - 1)])
        ]
        try:
            return _first_failure(running)
        finally:
            for process in running:
                process.kill()
                process.wait()


def _first_failure(running: list[subprocess.Popen[bytes]]) -> int:
    left = list(running)
    while left:
        for process in left:
            try:
                code = process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            if code:
                return _told(running[0], code)
            left.remove(process)
            break
    return 0


def _told(first: subprocess.Popen[bytes], code: int) -> int:
    """The first process's own code, if it fails too: it has said why."""
    try:
        return first.wait(_WAIT_S) or code
    except subprocess.TimeoutExpired:
        return code
