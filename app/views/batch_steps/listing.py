"""The list: what is asked for, and the look at it under way."""

import streamlit as st

from app import pieces
from app.batches.asked import EXAMPLE, MOST, read_asked
from app.frame import part, progress_of, session, show
from app.opening import look_at_batch
from app.people import OpenModel
from app.session import Session
from app.views.batch_steps.shared import PHOTO_TYPES, STEPS, leave
from faceforget.api import Asked, Upload, shown_name

_EXAMPLE_PEOPLE = 3


def give_list(here: Session, model: OpenModel) -> None:
    """A list and its photos, to be uploaded."""
    show(pieces.steps(STEPS, 0))
    with st.container(border=True):
        st.subheader("The requests", anchor=False)
        show(
            "<p>Either a zip with a folder of photos for each person, named after them. Or a list (CSV or JSON) with "
            "the columns <code>person</code>, <code>photos</code> and, if wanted, <code>check</code> and "
            "<code>method</code> (how to erase that person; empty for the method of the promise), and the photos it "
            f"names, in a zip. Up to {MOST} people; 20 MB a file, several zips if need be.</p>"
        )
        files = st.file_uploader(
            "List, zips and photos",
            type=["csv", "json", "zip", *PHOTO_TYPES],
            accept_multiple_files=True,
            key=f"batch-{here.generation}",
        )
        with st.container(horizontal=True):
            if st.button("Check the requests", type="primary", disabled=not files):
                look_at_batch(here, read_asked([Upload(file.name, file.getvalue()) for file in files]))
                st.rerun()
            st.download_button("Example of a list", EXAMPLE, "requests.csv", "text/csv", on_click="ignore")
            if model.rendered and st.button("Show me with embedded people"):
                look_at_batch(here, _example(model))
                st.rerun()
    show(
        '<p class="foot">Nothing is erased before you confirm. While a batch runs, its files are in a folder that only '
        "this app reads; it goes when the batch ends.</p>"
    )


def _example(model: OpenModel) -> list[Asked]:
    """Some of the embedded people, and one request that cannot be met."""
    labels = model.recognizer.labels[:_EXAMPLE_PEOPLE]
    stranger = next(iter(model.strangers), "nobody").replace("_", " ")
    asked = [Asked(shown_name(name), tuple(model.photos.get(name, ()))) for name in labels]
    return [*asked, Asked(stranger, tuple(model.photos.get(model.recognizer.labels[-1], ()))[:3])]


@st.fragment(run_every=1.0)
@part
def checking() -> None:
    """The look at the requests, under way."""
    here = session()
    job = here.batch.checking
    if job is None or job.state == "done":
        st.rerun()
    elif job.active:
        show(pieces.steps(STEPS, 1))
        progress_of(job, "Reading the photos …")
        if st.button("Cancel"):
            job.cancel()
            leave(here)
    else:
        if job.error is not None:
            show(pieces.problem(job.error))
        if st.button("Back to the list"):
            leave(here)
