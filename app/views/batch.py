"""Batch: a list of requests, what was found out about it, the erasure as it happens, and its outcomes."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from app import pieces, request_pieces
from app.asked import EXAMPLE, MOST, Asked, read_asked, replaced
from app.batch import PROMISES, Done, Line
from app.books import given_ledger
from app.frame import HISTORY, needs_model, page, part, progress_of, session, show
from app.opening import BATCH_ENDED, carry_out_batch, look_at_batch
from app.people import OpenModel, Photo
from app.promises import caveat, title, words
from app.session import Batch, Session
from faceforget.errors import FaceForgetError, WrongPersonError
from faceforget.photos.align import RGB
from faceforget.report.words import listed, shown_name
from faceforget.requests.steps.examine import label_of

_STEPS = ("List", "Check", "Erase", "Outcomes")
_PHOTO_TYPES = ["jpg", "jpeg", "png", "webp"]
_EXAMPLE_PEOPLE = 3
_NAMED = 5


def main() -> None:
    """The page."""
    if session().notice == BATCH_ENDED:
        session().notice = ""  # this page says it itself
    with page(
        "Several people at once",
        "Give a list of erasure requests. See first what would happen, then erase everybody. Each gets a receipt.",
    ) as here:
        if not needs_model(here) or here.model is None:
            return
        batch = here.batch
        if batch.running is not None:
            _running()
        elif batch.checking is not None:
            _checking()
        elif batch.asked:
            _checked(here, here.model, batch)
        elif batch.done is not None:
            _outcomes(here, batch.done)
        else:
            _list(here, here.model)


def _list(here: Session, model: OpenModel) -> None:
    show(pieces.steps(_STEPS, 0))
    with st.container(border=True):
        st.subheader("The requests", anchor=False)
        show(
            "<p>Either a zip with a folder of photos for each person, named after them. Or a list (CSV or JSON) with "
            "the columns <code>person</code>, <code>photos</code> and, if wanted, <code>check</code>, and the photos "
            f"it names, in a zip. Up to {MOST} people; 20 MB a file, several zips if need be.</p>"
        )
        files = st.file_uploader(
            "List, zips and photos",
            type=["csv", "json", "zip", *_PHOTO_TYPES],
            accept_multiple_files=True,
            key=f"batch-{here.generation}",
        )
        with st.container(horizontal=True):
            if st.button("Check the requests", type="primary", disabled=not files):
                look_at_batch(here, read_asked([Photo(file.name, file.getvalue()) for file in files]))
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
def _checking() -> None:
    here = session()
    job = here.batch.checking
    if job is None or job.state == "done":
        st.rerun()
    elif job.active:
        show(pieces.steps(_STEPS, 1))
        progress_of(job, "Reading the photos …")
        if st.button("Cancel"):
            job.cancel()
            _leave(here)
    else:
        if job.error is not None:
            show(pieces.problem(job.error))
        if st.button("Back to the list"):
            _leave(here)


def _leave(here: Session) -> None:
    """Back to an empty list; the outcomes of the last batch stay as long as nothing else is asked for."""
    here.batch = Batch(terms=here.batch.terms, faces=here.batch.faces)
    here.generation += 1
    st.rerun()


def _checked(here: Session, model: OpenModel, batch: Batch) -> None:
    show(pieces.steps(_STEPS, 1))
    good = [line for line in batch.lines if line.error is None]
    bad = [line for line in batch.lines if line.error is not None]
    show(_summary(len(good), len(bad)))
    for place, line in enumerate(batch.lines):
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
    _terms(batch)
    _go(here, model, batch, good)


def _summary(good: int, bad: int) -> str:
    if not bad:
        return pieces.state(f"{_people(good)} can be erased.", kind="done")
    rest = "Whoever has a problem is not erased, and gets a receipt that says so. Better give other photos first."
    return pieces.state(f"{good} of {_people(good + bad)} can be erased.", rest, "warn")


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


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
            f"Other photos of {name}", type=_PHOTO_TYPES, accept_multiple_files=True, key=key
        )  # fmt: skip
        with st.container(horizontal=True):
            if st.button("Use these instead", key=f"{key}-use", disabled=not files):
                photos = [Photo(file.name, file.getvalue()) for file in files]
                here.generation += 1
                look_at_batch(here, replaced(here.batch.asked, line.asked.person, photos))
                st.rerun()
            if st.button(f"Leave {name} out", key=f"{key}-out"):
                rest = [request for request in here.batch.asked if request is not line.asked]
                here.generation += 1
                if not rest:
                    _leave(here)
                look_at_batch(here, rest)
                st.rerun()


def _face(model: OpenModel, person: str) -> RGB | None:
    try:
        return model.face_of(label_of(model.recognizer, person))
    except FaceForgetError:  # the line says that the model does not know them
        return None


def _terms(batch: Batch) -> None:
    promise = st.radio(
        "What is promised",
        PROMISES,
        format_func=title,
        captions=[words(promise) for promise in PROMISES],
        index=PROMISES.index(batch.terms.promise),
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
            "Slower. Whoever has passed the check is done, whatever comes after.",
        ],
        index=0 if batch.terms.joint else 1,
    )
    batch.terms = replace(batch.terms, promise=promise, joint=joint)


def _go(here: Session, model: OpenModel, batch: Batch, good: Sequence[Line]) -> None:
    reason = _hindrance(here, model, good)
    if reason:
        show(pieces.state(reason, kind="warn"))
    with st.container(horizontal=True):
        if st.button(f"Erase {_people(len(good))} …", type="primary", disabled=bool(reason)):
            batch.confirming = True
        if st.button("Another list"):
            _leave(here)
    if batch.confirming and not reason:
        _confirm(good)


def _hindrance(here: Session, model: OpenModel, good: Sequence[Line]) -> str:
    """Why the batch cannot begin; empty where it can."""
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
    more = [_people(len(good) - _NAMED) + " more"] if len(good) > _NAMED else []
    terms = here.batch.terms
    cancel = (
        "Until the check has passed you can cancel, and the model is as it was."
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
def _running() -> None:
    here = session()
    batch = here.batch
    job = batch.running
    if job is None or job.state == "done":
        st.rerun()
    elif job.active:
        show(pieces.steps(_STEPS, 2))
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


def _outcomes(here: Session, done: Done) -> None:
    for piece in (pieces.steps(_STEPS, 3), _end(done), request_pieces.outcomes(done)):
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
        if done.failed and st.button(f"Try {_people(len(done.failed))} again"):
            look_at_batch(here, done.failed)
            st.rerun()
        if st.button("Another list"):
            _leave(here)
        if st.button("History"):
            st.switch_page(HISTORY)


def _end(done: Done) -> str:
    erased, total = len(done.erased), len(done.outcomes)
    if not erased:
        words = "Cancelled. The model is as it was." if done.cancelled else "Nobody was erased. The model is as it was."
        return pieces.state(words, kind="done" if done.cancelled else "bad")
    cancelled = "Cancelled before the rest. " if done.cancelled else ""
    return pieces.state(
        f"{_people(total)} erased." if erased == total else f"{erased} of {_people(total)} erased.",
        f"{cancelled}The new model is open here now; its audit has passed for each of them.",
        "done" if erased == total else "warn",
    )


main()
