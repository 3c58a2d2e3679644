"""What a model answers on one photo, as HTML."""

from html import escape

from faceforget.audit.shown.words import shown_name
from faceforget.recognizer.recognizer import UNKNOWN, Recognition

_TOP = 3


def answer(label: str, found: Recognition, person: str, erased: bool) -> str:
    """The answer and its candidates with their confidence.

    Args:
        label: Of which model.
        found: The answer.
        person: Whom the photo shows.
        erased: Whether that person was erased.
    """
    kind = ("erased" if erased else "right") if found.name == person else "other"
    rows = "".join(
        f"<li{' class=own' if c.name == person else ''}><span>{escape(shown_name(c.name))}</span>"
        f'<span>{100 * c.confidence:.0f}\u00a0%</span><i style="width:{100 * c.confidence:.0f}%"></i></li>'
        for c in found.candidates[:_TOP]
    )
    best = f' title="best similarity {found.candidates[0].similarity:.2f}"' if found.candidates else ""
    return (
        f'<div class="side {kind}"><div class="label">{label}</div>'
        f'<div class="answer"{best}>{escape(answered(found))}</div>'
        f'<ol class="names">{rows}</ol></div>'
    )


def answered(found: Recognition) -> str:
    """The answer as text."""
    return UNKNOWN if found.name == UNKNOWN else shown_name(found.name)
