"""What a user can ask for, in plain words; which method is to keep it, the registry says."""

from collections.abc import Mapping

from faceforget.api import METHOD_OF_PROMISE, caveat_of
from faceforget.api import PROMISES_IN_WORDS as IN_REPORTS

_WORDS: Mapping[str, str] = {
    "forgotten": "The model no longer names this person, as if they had never been enrolled, and everybody else is "
    "recognised as before. Somebody who enrols them again may succeed, as with any stranger.",
    "unrecognisable": "More than forgotten: even enrolled again, or compared photo by photo, the model fails on this "
    "face. Everybody else is recognised as before.",
}


def title(promise: str) -> str:
    """A promise as the reports call it."""
    return IN_REPORTS[promise][0]


def words(promise: str) -> str:
    """What a promise means to a user."""
    return _WORDS[promise]


def caveat(promise: str) -> str:
    """What a user must know before choosing it; empty where there is nothing."""
    return caveat_of(METHOD_OF_PROMISE[promise])
