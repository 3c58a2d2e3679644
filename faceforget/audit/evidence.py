"""When do figures say nothing about a person? The reason in words without names; empty where they do say something."""

from faceforget.audit.measures.accuracy import accuracy
from faceforget.audit.view import View

# With fewer of their photos named before, that none is named after shows nothing.
_KNOWN = 0.5


def unknown_before(before: View) -> str:
    """Whether the model before did not name a person on most of their photos: they may show somebody else."""
    named = [accuracy(before.used, {person: own}) for person, own in before.embeddings.forgotten.items() if len(own)]
    unknown = [rate for rate in named if (rate.value or 0.0) < _KNOWN]
    if not unknown:
        return ""
    if len(named) == 1:
        return f"the model before named the person on {unknown[0].hits} of {unknown[0].photos} of these photos"
    return f"the model before did not name {len(unknown)} of {len(named)} persons on most of these photos"
