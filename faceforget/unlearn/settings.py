"""Hyperparameters: fields of a frozen model, with defaults, ranges and a sentence each."""

from collections.abc import Mapping
from inspect import Parameter, Signature
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceforget.errors import MethodError
from faceforget.fields import problems


class MethodSettings(BaseModel):
    """Hyperparameters that every method has; a misspelt one is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    batch_size: int = Field(32, ge=1)


def settings_of(kind: type[MethodSettings], hyperparameters: Mapping[str, Any], method: str) -> MethodSettings:
    """The settings of a method from those that are not the defaults.

    Raises:
        MethodError: One is misspelt or out of range.
    """
    try:
        return kind.model_validate(hyperparameters)
    except ValidationError as error:
        known = ", ".join(f"{key}={field.default}" for key, field in kind.model_fields.items())
        raise MethodError(
            f"The settings of {method} do not fit: {problems(error)}.", f"Settings and defaults: {known}."
        ) from error


def signature_of(kind: type[MethodSettings]) -> Signature:
    """The hyperparameters as the keywords that they are, for ``help`` and editors."""
    return Signature(
        [
            Parameter(key, Parameter.KEYWORD_ONLY, default=field.default, annotation=field.annotation)
            for key, field in kind.model_fields.items()
        ]
    )
