"""Everything that is handed out after an erasure: the model, and the report in three forms."""

import json
from dataclasses import dataclass

from app.erasing import Erased
from app.people import model_file
from faceforget.api import Section, audit_document, drawn, piece, sections_html, sha256_bytes
from faceforget.api import report_html as html
from faceforget.api import report_pdf as pdf
from faceforget.progress import Progress, silent


@dataclass(frozen=True)
class Papers:
    """What can be downloaded, and the audit's questions as HTML.

    Attributes:
        model: The erased model's file.
        page: The report as HTML.
        pdf: The report for print.
        numbers: The report as JSON, with the record of the erasure.
        questions: Each question, and its HTML.
        criteria: Every criterion as HTML.
        model_sha256: Of the file.
    """

    model: bytes
    page: bytes
    pdf: bytes
    numbers: bytes
    questions: tuple[tuple[Section, str], ...]
    criteria: str
    model_sha256: str


def papers(erased: Erased, progress: Progress = silent) -> Papers:
    """Write the reports and the model file."""
    document = audit_document(erased.report)
    charts = drawn(document, progress)
    page = html(document, sections_html(document, charts)).encode()
    shown = sections_html(document, charts, images=True)  # Streamlit takes no SVG
    printed = pdf(document, progress)
    model = model_file(erased.outcome.recognizer)
    numbers = {"audit": erased.report.to_dict(), "erasure": erased.outcome.to_dict()}
    numbers["model_after_sha256"] = {"file": sha256_bytes(model)}
    return Papers(
        model,
        page,
        printed,
        (json.dumps(numbers, indent=2, ensure_ascii=False) + "\n").encode(errors="backslashreplace"),
        tuple(zip(document.sections, shown, strict=True)),
        piece("criteria", document.criteria),
        sha256_bytes(model),
    )
