"""Start: what this is, and which model to work with."""

import streamlit as st

from app import pieces
from app.frame import FORGET, RECOGNISE, page, part, progress_of, session, show
from app.opening import build, given_model, open_embedded
from app.people import KEEP_BACK_FROM, OpenModel, model_file, open_model
from app.session import Session
from app.uploads import check_names, people_in_zip
from faceforget.api import Upload
from faceforget.errors import UsageError

_FACES_SHOWN = 16
_PHOTO_TYPES = ["jpg", "jpeg", "png", "webp"]


def main() -> None:
    """The page."""
    with page(
        "Make a model forget a person",
        "FaceForget erases a person from a face-recognition model, using only their photos. Then it shows what is "
        "left of them: photo by photo, and under attack.",
    ) as here:
        if here.model is None and here.opening is None and not st.session_state.get("given"):
            st.session_state["given"] = True
            given = given_model()
            if given is not None:
                here.use(given)
        if here.opening is not None:
            _opening()
        elif here.model is not None:
            _open(here, here.model)
        else:
            _choices(here)


@st.fragment(run_every=1.0)
@part
def _opening() -> None:
    here = session()
    job = here.opening
    if job is None or job.state == "done":
        st.rerun()
    elif job.active:
        with st.container(border=True):
            st.subheader("Getting the people ready", anchor=False)
            progress_of(job, "Starting …")
            if st.button("Cancel"):
                job.cancel()
                here.opening = None
                st.rerun()
    else:
        if job.error is not None:
            show(pieces.problem(job.error))
        if st.button("Back"):
            here.opening = None
            st.rerun()


def _open(here: Session, model: OpenModel) -> None:
    count = len(model.recognizer.labels)
    with st.container(border=True):
        st.subheader(f"{count} people are in the model", anchor=False)
        known = [crop for name in model.recognizer.labels if (crop := model.face_of(name)) is not None]
        if known:
            faces = "".join(pieces.face(crop, "somebody in the model") for crop in known[:_FACES_SHOWN])
            show(f'<div class="faces">{faces}</div>')
        notes = " ".join((f"Open: {model.origin}.", *model.notes))
        show(f'<p class="note">{pieces.text(notes)}</p>')
        with st.container(horizontal=True):
            if st.button("Forget somebody", type="primary"):
                st.switch_page(FORGET)
            if st.button("Recognise photos"):
                st.switch_page(RECOGNISE)
            if model.photos and not model.rendered:  # built here: there is no file of it yet
                st.download_button(
                    "Save the model", lambda: model_file(model.recognizer), "faceforget.safetensors", on_click="ignore"
                )
            if st.button("Use another model"):
                here.use(None)
                st.rerun()


def _choices(here: Session) -> None:
    with st.container(border=True):
        st.subheader("Try it with the embedded people", anchor=False)
        show(
            "<p>Twenty-four people rendered by a program, who do not exist. Sixteen get enrolled, eight stay "
            "strangers. Choose one and have them forgotten.</p>"
        )
        if st.button("Try it with the embedded people", type="primary"):
            open_embedded(here)
            st.rerun()
    first, second = st.columns(2, gap="medium")
    with first.container(border=True, height="stretch"):
        st.subheader("Open a model", anchor=False)
        _file(here)
    with second.container(border=True, height="stretch"):
        st.subheader("Build one from photos", anchor=False)
        _photos(here)
    show(
        '<p class="foot">Everything stays on this machine: photos are gone when you close this '
        "window, or at once with “Delete everything I uploaded” on the page Receipt.</p>"
    )


def _file(here: Session) -> None:
    show(
        "<p>A file made by <code>faceforget enroll</code>, up to 20 MB. For a larger one start with "
        "<code>faceforget app --model FILE</code>.</p>"
    )
    file = st.file_uploader("Model file", type=["safetensors"], key=f"model-{here.generation}")
    if file is not None:
        here.use(open_model(file.getvalue(), file.name))
        st.rerun()


def _photos(here: Session) -> None:
    show(
        "<p>A zip with a folder for each person, named after them, at least two people with two photos each. With "
        f"{KEEP_BACK_FROM} or more photos of each, a third is kept back to check on.</p>"
    )
    file = st.file_uploader("Zip of folders", type=["zip"], key=f"zip-{here.generation}")
    if file is not None and st.button("Build the model", type="primary"):
        build(here, people_in_zip(file.getvalue()))
        st.rerun()
    with st.expander("No zip? Add people one at a time"):
        _one_by_one(here)


def _one_by_one(here: Session) -> None:
    added = here.draft
    with st.form("person", clear_on_submit=True, border=False):
        name = st.text_input("Name", max_chars=100)
        files = st.file_uploader("Photos of this person", type=_PHOTO_TYPES, accept_multiple_files=True)
        if st.form_submit_button("Add this person"):
            if not name.strip() or not files:
                raise UsageError("A name and at least two photos are needed.")
            check_names({**added, name.strip(): files})
            added[name.strip()] = [Upload(file.name, file.getvalue()) for file in files]
    if added:
        lines = "".join(f"<li>{pieces.name_of(n)}: {len(photos)} photos</li>" for n, photos in added.items())
        show(f"<ul>{lines}</ul>")
        if st.button("Build the model from these people", type="primary"):
            build(here, dict(added))
            st.rerun()


main()
