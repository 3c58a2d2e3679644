"""What was found out about each request, and how to mend it."""

from dataclasses import replace

import streamlit as st

from app import pieces, request_pieces
from app.batches.asked import replaced, without_method
from app.batches.data import Line
from app.frame import show
from app.opening import look_at_batch
from app.people import OpenModel
from app.session import BatchState, Session
from app.views.batch_steps.erasing import choose_terms, go
from app.views.batch_steps.shared import PHOTO_TYPES, STEPS, leave, people
from faceforget.api import RGB, Upload, label_of, shown_name
from faceforget.errors import FaceForgetError, MethodError, WrongPersonError


def checked(here: Session, model: OpenModel, batch: BatchState) -> None:
    """Each request with what is wrong with it, and what is promised to those who can be erased."""
    show(pieces.steps(STEPS, 1))
    promised = batch.terms.promise
    lines = [line.promised(promised) for line in batch.lines]
    good = [line for line in lines if line.error is None]
    bad = [line for line in lines if line.error is not None]
    show(_summary(len(good), len(bad)))
    for place, line in enumerate(lines):
        _line(here, model, line, place)
    doubted = any(isinstance(line.error, WrongPersonError) for line in bad)
    if doubted or batch.terms.allow_mismatch:
        sure = st.checkbox(
            "Use photos that seem to show somebody else: I know that they are right", batch.terms.allow_mismatch
        )
        if sure != batch.terms.allow_mismatch:
            batch.terms = replace(batch.terms, allow_mismatch=sure)
            look_at_batch(here, batch.asked)
            st.rerun()
    st.subheader("What is promised", anchor=False)
    choose_terms(batch)
    if batch.terms.promise != promised and any(line.asked.method for line in lines):
        st.rerun()  # which methods may be named depends on it
    go(here, model, batch, good, [line for line in bad if isinstance(line.error, MethodError)])


def _summary(good: int, bad: int) -> str:
    if not bad:
        return pieces.state(f"{people(good)} can be erased.", kind="done")
    rest = "Whoever has a problem is not erased, and gets a receipt that says so. Better give other photos first."
    return pieces.state(f"{good} of {people(good + bad)} can be erased.", rest, "warn")


def _line(here: Session, model: OpenModel, line: Line, place: int) -> None:
    with st.container(border=True):
        show(request_pieces.line(line, _face(model, line.asked.person)))
        if line.refused:
            with st.expander(f"Why {len(line.refused)} cannot be used"):
                show(request_pieces.refused(line))
        if line.error is not None:
            _mend(here, line, place)


def _mend(here: Session, line: Line, place: int) -> None:
    """Other photos for a request with a problem, or no such request."""
    name = pieces.markdown(shown_name(line.asked.person))
    with st.expander(f"Change the request for {name}"):
        key = f"batch-{here.generation}-{place}"
        files = st.file_uploader(
            f"Other photos of {name}", type=PHOTO_TYPES, accept_multiple_files=True, key=key
        )  # fmt: skip
        with st.container(horizontal=True):
            if isinstance(line.error, MethodError) and st.button("Use the method of the promise", key=f"{key}-method"):
                here.generation += 1
                look_at_batch(here, without_method(here.batch.asked, line.asked.person))
                st.rerun()
            if st.button("Use these instead", key=f"{key}-use", disabled=not files):
                photos = [Upload(file.name, file.getvalue()) for file in files]
                here.generation += 1
                look_at_batch(here, replaced(here.batch.asked, line.asked.person, photos))
                st.rerun()
            if st.button(f"Leave {name} out", key=f"{key}-out"):
                rest = [request for request in here.batch.asked if request is not line.asked]
                here.generation += 1
                if not rest:
                    leave(here)
                look_at_batch(here, rest)
                st.rerun()


def _face(model: OpenModel, person: str) -> RGB | None:
    try:
        return model.face_of(label_of(model.recognizer, person))
    except FaceForgetError:  # the line says that the model does not know them
        return None
