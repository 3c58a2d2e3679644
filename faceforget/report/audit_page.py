"""The audit's report as one HTML file, which fetches nothing and prints well."""

from collections.abc import Sequence

from faceforget.audit.report import AuditReport
from faceforget.progress import Progress, silent, tracked
from faceforget.report.audit_document import audit_document
from faceforget.report.chart_files import to_svg
from faceforget.report.document import Document
from faceforget.report.drawing import draw
from faceforget.report.page import render

# Of each section the SVGs of its charts.
Drawn = Sequence[Sequence[str]]


def audit_page(report: AuditReport, progress: Progress = silent) -> str:
    """The HTML document."""
    document = audit_document(report)
    return html(document, sections_html(document, drawn(document, progress)))


def html(document: Document, sections: Sequence[str]) -> str:
    """A document with its :func:`sections_html` as HTML."""
    return render("audit.html", document=document, sections=sections)


def drawn(document: Document, progress: Progress = silent) -> Drawn:
    """Every chart of every question, which takes seconds; no id occurs in two of them."""
    found = enumerate(tracked(document.sections, "drawing the charts", len(document.sections), progress))
    return [
        [to_svg(draw(chart.plot), f"c{index}-{place}", chart.words) for place, chart in enumerate(section.charts)]
        for index, section in found
    ]


def sections_html(document: Document, charts: Drawn, *, images: bool = False) -> tuple[str, ...]:
    """Every question with its charts.

    Args:
        document: Whose questions.
        charts: As :func:`drawn`.
        images: Charts as images, for a page that takes no SVG; their words cannot be searched then.
    """
    both = zip(document.sections, charts, strict=True)
    return tuple(render("section.html", section=section, svgs=svgs, images=images) for section, svgs in both)
