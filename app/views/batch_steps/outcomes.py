"""What each request has come to, and what can be downloaded."""

import streamlit as st

from app import pieces, request_pieces
from app.batches.data import EndedBatch
from app.books import given_ledger
from app.frame import HISTORY, show
from app.opening import look_at_batch
from app.session import Session
from app.views.batch_steps.shared import STEPS, leave, people


def outcomes(here: Session, done: EndedBatch) -> None:
    """The end of a batch."""
    for piece in (pieces.steps(STEPS, 3), _end(done), request_pieces.outcomes(done)):
        show(piece)
    with st.container(border=True):
        st.subheader("Download", anchor=False)
        show(
            "<p>The receipts say what was done about each request, as HTML, PDF and signed JSON, by the number of the "
            "request and without names.</p>"
        )
        name = f"faceforget-batch-{done.outcomes[0].request}"
        with st.container(horizontal=True):
            if done.model is not None:
                st.download_button(
                    "Download the new model", done.file, f"{name}.safetensors", "application/octet-stream",
                    type="primary", on_click="ignore",
                )  # fmt: skip
            st.download_button(
                "Download the receipts", done.receipts, f"{name}-receipts.zip", "application/zip", on_click="ignore"
            )
        if done.model is not None:
            show(f'<p class="note">SHA-256 of the model <code>{done.sha256}</code></p>')
        if given_ledger() is None:
            show(
                '<p class="note">Ledger and signing key belong to this session and go with it. '
                "<code>faceforget app --ledger FILE</code> keeps them.</p>"
            )
    with st.container(horizontal=True):
        if done.failed and st.button(f"Try {people(len(done.failed))} again"):
            look_at_batch(here, done.failed)
            st.rerun()
        if st.button("Another list"):
            leave(here)
        if st.button("History"):
            st.switch_page(HISTORY)


def _end(done: EndedBatch) -> str:
    erased, total = len(done.erased), len(done.outcomes)
    if not erased:
        words = "Cancelled. The model is as it was." if done.cancelled else "Nobody was erased. The model is as it was."
        return pieces.state(words, kind="done" if done.cancelled else "bad")
    cancelled = "Cancelled before the rest. " if done.cancelled else ""
    return pieces.state(
        f"{people(total)} erased." if erased == total else f"{erased} of {people(total)} erased.",
        f"{cancelled}The new model is open here now. Nothing that its audit found speaks against it; what there were "
        "too few photos to say is in each receipt, and on the page History.",
        "done" if erased == total else "warn",
    )
