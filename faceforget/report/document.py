"""What a report says, before it becomes HTML or PDF: plain values in their order."""

from dataclasses import dataclass

from faceforget.audit.outcomes import Outcome
from faceforget.audit.report import AuditedPhoto
from faceforget.audit.shown.section import Number, Section, Table


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
class Document:
    """A whole report.

    Attributes:
        title: Of the window or file.
        brand: The line above the headline.
        headline: What was shown, in one or two sentences.
        lead: What was compared.
        cards: A card per promise.
        numbers: The numbers of the first screen.
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
