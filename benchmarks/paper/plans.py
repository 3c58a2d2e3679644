"""Which methods run, and what each may choose from: the same number of candidates for all, on a class not reported."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faceforget.method.base import Method
from faceforget.method.eraser import Settings
from faceforget.method.registry import METHODS, make_method

Values = Mapping[str, float | str]


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        method: Name in the registry.
        settings: Fixed.
        candidates: One is chosen; none: nothing to choose.
    """

    method: str
    settings: Values
    candidates: tuple[Values, ...]

    def build(self, chosen: Values, steps: int) -> Method:
        """The method, within a budget of steps if it takes any."""
        values: dict[str, Any] = {"batch_size": 128, **self.settings, **chosen}
        if issubclass(METHODS[self.method].settings_type, Settings):
            values.setdefault("max_steps", steps)
        return make_method(self.method, values)


def _rates(*rates: float) -> tuple[Values, ...]:
    return tuple({"learning_rate": rate} for rate in rates)


def _row(method: str, candidates: tuple[Values, ...] = (), **settings: float | str) -> Row:
    return Row(method, settings, candidates)


_COMMON = _rates(1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
# Wrong labels ruin a network at the rates above; these are where each method's best lies.
_LOW = _rates(1e-6, 3e-6, 1e-5, 3e-5, 1e-4)

ROWS: dict[str, Row] = {
    "retrain": _row("retrain"),
    "finetune": _row("finetune", _rates(3e-3, 1e-2, 2e-2, 5e-2, 1e-1)),
    "drop_row": _row("drop_row"),
    "mask_logit": _row("mask_logit"),
    "head_only": _row("head_only", _rates(1e-3, 1e-2, 3e-2, 1e-1, 3e-1)),
    "random_label": _row("random_label", _LOW),
    "gradient_ascent": _row("gradient_ascent", _rates(1e-6, 3e-6, 1e-5, 2e-5, 3e-5)),
    "boundary_shrink": _row("boundary_shrink", _rates(3e-5, 1e-4, 3e-4, 1e-3, 3e-3), epsilon=0.1),
    "boundary_expand": _row("boundary_expand", _LOW),
    "salun": _row("salun", _LOW),
    "l2ul_adv": _row("l2ul_adv", _rates(1e-7, 3e-7, 1e-6, 3e-6, 1e-5)),
    "bad_teacher": _row("bad_teacher", _LOW),
    "influence": _row("influence", tuple({"relative_step": step} for step in (1e-3, 3e-3, 1e-2, 3e-2, 1e-1))),
    "pour": _row("pour", ({"direction": "photos"}, {"direction": "row"})),
    "delete": _row("delete", _COMMON),
    "delete_as_published": _row("delete", _COMMON, batch_norm="train", margin="none"),
}
