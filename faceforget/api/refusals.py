"""Why an erasure that was carried out is not handed out."""

from faceforget.audit.health import LEAST, Health
from faceforget.errors import DestroyedModelError, NotForgottenError
from faceforget.unlearn.base import Method
from faceforget.unlearn.data import Erasure

_GENTLER = "Leave out the method, or give it a smaller learning rate or fewer steps."


def not_forgotten(erasure: Erasure, eraser: Method) -> NotForgottenError:
    """A person is still named after the method's last step."""
    return NotForgottenError(
        f"NOT ERASED: after {len(erasure.steps)} steps of {eraser.name} a person is still named on their own photos "
        f"(probability left {erasure.probability_left:.2f}).",
        f"No model was made. {eraser.advice()}",
        code="not-forgotten",
        advice=eraser.advice(),
    )


def destroyed(found: Health, eraser: Method) -> DestroyedModelError:
    """The model no longer tells people apart."""
    gentler = _GENTLER if eraser.trains else "Leave out the method."
    return DestroyedModelError(
        f"NOT ERASED: {eraser.name} would have destroyed the model. Who looks like whom in it agrees to "
        f"{found.left:.2f} with before (measured on rendered people; 1 is as before, below {LEAST:g} it is refused).",
        f"No model was made. {gentler} Or take it all the same: allow_damage=True.",
        code="destroyed-model",
        **found.to_dict(),
    )
