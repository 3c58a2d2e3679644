"""What a user can ask for, in plain words, and the method that is to keep it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faceforget.api.run_demo import SETTINGS
from faceforget.method.registry import METHODS

METHOD_OF: Mapping[str, str] = {"forgotten": "delete", "unrecognisable": "dispersed"}


@dataclass(frozen=True)
class Promise:
    """One promise: its name in the audit, and what it means to a user."""

    key: str
    title: str
    words: str


PROMISES = (
    Promise(
        "forgotten",
        "Forgotten",
        "The model no longer names this person, as if they had never been enrolled. Somebody who enrols them again "
        "may succeed, as with any stranger.",
    ),
    Promise(
        "unrecognisable",
        "Unrecognisable",
        "Stronger: even enrolled again, or compared photo by photo, the model is to fail on this face. Other people "
        "pay more for it.",
    ),
)


def offered() -> tuple[Promise, ...]:
    """The promises for which this version has a method."""
    return tuple(promise for promise in PROMISES if METHOD_OF[promise.key] in METHODS)


def settings_for(method: str, rendered: bool) -> Mapping[str, Any]:
    """Hyperparameters of a method; rendered people are so alike that DELETE needs smaller steps for them."""
    return SETTINGS if rendered and method == "delete" else {}
