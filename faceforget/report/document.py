"""What a report says, before it becomes HTML or PDF: plain text, pictures and charts in their order."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from faceforget.audit.outcomes import Outcome
from faceforget.audit.report import AuditedPhoto
from faceforget.photos.align import RGB


@dataclass(frozen=True)
class Card:
    """One promise: whether it was kept, and the number that decided.

    Attributes:
        title: Name of the promise.
        promise: What it says, in one sentence.
        outcome: What may be said of it.
        number: The deciding number, as text.
        what: What the number is.
        rule: Where it passes.
        reference: What it is compared with, and that number.
        basis: Photos and interval.
        reason: Why no more can be said; empty where nothing is missing.
    """

    title: str
    promise: str
    outcome: Outcome
    number: str
    what: str
    rule: str
    reference: str
    basis: str
    reason: str = ""


@dataclass(frozen=True)
class Number:
    """One number of the first screen, before and after."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Chart:
    """A figure and, in words, what it shows."""

    figure: Figure
    words: str


@dataclass(frozen=True)
class PicturePair:
    """Two pictures of one face, before and after, and a line below them."""

    before: RGB
    after: RGB
    words: str


@dataclass(frozen=True)
class Pictures:
    """Pairs of pictures below a heading."""

    title: str
    pairs: Sequence[PicturePair]


@dataclass(frozen=True)
class Table:
    """Text in rows below a head; the first column says what a row is about. Relative widths are for print."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...] = ()


@dataclass(frozen=True)
class Section:
    """One question.

    Attributes:
        title: The question.
        sentence: The answer in plain words, made from its numbers.
        charts: Plots.
        pictures: Pictures of faces.
        missing: Why something could not be measured.
        method: How it was measured, with its source.
        basis: Number of photos, and what the intervals are.
        reference: What stands beside the numbers.
        tables: All numbers.
    """

    title: str
    sentence: str
    charts: tuple[Chart, ...] = ()
    pictures: tuple[Pictures, ...] = ()
    missing: tuple[str, ...] = ()
    method: str = ""
    basis: str = ""
    reference: str = ""
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Document:
    """A whole report.

    Attributes:
        title: Of the window or file.
        brand: The line above the headline.
        headline: What was shown, in one or two sentences.
        lead: What was compared.
        cards: A card per promise.
        numbers: The three numbers of the first screen.
        photos: The person's photos with the answers before and after.
        photos_note: What the answers beside the photos are.
        criteria: Every criterion of the promises.
        sections: A section per question.
        limits: What this does not prove.
        foot: Versions and times.
    """

    title: str
    brand: str
    headline: tuple[str, ...]
    lead: str
    cards: tuple[Card, ...]
    numbers: tuple[Number, ...]
    photos: tuple[AuditedPhoto, ...]
    photos_note: str
    criteria: Table
    sections: tuple[Section, ...]
    limits: tuple[str, ...]
    foot: str
