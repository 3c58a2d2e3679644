"""Receipt and download: the erased model, the report, and an end to everything uploaded."""

import streamlit as st

from app import pieces
from app.books import given_ledger
from app.erasing import Erased
from app.frame import START, needs_erasure, page, part, progress_of, session, show
from app.methods import reads_anchors
from app.papers import Papers
from app.server import let_go
from app.session import Session
from faceforget.api import PROMISES_IN_WORDS, count_photos

_PATIENCE_S = 30.0


def main() -> None:
    """The page."""
    with page("Receipt and download") as here:
        if needs_erasure(here):
            _ready()
        st.subheader("Your photos", anchor=False)
        _delete(here)


@st.fragment(run_every=1.0)
@part
def _waiting() -> None:
    job = session().papers
    if job is not None and job.active:
        progress_of(job, "Writing the report …")
    else:
        st.rerun()


def _ready() -> None:
    here = session()
    if here.erased is None or here.papers is None:
        return
    if here.papers.active:
        _waiting()
    elif here.papers.error is not None:
        show(pieces.problem(here.papers.error))
    else:
        _downloads(here.erased, here.papers.result)


def _downloads(erased: Erased, papers: Papers) -> None:
    record = erased.outcome.record
    name = f"faceforget-{record['id']}"
    verdict = erased.report.verdict
    st.subheader("The erased model", anchor=False)
    with st.container(border=True):
        promises = " · ".join(f"{PROMISES_IN_WORDS[promise][0]}: {verdict.of(promise)}" for promise in verdict.findings)
        show(f"<p>A copy without {pieces.name_of(erased.person)}, their row and label. {pieces.text(promises)}.</p>")
        st.download_button(
            "Download the model", papers.model, f"{name}.safetensors", "application/octet-stream", type="primary",
            on_click="ignore",
        )  # fmt: skip
        _go_on(erased)
    st.subheader("The receipt", anchor=False)
    with st.container(border=True):
        show("<p>The audit with every number, its threshold and its reference, and what is not proven.</p>")
        with st.container(horizontal=True):
            st.download_button("HTML", papers.page, f"{name}.html", "text/html", on_click="ignore")
            st.download_button("PDF", papers.pdf, f"{name}.pdf", "application/pdf", on_click="ignore")
            st.download_button("JSON", papers.numbers, f"{name}.json", "application/json", on_click="ignore")
        show('<p class="note">HTML and PDF hold pictures of the person: keep them where such photos may be kept.</p>')
    settings = ", ".join(f"{key} {value}" for key, value in record["settings"].items())
    anchors = "; rendered people as anchors" if reads_anchors(erased.method) else ""
    show(
        pieces.facts(
            {
                "Erasure": str(record["id"]),
                "Method": f"{record['method']} ({settings}), seed {record['seed']}",
                "Read": f"{count_photos(erased.read)} of the person, {record['retained_photos']} of others{anchors}",
                "Weights before, SHA-256": str(record["weights_before"]),
                "Weights after, SHA-256": str(record["weights_after"]),
                "Model file, SHA-256": papers.model_sha256,
            }
        )
    )


def _go_on(erased: Erased) -> None:
    """Work on with the erased model, to erase somebody else from it."""
    here = session()
    if here.model is None or here.model.recognizer is not erased.before:
        return  # another model is open by now
    if st.button("Open it here, in place of the one before"):
        here.go_on_with(here.model.without({erased.person}, erased.outcome.recognizer))
        here.notice = "The erased model is open."
        st.switch_page(START)


def _ledger() -> str:
    """What becomes of the ledger, where there is one that stays."""
    return " The ledger of this app stays: it holds no names." if given_ledger() is not None else ""


def _delete(here: Session) -> None:
    with st.container(border=True):
        show(
            "<p>Photos, faces, names and models of this session are in memory only; a batch has them in a folder of "
            f"its own while it runs. They go when you close this window, or now.{_ledger()} What you downloaded, and "
            "the model that you uploaded, stay where you keep them.</p>"
        )
        sure = st.checkbox("I have downloaded what I need", key=f"sure-{here.generation}")
        if st.button("Delete everything I uploaded", disabled=not sure):
            _forget(here)


def _forget(here: Session) -> None:
    from streamlit.runtime import exists, get_instance
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    under_way = here.batch.job
    here.forget_everything()
    if under_way is not None:
        with st.spinner("Stopping the batch …"):
            under_way.wait(_PATIENCE_S)  # its files go when it has come to its next step
    for key in [key for key in st.session_state if str(key) != "faceforget"]:
        del st.session_state[key]
    context = get_script_run_ctx()
    if exists() and context is not None:
        let_go(get_instance(), context.session_id)
    here.notice = "Everything that you uploaded, and what was made of it, is gone from this session."
    st.switch_page(START)


main()
