"""The methods by name, and what there is to know of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from faceforget.errors import MethodError
from faceforget.fields import problems
from faceforget.unlearn.base import Method
from faceforget.unlearn.methods.anchored import Anchored
from faceforget.unlearn.methods.delete import Delete
from faceforget.unlearn.methods.dispersed import Dispersed
from faceforget.unlearn.methods.forget_only.bad_teacher import BadTeacher
from faceforget.unlearn.methods.forget_only.boundary_expand import BoundaryExpand
from faceforget.unlearn.methods.forget_only.boundary_shrink import BoundaryShrink
from faceforget.unlearn.methods.forget_only.gradient_ascent import GradientAscent
from faceforget.unlearn.methods.forget_only.influence import Influence
from faceforget.unlearn.methods.forget_only.l2ul_adv import L2ulAdv
from faceforget.unlearn.methods.forget_only.l2ul_imp import L2ulImp
from faceforget.unlearn.methods.forget_only.pour import Pour
from faceforget.unlearn.methods.forget_only.random_label import RandomLabel
from faceforget.unlearn.methods.forget_only.salun import SalUn
from faceforget.unlearn.methods.trivial.drop_row import DropRow
from faceforget.unlearn.methods.trivial.head_only import HeadOnly
from faceforget.unlearn.methods.trivial.mask_logit import MaskLogit
from faceforget.unlearn.methods.with_retained.finetune import Finetune
from faceforget.unlearn.methods.with_retained.fisher import Fisher
from faceforget.unlearn.methods.with_retained.retrain import Retrain
from faceforget.unlearn.methods.with_retained.scrub import Scrub
from faceforget.unlearn.methods.with_retained.wood_fisher import WoodFisher

_OURS: tuple[type[Method], ...] = (Anchored, Dispersed)
_FORGET_ONLY: tuple[type[Method], ...] = (
    Delete,
    RandomLabel,
    GradientAscent,
    BoundaryShrink,
    BoundaryExpand,
    SalUn,
    L2ulAdv,
    L2ulImp,
    BadTeacher,
    Pour,
    Influence,
)
_WITH_RETAINED: tuple[type[Method], ...] = (Finetune, Fisher, WoodFisher, Scrub, Retrain)
_TRIVIAL: tuple[type[Method], ...] = (MaskLogit, DropRow, HeadOnly)

METHODS: Mapping[str, type[Method]] = {m.name: m for m in (*_OURS, *_FORGET_ONLY, *_WITH_RETAINED, *_TRIVIAL)}

# What a user asks for, and the method that keeps it.
PROMISES: Mapping[str, str] = {"forgotten": Anchored.name, "unrecognisable": Dispersed.name}


def make_method(name: str, settings: Mapping[str, Any] | None = None) -> Method:
    """Build a method from its name and hyperparameters.

    Args:
        name: A key of ``METHODS``.
        settings: Hyperparameters; text such as ``"1e-3"`` or ``"none"`` is read as its field's type.

    Raises:
        MethodError: The method is not known, or a setting is misspelt or out of range.
    """
    if name not in METHODS:
        raise MethodError(f"No method is called {name!r}.", f"Known methods: {', '.join(sorted(METHODS))}.")
    method = METHODS[name]
    values = {key: None if value == "none" else value for key, value in (settings or {}).items()}
    try:
        return method(method.settings_type.model_validate(values))
    except ValidationError as error:
        known = ", ".join(f"{key}={field.default}" for key, field in method.settings_type.model_fields.items())
        raise MethodError(
            f"The settings of {name} do not fit: {problems(error)}.", f"Settings and defaults: {known}."
        ) from error


@dataclass(frozen=True)
class Hyperparameter:
    """A setting of a method: its name, default and meaning (empty where the name says it)."""

    name: str
    default: object
    meaning: str


@dataclass(frozen=True)
class MethodCard:
    """What there is to know of a method before using it.

    Attributes:
        name: As on the command line.
        paper: Where it comes from.
        reads: The data it reads.
        caveat: What to know of its results; empty when they mean what they seem to.
        hyperparameters: With their defaults.
    """

    name: str
    paper: str
    reads: tuple[str, ...]
    caveat: str
    hyperparameters: tuple[Hyperparameter, ...]

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "paper": self.paper,
            "reads": list(self.reads),
            "caveat": self.caveat,
            "hyperparameters": [
                {"name": h.name, "default": h.default, "meaning": h.meaning} for h in self.hyperparameters
            ],
        }


def method_cards() -> list[MethodCard]:
    """All methods, in the order of the registry."""
    return [
        MethodCard(
            name,
            method.paper,
            method.reads,
            method.caveat,
            tuple(
                Hyperparameter(key, field.default, field.description or "")
                for key, field in method.settings_type.model_fields.items()
            ),
        )
        for name, method in METHODS.items()
    ]
