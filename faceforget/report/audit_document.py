"""What the audit's report says, in its order; :mod:`audit_page` and :mod:`audit_pdf` give it a form."""

from dataclasses import replace

from faceforget import __version__
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.rows import has_reference, who
from faceforget.audit.shown.section import Section
from faceforget.audit.shown.words import listed, photos_of, shown_name
from faceforget.report import audit_front as front
from faceforget.report.document import Document

# More than this fills pages and says no more.
_PHOTOS_SHOWN = 12


def audit_document(report: AuditReport) -> Document:
    """The whole report as plain text, charts and pictures."""
    name = who(report)
    return Document(
        title=f"FaceForget audit: {name}",
        brand="FaceForget audit",
        headline=front.headline(report),
        lead=_lead(report),
        cards=front.cards(report),
        numbers=front.numbers(report),
        photos=tuple(report.photos[:_PHOTOS_SHOWN]),
        photos_note=_photos_note(report, len(report.photos)),
        criteria=front.criteria(report),
        sections=_sections(report),
        limits=front.limits(report),
        foot=_foot(report),
    )


def _sections(report: AuditReport) -> tuple[Section, ...]:
    """Of each question that was asked and has something to show."""
    found = ((question.view, question.section(report, answer)) for question, answer in report.answered())
    return tuple(replace(section, view=view) for view, section in found if section is not None)


def _lead(report: AuditReport) -> str:
    check = report.check
    made = "made from it" if check.derived else "which does not say that it was made from it"
    old = check.accuracy.before
    used = [f"{photos_of(old.forgotten)} of {who(report)}"]
    groups = (
        ("that the erasure read", old.forgotten_train),
        ("of people who stay", old.retained),
        ("of strangers", old.strangers_named),
    )
    used += [f"{photos_of(measured)} {words}" for words, measured in groups if measured is not None]
    stand_ins = f" Rendered people stood in for {listed(report.stand_ins)}." if report.stand_ins else ""
    reference = f"The reference beside the numbers: {report.reference}."
    if not has_reference(report):
        reference = f"There is no reference: {report.reference.removeprefix('nothing: ')}."
    return (
        f"A model before erasure and a model after, {made}, looked at the same {listed(used)}. {reference}{stand_ins}"
    )


def _photos_note(report: AuditReport, count: int) -> str:
    some = f"The first {_PHOTOS_SHOWN} of {count} photos. " if count > _PHOTOS_SHOWN else ""
    row = "without the person's label and row, " if report.check.rows_removed else ""
    return (
        f"{some}The model's answer and its best candidates with their confidence. After: the model as it is handed "
        f"out, {row}so that a face is given to somebody else or called unknown."
    )


def _foot(report: AuditReport) -> str:
    times = ", ".join(
        f"{shown_name(part)} {seconds:.1f} s" for part, seconds in report.seconds.items() if seconds >= 0.05
    )
    return f"FaceForget {__version__}. {f'Wall time: {times}. ' if times else ''}This file fetches nothing."
