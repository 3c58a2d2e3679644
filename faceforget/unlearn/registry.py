"""The methods by name, and what there is to know of each."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, TypeVar

from faceforget.errors import MethodError
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

ENTRY_POINTS = "faceforget.methods"

# By what they read: the order in which they are shown.
_SHIPPED: tuple[type[Method], ...] = (
    *(Anchored, Dispersed),
    *(Delete, RandomLabel, GradientAscent, BoundaryShrink, BoundaryExpand, SalUn, L2ulAdv, L2ulImp, BadTeacher),
    *(Pour, Influence),
    *(Finetune, Fisher, WoodFisher, Scrub, Retrain),
    *(MaskLogit, DropRow, HeadOnly),
)
_M = TypeVar("_M", bound=type[Method])


class _Registry(Mapping[str, type[Method]]):
    """Methods by name: those shipped, those registered, and those that installed packages announce."""

    def __init__(self, shipped: Iterable[type[Method]]) -> None:
        self._methods = {method.name: method for method in shipped}
        self._asked = False

    def add(self, method: type[Method]) -> None:
        if not (isinstance(method, type) and issubclass(method, Method)):
            raise MethodError(f"Expected a subclass of Method, got {method!r}.", "Derive it from Method or Eraser.")
        missing = [what for what in ("name", "paper") if not isinstance(getattr(method, what, None), str)]
        if missing:
            raise MethodError(f"{method.__name__} has no {' and no '.join(missing)}.", "Say it as a class variable.")
        known = self._methods.get(method.name)
        if known is not None and known is not method:
            raise MethodError(
                f"{method.name!r} is already the name of {known.__module__}.{known.__qualname__}.",
                "Give the method a name of its own.",
            )
        self._methods[method.name] = method

    def __getitem__(self, name: str) -> type[Method]:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, type[Method]]:
        if not self._asked:
            self._asked = True
            for entry in entry_points(group=ENTRY_POINTS):
                try:
                    self.add(entry.load())
                except Exception as error:  # whatever somebody else's package does: ours must go on
                    warnings.warn(f"The method {entry.name!r} of {entry.value} cannot be used: {error}", stacklevel=2)
        return self._methods


_registry = _Registry(_SHIPPED)
METHODS: Mapping[str, type[Method]] = _registry


def register_method(method: _M) -> _M:
    """Add a method, so that it is found by its name wherever ours are; usable as a decorator.

    A package that is installed can announce its methods instead, and they are there without an import: in its
    ``pyproject.toml`` ``[project.entry-points."faceforget.methods"]`` with ``name = "package.module:Class"``.

    Raises:
        MethodError: It is no method, or its name is taken.
    """
    _registry.add(method)
    return method


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
    return METHODS[name](**{key: None if value == "none" else value for key, value in (settings or {}).items()})


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
        structure: How modules and keys of the result differ from the model's; empty where they do not.
        hyperparameters: With their defaults.
    """

    name: str
    paper: str
    reads: tuple[str, ...]
    caveat: str
    structure: str
    hyperparameters: tuple[Hyperparameter, ...]

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "paper": self.paper,
            "reads": list(self.reads),
            "caveat": self.caveat,
            "structure": self.structure,
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
            method.structure,
            tuple(
                Hyperparameter(key, field.default, field.description or "")
                for key, field in method.settings_type.model_fields.items()
            ),
        )
        for name, method in METHODS.items()
    ]
