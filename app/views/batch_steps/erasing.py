"""What is promised, the question whether the user is sure, and the erasure as it happens."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from app import pieces, request_pieces
from app.batches.data import Line
from app.frame import part, progress_of, session, show
from app.opening import carry_out_batch
from app.people import OpenModel
from app.promises import caveat, title, words
from app.session import BatchState, Session
from app.views.batch_steps.shared import STEPS, leave, people
from faceforget.api import METHOD_OF_PROMISE, listed

_NAMED = 5


def choose_terms(batch: BatchState) -> None:
    """How the batch is to be carried out."""
    promise = st.radio(
        "What is promised",
        list(METHOD_OF_PROMISE),
        format_func=title,
        captions=[words(promise) for promise in METHOD_OF_PROMISE],
        index=list(METHOD_OF_PROMISE).index(batch.terms.promise),
        label_visibility="collapsed",
    )
    if caveat(promise):
        text = caveat(promise)
        show(pieces.state("For this the model keeps something of each person.", text[:1].upper() + text[1:], "warn"))
    joint = st.radio(
        "How",
        [True, False],
        format_func=lambda joint: "All in one pass" if joint else "One after the other",
        captions=[
            "Quicker. Nobody is erased before everybody was checked.",
            "Slower. Whoever is through the check is done, whatever comes after.",
        ],
        index=0 if batch.terms.joint else 1,
    )
    batch.terms = replace(batch.terms, promise=promise, joint=joint)


def go(here: Session, model: OpenModel, batch: BatchState, good: Sequence[Line], misnamed: Sequence[Line]) -> None:
    """Begin, once the user has confirmed it; or go back to the list. ``misnamed`` name a method that they cannot."""
    reason = _hindrance(here, model, good, misnamed)
    if reason:
        show(pieces.state(reason, kind="warn"))
    with st.container(horizontal=True):
        if st.button(f"Erase {people(len(good))} …", type="primary", disabled=bool(reason)):
            batch.confirming = True
        if st.button("Another list"):
            leave(here)
    if batch.confirming and not reason:
        _confirm(good)


def _hindrance(here: Session, model: OpenModel, good: Sequence[Line], misnamed: Sequence[Line]) -> str:
    """Why the batch cannot begin; empty where it can."""
    if misnamed:
        return f"{people(len(misnamed))} cannot be erased by the method that the list names. Change these requests."
    if not good:
        return "Nobody can be erased like this. Change the requests above."
    if len(good) >= len(model.recognizer.labels):
        return "Nobody would be left in the model. Delete the model file instead."
    if here.erasing is not None and here.erasing.active:
        return "An erasure is under way on the page Forget. Wait until it has ended."
    return ""


def _dismissed() -> None:
    session().batch.confirming = False


@st.dialog("Erase these people?", on_dismiss=_dismissed)
def _confirm(good: Sequence[Line]) -> None:
    here = session()
    names = [f"<b>{pieces.name_of(line.asked.person)}</b>" for line in good[:_NAMED]]
    more = [people(len(good) - _NAMED) + " more"] if len(good) > _NAMED else []
    terms = here.batch.terms
    cancel = (
        "Until the check is through you can cancel, and the model is as it was."
        if terms.joint
        else "You can cancel; whoever is done by then stays erased."
    )
    show(
        f"<p>{listed([*names, *more])}. The promise is <b>{title(terms.promise).lower()}</b>.</p>"
        "<p>Then the new model takes the place of the open one, which this app does not keep: see that you have its "
        f"file if you need it. {cancel}</p><p>Each request gets its lines in the ledger, without the name.</p>"
    )
    with st.container(horizontal=True):
        if st.button("Erase now", type="primary"):
            here.batch.confirming = False
            carry_out_batch(here)
            st.rerun()
        if st.button("Not yet"):
            here.batch.confirming = False
            st.rerun()


@st.fragment(run_every=1.0)
@part
def running() -> None:
    """The erasure, under way."""
    here = session()
    batch = here.batch
    job = batch.running
    if job is None or job.state == "done":
        st.rerun()
    elif job.active:
        show(pieces.steps(STEPS, 2))
        progress_of(job, "Reading the photos …")
        show(request_pieces.under_way([request.person for request in batch.asked], batch.live))
        if batch.stopping:
            show('<p class="note">Stopping after the step that is under way …</p>')
        elif st.button("Cancel"):
            job.cancel()
            batch.stopping = True
            st.rerun(scope="fragment")
    else:
        if job.error is not None:
            show(pieces.problem(job.error) + '<p class="note">The model is as it was.</p>')
        else:
            show(pieces.state("Cancelled. The model is as it was.", kind="done"))
        if st.button("Back to the requests"):
            batch.running, batch.stopping = None, False
            st.rerun()
