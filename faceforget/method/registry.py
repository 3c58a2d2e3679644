"""The methods by name."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from faceforget.errors import MethodError
from faceforget.method.delete import Delete
from faceforget.method.eraser import Eraser

METHODS: Mapping[str, type[Eraser]] = {method.name: method for method in (Delete,)}


def make_method(name: str, settings: Mapping[str, Any] | None = None) -> Eraser:
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
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        known = ", ".join(f"{key}={field.default}" for key, field in method.settings_type.model_fields.items())
        raise MethodError(
            f"The settings of {name} do not fit: {problems}.", f"Settings and defaults: {known}."
        ) from error
