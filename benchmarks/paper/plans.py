"""Which methods run, and what each may choose from: the same number of candidates for all, on a class not reported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faceforget.api import METHODS, Method, make_method
from faceforget.unlearn import Settings

Values = Mapping[str, float | str]


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        method: Name in the registry.
        settings: Fixed.
        candidates: One is chosen; none: nothing to choose.
        passes: Over the forget set, where the row has its own; None: as many as all.
    """

    method: str
    settings: Values
    candidates: tuple[Values, ...]
    passes: int | None = None

    def build(self, chosen: Values, steps: int, batch: int) -> Method:
        """The method, with batches of so many images; one that takes steps takes all of its budget."""
        values: dict[str, Any] = {"batch_size": batch, **self.settings, **chosen}
        if issubclass(METHODS[self.method].settings_type, Settings):
            values = {"max_steps": steps, "margin": "none"} | values
        return make_method(self.method, values)


def rates(*values: float) -> tuple[Values, ...]:
    """Candidates that differ in the learning rate."""
    return tuple({"learning_rate": rate} for rate in values)


def row(method: str, candidates: tuple[Values, ...] = (), passes: int | None = None, **settings: float | str) -> Row:
    """A row of a method."""
    return Row(method, settings, candidates, passes)


def either(frozen: Sequence[float], following: Sequence[float]) -> tuple[Values, ...]:
    """Rates with frozen batch statistics, as is this project's default, and with ones that follow, as published."""
    return (*rates(*frozen), *({**values, "batch_norm": "train"} for values in rates(*following)))


# Three for each that has a choice, around the best of a wider first search on the same class.
_WRONG_LABELS = either([3e-5], [3e-4, 1e-3])
_DISTIL = rates(3e-4, 1e-3, 3e-3)

ROWS: dict[str, Row] = {
    "retrain": row("retrain"),
    "finetune": row("finetune", either([2e-2], [2e-2, 5e-2])),
    "drop_row": row("drop_row"),
    "mask_logit": row("mask_logit"),
    "head_only": row("head_only", rates(1e-2, 3e-2, 1e-1)),
    "random_label": row("random_label", _WRONG_LABELS),
    "gradient_ascent": row("gradient_ascent", either([6e-6], [1e-5, 2e-5])),
    "boundary_shrink": row("boundary_shrink", either([3e-4], [3e-4, 1e-3]), epsilon=0.1),
    "boundary_expand": row("boundary_expand", _WRONG_LABELS),
    "salun": row("salun", _WRONG_LABELS),
    "l2ul_adv": row("l2ul_adv", either([1e-6], [1e-5, 1e-4])),
    "bad_teacher": row("bad_teacher", either([1e-4], [1e-4, 1e-3])),
    "influence": row("influence", tuple({"relative_step": step} for step in (3e-3, 1e-2, 3e-2))),
    "pour": row("pour", ({"direction": "photos"}, {"direction": "row"})),
    "delete": row("delete", _DISTIL),
    "delete_to_margin": row("delete", _DISTIL, margin=2.0),
    "delete_as_published": row("delete", rates(3e-3, 1e-2, 3e-2), batch_norm="train"),
    # As many passes as the paper has, at the rate that fewer have chosen; and the next best baseline alike.
    "delete_20_passes": row("delete", passes=20, learning_rate=1e-3),
    "boundary_shrink_20_passes": row("boundary_shrink", passes=20, learning_rate=3e-4, epsilon=0.1),
}
