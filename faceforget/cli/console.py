"""Progress bars, messages and exit codes."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from faceforget.cli.advice import advice, system_said
from faceforget.errors import FaceForgetError, PromiseError, UsageError
from faceforget.progress import Event
from faceforget.progress import Progress as Callback

# The exit codes, for `--help` and the README too. Partly kept, too few photos to say and not measured are 0: what was
# asked for was done, and the words say how far it goes.
DONE, FAILED, USAGE, UNKEPT = 0, 1, 2, 3
EXIT_CODES = (
    "Exit codes: 0 done, 1 it could not be carried out (or not all of it), 2 usage, 3 what was promised was not "
    "reached: the erasure did not get there or destroyed the model, or the audit of a promise failed."
)
# The numbers of an event that fit beside a bar in 80 columns, and what they are called there.
_SHOWN = {"loss": "loss", "probability_left": "left"}

# Seconds between two lines where there is no terminal to draw a bar in.
_LINE_EVERY = 10.0

# Results go to standard output, so that they can be piped; everything else to standard error.
out = Console()
err = Console(stderr=True)


def run(app: typer.Typer) -> None:
    """Run the command line; known errors become a message and an exit code, never a stack trace."""
    try:
        app()
    except UsageError as error:
        _report(error)
        sys.exit(USAGE)
    except PromiseError as error:
        _report(error)
        sys.exit(UNKEPT)
    except FaceForgetError as error:
        _report(error)
        sys.exit(FAILED)
    except OSError as error:
        err.print(f"[bold red]Error[/] {escape(system_said(error))}", soft_wrap=True)
        sys.exit(FAILED)


@contextmanager
def progress_bar() -> Iterator[Callback]:
    """A callback that draws one bar per stage on standard error; into a file or a pipe, a line every ten seconds."""
    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(bar_width=16),
        TextColumn("{task.completed:>5.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[numbers]}", style="dim"),
    )
    tasks: dict[str, TaskID] = {}
    told = time.monotonic()
    with Progress(*columns, console=err) as bar:

        def show(event: Event) -> None:
            nonlocal told
            if event.total == 0 and event.stage not in tasks:  # nothing is to be done: no bar that says 0/0
                return
            if event.stage not in tasks:
                tasks[event.stage] = bar.add_task(event.stage, total=event.total, numbers="")
            numbers = "  ".join(f"{_SHOWN[k]} {v:.3f}" for k, v in event.values.items() if k in _SHOWN)
            total = event.done if event.final else event.total
            bar.update(tasks[event.stage], completed=event.done, total=total)
            if numbers:
                bar.update(tasks[event.stage], numbers=numbers)
            if not err.is_terminal and time.monotonic() - told >= _LINE_EVERY:
                told = time.monotonic()
                if running := [task for task in bar.tasks if task.total is None or task.completed < task.total]:
                    err.print(escape(" · ".join(map(_line, running))), soft_wrap=True)

        yield show


def _line(task: Task) -> str:
    total = "" if task.total is None else f"/{task.total:.0f}"
    return f"{task.description} {task.completed:.0f}{total} {task.fields['numbers']}".rstrip()


def warn(message: str) -> None:
    """A warning on standard error."""
    err.print(f"[yellow]Warning[/] {escape(message)}", soft_wrap=True)


def percent(value: float | None, interval: tuple[float, float] | None = None) -> str:
    """A fraction as text, with its interval when there is one."""
    if value is None:
        return "not measured"
    text = f"{100 * value:.1f} %"
    return f"{text} ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})" if interval else text


def _report(error: FaceForgetError) -> None:
    err.quiet = False  # of several processes all but the first are
    err.print(f"[bold red]Error[/] {escape(error.message)}", soft_wrap=True)
    if todo := advice(error):
        err.print(escape(todo), soft_wrap=True)
