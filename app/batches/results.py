"""What a batch has come to: its outcomes, the new model, and a zip with the receipts."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from app.batches.data import EndedBatch, NamedOutcome, Terms
from app.people import OpenModel
from faceforget import api
from faceforget.api import (
    ERASED,
    Asked,
    Ledger,
    Place,
    label_of,
    public_path,
    read_plan,
    read_receipt,
    receipt_pdf,
    why_failed,
)
from faceforget.errors import UsageError


def outcomes_of(place: Place, ledger: Path, asked: Sequence[Asked]) -> tuple[NamedOutcome, ...]:
    """What each request has come to, as the ledger has it.

    Args:
        place: Of the batch.
        ledger: The database.
        asked: The requests.
    """
    plan = read_plan(place.out)
    if plan is None:
        return ()  # nothing had begun
    with Ledger(ledger) as opened:
        pairs = zip(plan.requests, asked, strict=True)
        return tuple(_outcome(opened, request, line.person) for request, line in pairs)


def _outcome(ledger: Ledger, request: str, person: str) -> NamedOutcome:
    entries = ledger.of(request)
    if entries[-1].body.get("outcome") == ERASED:
        return NamedOutcome(request, erased=True, person=person)
    failed = [entry.body for entry in entries if entry.state == "failed"]
    return NamedOutcome(request, False, why_failed(failed[-1]) if failed else "", person=person)


def done(
    model: OpenModel,
    asked: Sequence[Asked],
    terms: Terms,
    outcomes: tuple[NamedOutcome, ...],
    place: Place,
    ledger: Path,
    cancelled: bool,
    runtime: api.Runtime,
) -> EndedBatch:
    """The batch with its new model and its receipts.

    Args:
        model: The model before.
        asked: The requests.
        terms: How it was carried out.
        outcomes: Of each.
        place: Of the batch.
        ledger: The database.
        cancelled: Whether the user stopped it.
        runtime: Has the new model, and need not read it again.

    Raises:
        UsageError: The new model still knows somebody who was erased.
    """
    gone = [outcome.person for outcome in outcomes if outcome.erased]
    receipts = _receipts(place, [outcome.request for outcome in outcomes], ledger)
    if not gone:
        return EndedBatch(tuple(asked), terms, outcomes, None, b"", receipts, cancelled)
    return EndedBatch(
        tuple(asked),
        terms,
        outcomes,
        _without(model, gone, runtime.load(place.live)),
        place.live.read_bytes(),
        receipts,
        cancelled,
    )


def _without(model: OpenModel, gone: Sequence[str], recognizer: api.Recognizer) -> OpenModel:
    """The new model; of the erased, nothing is at hand any more."""
    labels = {label_of(model.recognizer, person) for person in gone}
    if labels & set(recognizer.labels):
        raise UsageError("The new model still has the name of somebody who was erased.", "It was not opened.")
    return model.without(labels, recognizer)


def _receipts(place: Place, requests: Sequence[str], ledger: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for request in requests:
            page, signed = place.receipt(request, ".html"), place.receipt(request, ".json")
            if signed.is_file():
                receipt = read_receipt(signed.read_bytes())
                archive.writestr(f"{request}.json", signed.read_bytes())
                archive.writestr(f"{request}.html", page.read_bytes())
                archive.writestr(f"{request}.pdf", receipt_pdf(receipt.content, receipt.public_key))
        archive.writestr("signed-with.pub", public_path(ledger.with_name(f"{ledger.name}.key")).read_bytes())
    return buffer.getvalue()
