"""What to do about an error, in the words of the page."""

from collections.abc import Mapping

from faceforget.errors import FaceForgetError

# By the code of the error.
ADVICE: Mapping[str, str] = {
    "destroyed-model": "Take the other promise.",
    "incomplete-people": "Add photos of them, or take these people out.",
    "method-not-allowed": "Name one of these in the column method, or leave it empty for the one of the promise.",
    "model-busy": "Wait until it is done.",
    "no-ledger": "Erase people on the page Batch: that begins one.",
    "no-model": "Open a model on the page Start, or enrol people there.",
    "no-private-key": "Put the key of the ledger back from a copy; it lies beside the ledger.",
    "no-safetensors": "Give a model that FaceForget made; its file ends in .safetensors.",
    "no-shipped-weights": "They belong to the installation: install FaceForget anew.",
    "not-forgotten": "Give more photos of them, or the other promise.",
    "too-many-requests": "Wait, or start the app with another ledger.",
    "unknown-person": "Check how it is spelled on the page Forget.",
    "weights-alone": "Open a model with people in it, or enrol people on the page Start.",
    "wrong-person": "Give other photos, or say that these are right.",
}
# Codes of errors that no page comes to, for what they are about cannot be chosen on it.
ELSEWHERE = frozenset(
    {
        "address-without-ray",
        "anchors-not-read",
        "batch-begun",
        "batch-interrupted",
        "few-with-many-photos",
        "no-device",
        "no-download",
        "no-lfw",
        "no-strangers",
        "no-torchrun",
        "nobody-named",
        "one-process",
        "other-processes",
        "other-weights",
        "request-without-model",
        "retained-needed",
        "retained-not-read",
        "several-models",
        "token-needed",
        "too-few-anchors",
        "unsigned-export",
        "weights-needed",
    }
)


def advice(error: FaceForgetError) -> str:
    """What to do about it; empty when its message says it."""
    return ADVICE.get(error.code, error.todo)


def told(error: FaceForgetError) -> str:
    """An error in a line: what went wrong and what to do."""
    return f"{error.message} {advice(error)}".strip()
