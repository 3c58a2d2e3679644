"""When do figures say nothing about a promise? Reasons in words without names; empty where they do say something."""

from faceforget.audit.estimates import Measured, Sides
from faceforget.audit.measures.accuracy import accuracy
from faceforget.audit.measures.verification import Verification
from faceforget.audit.view import View

# With fewer of their photos named before, that none is named after shows nothing.
_KNOWN = 0.5
# Where strangers are recognised less often than this, that the person is not says little.
_TOLD_APART = 0.5


def unknown_before(before: View) -> str:
    """Whether the model before did not name a person on most of their photos: they may show somebody else."""
    named = [accuracy(before.used, {person: own}) for person, own in before.embeddings.forgotten.items() if len(own)]
    unknown = [rate for rate in named if (rate.value or 0.0) < _KNOWN]
    if not unknown:
        return ""
    if len(named) == 1:
        return f"the model before named the person on {unknown[0].hits} of {unknown[0].photos} of these photos"
    return f"the model before did not name {len(unknown)} of {len(named)} persons on most of these photos"


def collapsed(verified: Sides[Verification], reenrolled: Measured | None, far: str, most: float) -> str:
    """Whether the model after tells nobody apart: that it fails on the person then shows nothing about the person.

    Args:
        verified: Two photos compared.
        reenrolled: The reference of the re-enrolment, in the model after.
        far: Key of the share of accepted pairs.
        most: How many of strangers' pairs may be lost, as a share of all.
    """
    old, new = (side.strangers[far].value for side in (verified.before, verified.after))
    if old is not None and new is not None and round(old - new - most, 9) > 0:
        return (
            f"the model after no longer tells people apart: two photos of a stranger match in {100 * new:.0f} % "
            f"and not in {100 * old:.0f} %, so that it fails on the person shows nothing"
        )
    again = reenrolled.value if reenrolled is not None else None
    if again is not None and again < _TOLD_APART:
        return f"of others, too, only {100 * again:.0f} % are recognised after being enrolled again"
    return ""
