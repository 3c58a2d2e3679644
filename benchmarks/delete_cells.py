"""The cells of :mod:`benchmarks.delete_on_faces`, and the tables of what was measured in them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.spread import spread

_ROWS = ("delete", "delete_all_layers", "anchored", "drop_row", "retrained", "control")


@dataclass(frozen=True)
class Cell:
    """One erasure: where, how, and of whom."""

    table: str
    place: str
    method: str
    people: tuple[str, ...]
    photos: int = 12

    @property
    def key(self) -> str:
        """A file name."""
        who = self.people[0] if len(self.people) == 1 else f"{len(self.people)}_from_{self.people[0]}"
        return f"{self.table}.{self.place}.{self.method}.{who}".replace(" ", "_")


def read(folder: Path) -> list[tuple[Cell, dict[str, Any]]]:
    """The cells that :func:`write` has written, and their numbers."""
    found = []
    for line in (folder / "delete_on_faces.jsonl").read_text().splitlines():
        numbers = json.loads(line)
        table, place, method, people = (numbers.pop(key) for key in ("table", "place", "method", "people"))
        found.append((Cell(table, place, method, tuple(people)), numbers))
    return found


def write(found: Sequence[tuple[Cell, Mapping[str, Any]]], planned: int, seeds: int, folder: Path) -> None:
    """Markdown and JSON lines, of these cells and their numbers.

    Args:
        found: Those that are there.
        planned: How many there are in all.
        seeds: Enrolments of each set with each backbone.
        folder: Where to.
    """
    text = [
        "# DELETE at its defaults on faces",
        "",
        f"`python -m benchmarks.delete_on_faces --seeds {seeds}`, {len(found)} of {planned} cells. Per cent; "
        "Δ in points, after minus before. Mean over people or groups ± half the 95 % interval (Student's t, "
        "seeds of a person averaged first), the worst single erasure in brackets. Photos that nothing has read. "
        "`delete_all_layers` is `--set moves=all`, which was the default of 0.1. Its row, `anchored`, `retrained` and "
        f"whatever is not of one person with all photos are of one enrolment; the others of {seeds}, "
        "as far as they are there: ten runs are of one enrolment, thirty of three.",
        "",
    ]
    columns = (
        ("named as the person, their row in place", lambda n: n["own"], max),
        ("Δ others named", lambda n: n["others"] - n["others_before"], min),
        ("Δ strangers' TAR at FAR 0.1 %", lambda n: n["tar_strangers"] - n["tar_strangers_before"], min),
        ("Δ strangers named", lambda n: n["strangers"] - n["strangers_before"], max),
        ("two of their photos match, before", lambda n: n["tar_own_before"], min),
        ("after", lambda n: n["tar_own"], min),
    )
    for table in dict.fromkeys(cell.table for cell, _ in found):
        head = ["people", "backbone", "method", *(title for title, _, _ in columns), "seconds, median", "runs"]
        text += [f"## {table.replace('_', ' ')}", "", f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
        own = [(cell, numbers) for cell, numbers in found if cell.table == table]
        by_row: dict[tuple[str, ...], list[tuple[Cell, Mapping[str, Any]]]] = {}
        for cell, numbers in own:
            data, backbone, _ = cell.place.split("_")
            by_row.setdefault((data, backbone, cell.method), []).append((cell, numbers))
        order = {method: place for place, method in enumerate(_ROWS)}
        for row, runs in sorted(by_row.items(), key=lambda item: (*item[0][:2], order[item[0][2]])):
            values = [spread([(c.people, value(n)) for c, n in runs], worst) for _, value, worst in columns]
            seconds = float(np.median([n["seconds"] for _, n in runs]))
            took = f"{seconds:.1f}" if seconds else ""  # made with the enrolment, or no method at all
            text.append(f"| {' | '.join([*row[:2], f'`{row[2]}`', *values, took, str(len(runs))])} |")
        text.append("")
    (folder / "delete_on_faces.md").write_text("\n".join(text))
    lines = [json.dumps({"table": c.table, "place": c.place, "method": c.method, "people": list(c.people),
                         **{key: round(value, 5) for key, value in n.items()}}) for c, n in found]  # fmt: skip
    (folder / "delete_on_faces.jsonl").write_text("\n".join(lines) + "\n")
