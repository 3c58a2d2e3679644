"""The audit's report as a PDF for print: the same content in the same order as the page."""

import io
from collections.abc import Callable, Sequence
from typing import TypeVar

from matplotlib.figure import Figure
from PIL import Image

from faceforget.audit.outcomes import LOOKS
from faceforget.audit.report import AuditedPhoto, AuditReport
from faceforget.audit.shown.section import Chart, Number, Pictures, Section, Table
from faceforget.audit.shown.words import shown_name
from faceforget.photos.align import RGB
from faceforget.progress import Progress, silent, tracked
from faceforget.report.audit_document import audit_document
from faceforget.report.chart_files import to_image
from faceforget.report.document import Card, Document
from faceforget.report.drawing import draw
from faceforget.report.page import answered
from faceforget.report.sheet import ACCENT, GONE, INK, SOFT, UNSURE, Sheet

T = TypeVar("T")

_GAP = 4.0
_PHOTO = 24.0
_HEAT = 27.0


def audit_pdf(report: AuditReport, progress: Progress = silent) -> bytes:
    """The PDF, A4."""
    return pdf(audit_document(report), progress)


def pdf(document: Document, progress: Progress = silent) -> bytes:
    """A document as PDF."""
    sheet = Sheet(document.title)
    _front(sheet, document)
    _photos(sheet, document)
    _table(sheet, document.criteria)
    for section in tracked(document.sections, "printing the report", len(document.sections), progress):
        _section(sheet, section)
    _limits(sheet, document.limits)
    sheet.ln(3)
    sheet.words(document.foot, 8, colour=SOFT)
    return bytes(sheet.output())


def _front(sheet: Sheet, document: Document) -> None:
    sheet.words(document.brand, 10, colour=ACCENT, bold=True, after=1.5)
    first, *others = document.headline
    sheet.words(first, 19, bold=True, after=2)
    for finding in others:
        sheet.words(finding, 12.5, bold=True, after=1.5)
    sheet.ln(2)
    _in_columns(sheet, document.cards, 3, _card)
    sheet.ln(_GAP)
    _in_columns(sheet, document.numbers, 3, _number)
    sheet.ln(_GAP)
    sheet.words(document.lead, 8.5, colour=SOFT)


def _in_columns(
    sheet: Sheet, items: Sequence[T], columns: int, draw: Callable[[Sheet, T, float, float, float], float]
) -> None:
    """Boxes side by side, those of a row equally high."""
    width = (sheet.epw - (columns - 1) * _GAP) / columns
    for start in range(0, len(items), columns):
        row = items[start : start + columns]
        with sheet.rehearsal():
            height = max(draw(sheet, item, sheet.l_margin, sheet.t_margin, width) for item in row)
        sheet.room(height)
        top = sheet.get_y()
        for place, item in enumerate(row):
            left = sheet.l_margin + place * (width + _GAP)
            sheet.box(left, top, width, height)
            draw(sheet, item, left, top, width)
        sheet.set_xy(sheet.l_margin, top + height + _GAP)
    sheet.ln(-_GAP)


def _card(sheet: Sheet, card: Card, left: float, top: float, width: float) -> float:
    """Draw a verdict; its height."""
    look = LOOKS[card.outcome]
    sheet.bar(left, top, width, 1.2, look.tone)
    inner, x = width - 7, left + 3.5
    sheet.stamp(f"{look.mark} {card.outcome}", x, top + 4, look.tone)
    sheet.set_xy(x, top + 11)
    sheet.words(card.title, 12, bold=True, width=inner, x=x, after=0.8)
    sheet.words(card.promise, 8, colour=SOFT, width=inner, x=x, after=2)
    sheet.words(card.number, 19, bold=True, width=inner, x=x, after=0.5)
    sheet.words(card.what, 8.5, width=inner, x=x, after=2)
    for line in (card.reason, card.rule, card.reference, card.basis):
        if line:
            sheet.words(line, 7.5, colour=SOFT, width=inner, x=x, after=0.8)
    return sheet.get_y() - top + 2


def _number(sheet: Sheet, number: Number, left: float, top: float, width: float) -> float:
    inner, x = width - 7, left + 3.5
    sheet.set_xy(x, top + 2.5)
    sheet.words(
        f"{number.before} → {number.after}" if number.before else number.after,
        13,
        bold=True,
        width=inner,
        x=x,
        after=0.8,
    )
    sheet.words(number.what, 8, colour=SOFT, width=inner, x=x)
    return sheet.get_y() - top + 2.5


def _photos(sheet: Sheet, document: Document) -> None:
    if not document.photos:
        return
    sheet.heading("The photos, before and after", 13, keep=_PHOTO + 22)
    sheet.words(document.photos_note, 8.5, colour=SOFT, after=2)
    _in_columns(sheet, document.photos, 3, _photo)
    sheet.ln(_GAP)


def _photo(sheet: Sheet, item: AuditedPhoto, left: float, top: float, width: float) -> float:
    sheet.picture(_square(item.crop), left + 2.5, top + 2.5, _PHOTO, _PHOTO)
    x, inner = left + _PHOTO + 5, width - _PHOTO - 7
    sheet.set_xy(x, top + 2.5)
    for side, found in (("before", item.before), ("after", item.after)):
        sheet.words(side.upper(), 6, colour=SOFT, width=inner, x=x, after=0.3)
        colour = GONE if found.name == item.person else INK
        sheet.words(answered(found), 8.5, bold=True, width=inner, x=x, colour=colour, after=0.3)
        for candidate in found.candidates[:2]:
            sure = f"{shown_name(candidate.name)} {100 * candidate.confidence:.0f}\u00a0%"
            sheet.words(sure, 6, colour=SOFT, width=inner, x=x, after=0.2)
        sheet.ln(1)
    return max(_PHOTO + 5, sheet.get_y() - top + 1.5)


def _section(sheet: Sheet, section: Section) -> None:
    drawn = [(chart, draw(chart.plot)) for chart in section.charts]
    width = (sheet.epw - _GAP) / 2 if len(drawn) > 1 else 0.62 * sheet.epw
    chart_height = max((_height(figure, width) for _, figure in drawn[:2]), default=0.0)
    sheet.heading(section.title, 13, keep=min(chart_height + 34, 150))
    sheet.words(section.sentence, 10, after=2)
    for words in section.missing:
        sheet.words(words, 8.5, colour=UNSURE, after=1)
    _charts(sheet, drawn, width)
    for pictures in section.pictures:
        _pictures(sheet, pictures)
    for name, words in (("How", section.method), ("On what", section.basis), ("Reference", section.reference)):
        if words:
            sheet.fact(name, words)
    for table in section.tables:
        _table(sheet, table)


def _height(figure: Figure, width: float) -> float:
    return width * figure.get_figheight() / figure.get_figwidth()


def _charts(sheet: Sheet, drawn: Sequence[tuple[Chart, Figure]], width: float) -> None:
    for start in range(0, len(drawn), 2):
        row = drawn[start : start + 2]
        height = max(_height(figure, width) for _, figure in row)
        sheet.room(height + 14)
        top, bottom = sheet.get_y() + 1.5, 0.0
        for place, (chart, figure) in enumerate(row):
            left = sheet.l_margin + place * (width + _GAP)
            sheet.picture(to_image(figure), left, top, width, _height(figure, width), words=chart.words)
            sheet.set_xy(left, top + height + 1)
            sheet.words(chart.words, 7.5, colour=SOFT, width=width, x=left, after=1.5)
            bottom = max(bottom, sheet.get_y())
        sheet.set_xy(sheet.l_margin, bottom + 1)


def _pictures(sheet: Sheet, pictures: Pictures) -> None:
    sheet.heading(pictures.title, 9.5, keep=_HEAT + 14)
    width = 2 * _HEAT + 1.5
    columns = max(1, int((sheet.epw + _GAP) / (width + _GAP)))
    for start in range(0, len(pictures.pairs), columns):
        sheet.room(_HEAT + 9)
        top, bottom = sheet.get_y(), 0.0
        for place, pair in enumerate(pictures.pairs[start : start + columns]):
            left = sheet.l_margin + place * (width + _GAP)
            for offset, pixels in ((0.0, pair.before), (_HEAT + 1.5, pair.after)):
                sheet.picture(_jpeg(pixels), left + offset, top, _HEAT, _HEAT)
            sheet.set_xy(left, top + _HEAT + 1)
            sheet.words(f"Before, after: {pair.words}", 7, colour=SOFT, width=width, x=left)
            bottom = max(bottom, sheet.get_y())
        sheet.set_xy(sheet.l_margin, bottom + 2)


def _table(sheet: Sheet, table: Table) -> None:
    sheet.heading(table.title, 9.5, keep=24)
    sheet.grid(table.head, table.rows, table.widths)


def _limits(sheet: Sheet, limits: Sequence[str]) -> None:
    sheet.heading("What this does not prove", 13, keep=40)
    for words in limits:
        sheet.room(10)
        sheet.bullet(words)


def _square(pixels: RGB) -> bytes:
    """The middle of a photo."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return _jpeg(pixels[top : top + side, left : left + side])


def _jpeg(pixels: RGB) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
