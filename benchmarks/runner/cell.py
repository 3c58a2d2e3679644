"""One measurement: what it is of, and what was found."""

import json
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

Numbers = Mapping[str, Any]
_DIGITS = 7


@dataclass(frozen=True)
class Cell:
    """What names one measurement: plain data, the beginning of its line in a file of results.

    Attributes:
        world: Data and network by name, whatever is not averaged over.
        method: Row of the table.
        people: Who or which classes are erased, at once or in this order.
        table: Which table it belongs to; empty where there is one.
        seed: Of what is drawn; runs of one world and the same people with several seeds are averaged first.
        settings: Pairs of hyperparameters that are not the row's own.
    """

    world: str
    method: str
    people: tuple[str, ...] = ()
    table: str = ""
    seed: int = 0
    settings: tuple[tuple[str, Any], ...] = ()

    @property
    def who(self) -> Hashable:
        """What an interval is over."""
        return self.world, self.people

    def __str__(self) -> str:
        who = self.people[0] if len(self.people) == 1 else f"{len(self.people)} at once" if self.people else ""
        return " ".join(filter(None, (self.table, self.world, self.method, who, f"seed {self.seed}")))


class Measured(NamedTuple):
    """A cell, and what was found."""

    cell: Cell
    numbers: Numbers


def pairs(settings: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Settings as a cell has them."""
    return tuple(sorted(settings.items()))


def line_of(cell: Cell, numbers: Numbers) -> str:
    """One line of JSON; what is not a number is null, fractions are cut after seven digits."""
    given = {f.name: getattr(cell, f.name) for f in fields(Cell) if getattr(cell, f.name) != f.default}
    if cell.settings:
        given["settings"] = dict(cell.settings)
    return json.dumps({**given, **{key: _short(value) for key, value in numbers.items()}}, ensure_ascii=False)


def measured_in(line: str) -> Measured:
    """What :func:`line_of` has written."""
    numbers = json.loads(line)
    given = {f.name: numbers.pop(f.name) for f in fields(Cell) if f.name in numbers}
    given["people"] = tuple(given.get("people", ()))
    given["settings"] = pairs(given.get("settings", {}))
    return Measured(Cell(**given), numbers)


def _short(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, float):
        return round(value, _DIGITS) if math.isfinite(value) else None
    return value
