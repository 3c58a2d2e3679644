"""Why a request was not carried out, in words without names: for receipts, the ledger, the service and the app.

The ledger keeps the kind of the error and numbers, and never its message, which may hold a name or a path.
"""

from collections.abc import Mapping
from typing import Any

from faceforget.audit.outcomes import FAILED, PARTIAL, PASSED, TOO_FEW
from faceforget.errors import FaceForgetError

# Kinds of failures that are no error of this program's.
CANCELLED, STOPPED, INTERRUPTED = "cancelled", "stopped", "interrupted"

_REASONS: Mapping[str, str] = {
    "unknown_person": "The model does not know the person.",
    "photos_changed": "The photos were not as they were when the batch was planned.",
    "wrong_person": "The photos seem to show somebody else, or several people.",
    "same_photo": "One photo was given twice: for the erasure and for its check.",
    "shared_photo": "One photo was given for another request of the batch, too.",
    "no_usable_photo": "No photo of the person could be used.",
    "destroyed_model": "The erasure would have destroyed the model: it would no longer have told people apart.",
    "not_forgotten": "The erasure ended with the person still named on their own photos.",
    "method": "The method that was named cannot be carried out on this model.",
    "diverged": "The method that was named did not come to an end: its numbers grew without limit.",
    "nobody_left": "Nobody would be left in the model.",
    "audit": "The audit of the new model did not pass; that model was thrown away.",
    "usage": "The erasure cannot be carried out as asked.",
    CANCELLED: "The operator cancelled the batch before this request was through.",
    STOPPED: "A fault that is not this request's own stopped the batch before it was through.",
    INTERRUPTED: "The app was ended while the batch ran, before this request was through.",
}
KINDS = frozenset(_REASONS)
# The same with the numbers that the error came with.
_COUNTED: Mapping[str, str] = {
    "photos_changed": "{changed} of {photos} photos were not as they were when the batch was planned.",
    "wrong_person": "{doubtful} of {photos} photos seem to show somebody else, or several people.",
}
# By the kind of what is wrong with a photo.
_PHOTOS: Mapping[str, str] = {
    "photo_missing": "not there or not readable",
    "not_an_image": "not an image of an accepted format",
    "damaged_image": "damaged",
    "photo_too_large": "with too many bytes",
    "decompression_bomb": "with too many pixels",
    "photo_too_small": "with too few pixels",
    "no_face": "without a face that was found",
    "face_too_small": "with a face of too few pixels",
    "face_too_blurred": "with a blurred face",
}
_ADVICE_FAILED = "Submit the request again with more and more varied photos of the person, or promise less."
_ADVICE_UNMEASURED = "Submit the request again with more photos of the person, some of them for the check alone."
_ADVICE_BROKEN = (
    "Others would no longer be recognised as before. Submit the people one at a time, with photos that show them "
    "alone, and check that the photos given for those who stay are right."
)
_ROW_LEFT = "The new model still held the person's row or name."
# From here on a single photo among them no longer decides.
_ENOUGH_PHOTOS = 10


def failure_of(error: FaceForgetError) -> dict[str, Any]:
    """What the ledger keeps of an error: its kind and its counts; its texts may hold names."""
    numbers = {name: value for name, value in error.values.items() if type(value) is int}
    return {"reason": error.kind, **({"numbers": numbers} if numbers else {})}


def stopped_by(error: Exception) -> dict[str, Any]:
    """What the ledger keeps of a fault that stopped a whole batch: the name of its class."""
    return {"reason": STOPPED, "fault": error.kind if isinstance(error, FaceForgetError) else type(error).__name__}


def why_failed(body: Mapping[str, Any]) -> str:
    """Why somebody was not erased, and what can be done, in words without names.

    Args:
        body: Of the entry ``failed``.
    """
    return " ".join([_reason(body), *_advices(body.get("audit", {}))])


def _reason(body: Mapping[str, Any]) -> str:
    kind, numbers = str(body["reason"]), body.get("numbers", {})
    if kind in _COUNTED and numbers:
        return _COUNTED[kind].format_map(numbers)
    if kind == "no_usable_photo" and numbers:
        counted = ", ".join(f"{numbers[name]} {words}" for name, words in _PHOTOS.items() if name in numbers)
        return f"No photo of the person could be used: {counted}."
    if kind == STOPPED and "fault" in body:
        return f"{_REASONS[STOPPED]} Its kind: {body['fault']}."
    return _REASONS.get(kind, f"The request could not be carried out. The kind of the error: {kind}.")


def _advices(audit: Mapping[str, Any]) -> list[str]:
    """Of each promise that was not shown to be kept: which, and what can be done."""
    verdicts = audit.get("verdicts", {})
    row = [] if audit.get("rows_removed", True) else [_ROW_LEFT]
    unkept = [
        f"{_title(name)}: {verdicts[name]}{_why(audit, name)}. {_advice(audit, name)}"
        for name in audit.get("required", [])
        if verdicts.get(name) not in (PASSED, TOO_FEW) or _against(audit, name)
    ]
    broken = [
        f"{_title(name)}: failed. {_ADVICE_BROKEN}"
        for name in audit.get("unbroken", [])
        if verdicts.get(name) == FAILED
    ]
    return [*row, *unkept, *broken]


def _against(audit: Mapping[str, Any], promise: str) -> bool:
    """Whether a criterion is against the promise at its value, whatever the number of photos."""
    found = audit.get("findings", {}).get(promise, [])
    return any(one.get("at_value") in (PARTIAL, FAILED) for one in found)


def _why(audit: Mapping[str, Any], promise: str) -> str:
    why = audit.get("reasons", {}).get(promise, "")
    return f" ({why})" if why and audit["verdicts"][promise] != FAILED else ""


def _title(promise: str) -> str:
    return promise.replace("_", " ").capitalize()


def _advice(audit: Mapping[str, Any], promise: str) -> str:
    findings = [found for found in audit.get("findings", {}).get(promise, []) if found["outcome"] != PASSED]
    fewest = min((found["photos"] for found in findings), default=0)
    if audit["verdicts"][promise] == FAILED or fewest >= _ENOUGH_PHOTOS:
        return _ADVICE_FAILED
    if not fewest:
        return _ADVICE_UNMEASURED
    return (
        f"{fewest} photos were checked: one of so few weighs more than the threshold allows. Submit the request again "
        f"with more photos of the person, best with {_ENOUGH_PHOTOS} or more for the check."
    )
