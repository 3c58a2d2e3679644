"""Pieces of HTML; whatever came from a user is escaped here."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from app.advice import advice
from app.check import CheckedPhoto
from app.erasing import Named
from faceforget.api import RGB, UNKNOWN, NamedPhoto, Recognition, answered, picture, piece, report_style, shown_name
from faceforget.errors import FaceForgetError

_STAMPS = {
    "good": ("✓", "shows them"),
    "several": ("✓", "several faces"),
    "somebody else": ("?", "somebody else?"),
    "repeated": ("=", "repeated"),
    "unusable": ("✕", "cannot be used"),
}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&@])")


def style() -> str:
    """The look of the app: its own rules, and those of the reports for everything within ``.ff``."""
    own = (Path(__file__).parent / "style.css").read_text("utf-8")
    return f"<style>\n.ff {{\n{report_style()}\n}}\n{own}\n</style>"


def markdown(text: str) -> str:
    """Text for a label that Streamlit reads as markdown, so that it shows as it is."""
    return _MARKDOWN.sub(r"\\\1", text)


def text(words: str) -> str:
    """Words as HTML."""
    return escape(words)


def name_of(person: str) -> str:
    """A name, escaped."""
    return escape(shown_name(person))


def face(crop: RGB | None, person: str, kind: str = "face") -> str:
    """A face, or the initials of somebody of whom there is no photo."""
    if crop is not None:
        return picture(crop, f"Face of {shown_name(person)}").replace("<img ", f'<img class="{kind}" ', 1)
    letters = "".join(word[0] for word in shown_name(person).split()[:2]).upper()
    return f'<div class="{kind} initials" aria-hidden="true">{escape(letters)}</div>'


def steps(names: Sequence[str], here: int) -> str:
    """Where the user is in the course of things."""
    items = "".join(
        f'<li class="{"past" if i < here else "here" if i == here else ""}"'
        f"{' aria-current=step' if i == here else ''}><b>{i + 1}</b> {escape(name)}</li>"
        for i, name in enumerate(names)
    )
    return f'<ol class="steps">{items}</ol>'


def problem(error: FaceForgetError) -> str:
    """An error as a user meets it."""
    words = advice(error)
    todo = f"<p>{escape(words)}</p>" if words else ""
    return f'<div class="state bad" role="alert"><b>{escape(error.message)}</b>{todo}</div>'


def state(title: str, words: str = "", kind: str = "empty") -> str:
    """A designed state: empty, done, or a note."""
    more = f"<p>{escape(words)}</p>" if words else ""
    return f'<div class="state {kind}" role="status"><b>{escape(title)}</b>{more}</div>'


def boxed(photo: NamedPhoto, pixels: RGB, chosen: int) -> str:
    """A photo with its faces boxed and numbered."""
    width, height = photo.size or pixels.shape[1::-1]
    boxes = []
    for number, found in enumerate(photo.faces):
        x0, y0, x1, y1 = found.box
        kind = "none" if found.recognition is None else "unknown" if found.recognition.name == UNKNOWN else "known"
        boxes.append(
            f'<span class="box {kind}{" chosen" if number == chosen else ""}" style="left:{100 * x0 / width:.2f}%;'
            f"top:{100 * y0 / height:.2f}%;width:{100 * (x1 - x0) / width:.2f}%;"
            f'height:{100 * (y1 - y0) / height:.2f}%"><b>{number + 1}</b></span>'
        )
    return f'<div class="boxed">{picture(pixels, photo.source)}{"".join(boxes)}</div>'


def candidates(found: Recognition, threshold: float) -> str:
    """The best candidates with confidence and similarity."""
    rows = "".join(
        f'<tr><td class="person">{name_of(c.name)}<div class="bar"><i style="width:{100 * c.confidence:.0f}%">'
        f"</i></div></td><td>{100 * c.confidence:.1f}\u00a0%</td><td>{c.similarity:.2f}</td></tr>"
        for c in found.candidates
    )
    return (
        '<div class="table"><table class="candidates"><thead><tr><th>Candidate</th>'
        f"<th>Confidence</th><th>Similarity</th></tr></thead><tbody>{rows}</tbody></table></div>"
        f'<p class="note">Below a similarity of {threshold:.2f} a face is unknown.</p>'
    )


def verdict_of(found: Recognition) -> str:
    """The answer in large letters."""
    known = found.name != UNKNOWN
    small = f"{100 * (found.confidence or 0):.1f}\u00a0% confidence" if known else "nobody in the model is near enough"
    return (
        f'<div class="who {"known" if known else "unknown"}"><b>{escape(answered(found))}</b><span>{small}</span></div>'
    )


def checked(photo: CheckedPhoto) -> str:
    """A photo with its stamp and reason."""
    mark, words = _STAMPS[photo.kind]
    name = photo.photo.source
    shown = (
        picture(photo.photo.picture, name)
        if photo.photo.picture is not None
        else '<div class="blank" aria-hidden="true">no picture</div>'
    )
    return (
        f'<div class="checked {photo.kind.replace(" ", "-")}">{shown}<div class="stamp"><span aria-hidden="true">{mark}'
        f'</span> {words}</div><div class="file" title="{escape(name)}">{escape(name)}</div>'
        f"<p>{escape(photo.reason)}</p></div>"
    )


def naming(photos: Sequence[Named], person: str) -> str:
    """The photos that are read with the name that each gets, before and, once there is one, after."""
    cards = "".join(
        f'<figure class="again {_changed(p, person)}">{picture(p.crop, "Photo that is read")}<figcaption>'
        f"<s>{escape(answered(p.before))}</s> {escape(answered(p.after))}</figcaption></figure>"
        if p.after is not None
        else f'<figure class="again">{picture(p.crop, "Photo that is read")}<figcaption>{escape(answered(p.before))}'
        "</figcaption></figure>"
        for p in photos
    )
    done = all(p.after is not None for p in photos)
    words = "Before, and as the erased model answers now" if done else "What the model answers on the photos it reads"
    return f'<h3>{words}</h3><div class="row">{cards}</div>'


def _changed(photo: Named, person: str) -> str:
    return "named" if photo.after is not None and photo.after.name == person else "changed"


def facts(rows: Mapping[str, str]) -> str:
    """Names and values."""
    return piece("facts", rows)
