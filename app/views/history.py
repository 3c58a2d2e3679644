"""History: what the ledger says about every request, without names, and the check of it and of receipts."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from app import pieces, request_pieces
from app.books import (
    CheckedReceipt,
    LedgerRecord,
    check_receipt,
    given_ledger,
    ledger_in,
    read_records,
    signed_export,
    verify,
)
from app.frame import BATCH, page, show
from app.session import Session
from faceforget.api import ERASED, TamperedError, fingerprint, receipt_page, receipt_pdf
from faceforget.errors import FaceForgetError

_MOST = 50
_MAX_RECEIPT = 2**20


def main() -> None:
    """The page."""
    with page(
        "What was done",
        "The ledger has a line for every step of every request, and no name. Each line seals the one before it.",
    ) as here:
        ledger = ledger_in(here.folder)
        records = _records(ledger)
        if not records:
            show(pieces.state("No request yet.", "Erase people on the page Batch: each request gets its lines here."))
            if st.button("Go to Batch", type="primary"):
                st.switch_page(BATCH)
        else:
            _verify(ledger)
            _list(records)
        show(_kept())
        st.subheader("Check a receipt", anchor=False)
        _receipt(here, ledger)


def _records(ledger: Path | None) -> Sequence[LedgerRecord]:
    try:
        return read_records(ledger)
    except FaceForgetError as error:
        show(_tampered(error))
        return ()


def _kept() -> str:
    given = given_ledger()
    if given is None:
        text = "This ledger goes with the session; <code>faceforget app --ledger FILE</code> keeps one."
    else:
        text = f"The ledger is kept in the file “{pieces.text(given.name)}”, for every session of this app."
    return f'<p class="note">{text}</p>'


def _verify(ledger: Path | None) -> None:
    if ledger is None:
        return
    with st.container(horizontal=True):
        checked = st.button("Verify", type="primary")
        exported = st.button("Make a signed export")
    if checked:
        try:
            count = verify(ledger)
        except TamperedError as error:
            show(_tampered(error))
        else:
            show(
                pieces.state(
                    f"The ledger is intact: {count} entries.",
                    "Each entry seals the one before it, so none was changed, taken out or put in between. It does not "
                    "show whether the last ones were cut off, or all written anew: for that, keep a signed export "
                    "elsewhere.",
                    "done",
                )
            )
    if exported:
        data = signed_export(ledger)
        st.download_button("Download the export", data, "ledger.json", "application/json", on_click="ignore")


def _tampered(error: FaceForgetError) -> str:
    words = "What it says can no longer be relied on from there. Compare it with an export that was kept elsewhere."
    if isinstance(error, TamperedError):
        seq = error.values.get("seq")
        where = f"Entry {seq} is not as it was written." if seq else "The file is damaged."
        return pieces.state(f"The ledger is not intact. {where}", words, "bad")
    return pieces.problem(error)


def _list(records: Sequence[LedgerRecord]) -> None:
    wanted = st.text_input("Search by request", placeholder=f"{len(records)} requests").strip().casefold()
    found = [record for record in records if record.request.startswith(wanted)]
    if not found:
        show(pieces.state("No request begins like that.", "Its number is on the receipt."))
        return
    show(request_pieces.records(found[:_MOST]))
    if len(found) > _MOST:
        show(f'<p class="note">{len(found) - _MOST} more; search to see them.</p>')
    if len(found) == 1:
        show(f"<h3>Its entries</h3>{request_pieces.entries(found[0])}")


def _receipt(here: Session, ledger: Path | None) -> None:
    with st.container(border=True):
        show(
            "<p>A receipt is the JSON file of a request. With the public key of the operator (.pub) it is "
            "known who signed it.</p>"
        )
        files = st.file_uploader(
            "Receipt, and public key",
            type=["json", "pub"],
            accept_multiple_files=True,
            key=f"receipt-{here.generation}",
        )
        receipts = [file for file in files if file.name.lower().endswith(".json")]
        keys = [file for file in files if file.name.lower().endswith(".pub")]
        if len(receipts) > 1 or len(keys) > 1:
            show(pieces.state("One receipt and one key at a time.", "Take the others out.", "warn"))
        elif receipts and receipts[0].size > _MAX_RECEIPT:
            show(pieces.state("This is no receipt: it has more than 1 MB.", "Give the JSON of a receipt.", "bad"))
        elif receipts:
            key = keys[0].getvalue() if keys else None
            try:
                found = check_receipt(receipts[0].getvalue(), ledger, key)
            except TamperedError as error:
                text = "It was changed, is no receipt, or another key signed it."
                show(pieces.state("This receipt does not hold.", f"{text} {_first(error.message)}", "bad"))
            else:
                _intact(found)


def _first(message: str) -> str:
    """The first line: what validation adds is for programs."""
    return message.split("\n")[0].rstrip(":")


def _intact(found: CheckedReceipt) -> None:
    content = found.receipt.content
    erased = content["outcome"] == ERASED
    signer = {
        "given": "It bears the signature of the key that you gave.",
        "ours": "It bears the signature of the key of this ledger.",
        "any": "Anybody can sign with a key of their own: add the public key of the operator to know that it was them.",
    }[found.signer]
    recorded = "The ledger recorded this very receipt." if found.recorded else "It is not in the ledger that is open."
    trusted = found.signer != "any"
    show(
        pieces.state(
            f"The receipt is as it was signed: {'erased' if erased else 'not erased'}.",
            f"{signer} {recorded}",
            "done" if trusted else "warn",
        )
        + pieces.facts(
            {
                "Request": str(content["request"]),
                "Outcome": str(content["outcome"]),
                "Signed by the key": fingerprint(found.receipt.public_key),
            }
        )
    )
    with st.container(horizontal=True):
        name = f"receipt-{content['request']}"
        page_ = receipt_page(content, found.receipt.public_key)
        st.download_button("Receipt as HTML", page_, f"{name}.html", "text/html", on_click="ignore")
        pdf = receipt_pdf(content, found.receipt.public_key)
        st.download_button("Receipt as PDF", pdf, f"{name}.pdf", "application/pdf", on_click="ignore")


main()
