"""What a client can do about a request that ended with NOT ERASED, in the fields of a request."""

from collections.abc import Mapping

from faceforget.api import CANCELLED, INTERRUPTED, STOPPED

_AGAIN = "Send the request again."
_OPERATOR = "Ask the operator."
# By the kind of what went wrong, as the ledger has it.
TODO: Mapping[str, str] = {
    "audit": "",  # the reason says of each promise what can be done
    "method": "Send another method, or none for the one of the promise.",
    "diverged": "Send another method, or none for the one of the promise.",
    "destroyed_model": "Ask the operator: the model would no longer tell people apart.",
    "no_usable_photo": "Send photos that show the person's face, upright and sharp, as photos.",
    "nobody_left": "Ask the operator: the person is the last one in the model.",
    "not_forgotten": "Send more and more varied photos, or another promise.",
    "photos_changed": _AGAIN,
    "same_photo": "Send each photo once: as photos, for the erasure, or as check.",
    "shared_photo": "Send each photo once: as photos, for the erasure, or as check.",
    "unknown_person": "Check person: it must be spelled as in the model.",
    "wrong_person": "Send other photos; if these are right, ask the operator, who can allow them.",
    CANCELLED: _AGAIN,
    INTERRUPTED: _AGAIN,
    STOPPED: _AGAIN,
}


def todo_about(kind: str) -> str:
    """What to do; empty where the reason says it."""
    return TODO.get(kind, _OPERATOR)
