"""Measures the cells that are not in a file of results yet; each is a line there as soon as it is measured."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from benchmarks.runner.cell import Cell, Measured, Numbers, line_of, measured_in
from faceforget.api import write_atomically
from faceforget.progress import Progress, silent, tracked


@dataclass(frozen=True)
class Results:
    """A file with a line of JSON for each measured cell. Several processes may write to it."""

    path: Path

    def read(self) -> dict[Cell, Numbers]:
        """All that is there; a line that a crash has cut off is not."""
        text = self.path.read_text() if self.path.is_file() else ""
        return dict(map(measured_in, text[: text.rfind("\n") + 1].splitlines()))

    def of(self, cells: Iterable[Cell]) -> list[Measured]:
        """Those of these cells that are there, in this order."""
        known = self.read()
        return [Measured(cell, known[cell]) for cell in cells if cell in known]

    def add(self, found: Mapping[Cell, Numbers]) -> None:
        """Append what is not there yet."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_suffix(".lock")), self.path.open("a+b") as file:
            known, text = self.read(), self.path.read_bytes()
            file.truncate(text.rfind(b"\n") + 1)  # what a crash has cut off
            for cell, numbers in found.items():
                if cell not in known:
                    file.write(f"{line_of(cell, numbers)}\n".encode())

    def replace(self, found: Sequence[Measured]) -> None:
        """Write these and no others, in this order."""
        lines = [f"{line_of(cell, numbers)}\n" for cell, numbers in found]
        write_atomically(self.path, "".join(lines).encode())


def run(
    cells: Sequence[Cell],
    measure: Callable[[Cell], Numbers],
    results: Results,
    *,
    stage: str = "measuring",
    part: tuple[int, int] = (0, 1),
    progress: Progress = silent,
) -> list[Measured]:
    """Measure every N-th cell from the I-th, but those that are there.

    Args:
        cells: The plan.
        measure: What is asked of each.
        results: Where they are kept.
        stage: What is being done, in a user's words.
        part: I and N, for N processes that share the plan.
        progress: Called with an event for each cell.

    Returns:
        What is there of all of the plan.
    """
    known = results.read()
    todo = [cell for cell in cells[part[0] :: part[1]] if cell not in known]
    start = time.monotonic()
    for number, cell in enumerate(tracked(todo, stage, len(todo), progress)):
        results.add({cell: measure(cell)})
        left = (time.monotonic() - start) * (len(todo) / (number + 1) - 1)
        if not sys.stderr.isatty():  # there a bar says it
            print(f"{number + 1}/{len(todo)} {cell}, {left / 60:.0f} min left", file=sys.stderr, flush=True)
    return results.of(cells)
