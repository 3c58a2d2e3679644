"""What every page has: its session, its heading, and errors that never show a stack trace."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import streamlit as st

from app.jobs import Job
from app.pieces import problem, state
from app.session import KEY, Session
from faceforget.errors import FaceForgetError

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)
_UNFORESEEN = FaceForgetError(
    "Something went wrong that FaceForget did not foresee.",
    "Nothing was changed. Go to another page and come back; the terminal in which the app runs says more.",
)
START, RECOGNISE, FORGET = "views/start.py", "views/recognise.py", "views/forget.py"
PROOF, RECEIPT = "views/proof.py", "views/receipt.py"
BATCH, HISTORY = "views/batch.py", "views/history.py"


def session() -> Session:
    """The work of this browser session."""
    if KEY not in st.session_state:
        st.session_state[KEY] = Session()
    found: Session = st.session_state[KEY]
    return found


def show(html: str) -> None:
    """HTML in the look of the reports."""
    st.html(f'<div class="ff">{html}</div>')


@contextmanager
def page(title: str, lead: str = "") -> Iterator[Session]:
    """Heading, notice, and a guard around the content."""
    here = session()
    st.title(title, anchor=False)
    if lead:
        show(f'<p class="lead-in">{lead}</p>')
    if here.notice:
        show(state(here.notice, kind="done"))
        here.notice = ""
    with guarded():
        yield here


@contextmanager
def guarded() -> Iterator[None]:
    """Show errors as designed states; those that nobody foresaw go to the log."""
    try:
        yield
    except FaceForgetError as error:
        show(problem(error))
    except Exception:
        _log.exception("A page of the app failed")
        show(problem(_UNFORESEEN))


def part(function: Callable[P, None]) -> Callable[P, None]:
    """A guard around a part that Streamlit runs on its own."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with guarded():
            function(*args, **kwargs)

    return run


def needs_model(here: Session) -> bool:
    """Whether a model is open; otherwise what to do about it."""
    if here.model is not None:
        return True
    show(state("No model is open.", "Open one on the first page, or try it with the embedded people."))
    if st.button("Go to Start", type="primary"):
        st.switch_page(START)
    return False


def needs_erasure(here: Session) -> bool:
    """Whether somebody was erased; otherwise what to do about it."""
    if here.erased is not None:
        return True
    if here.erasing is not None and here.erasing.active:
        show(state("The erasure is under way.", "Its results will be here."))
    else:
        show(state("Nobody has been erased yet.", "What an erasure did, and what is left, will be here."))
    if st.button("Go to Forget", type="primary"):
        st.switch_page(FORGET)
    return False


def progress_of(job: Job[T], words: str) -> None:
    """A bar for a job under way."""
    stage = job.stage
    if job.state == "waiting":
        st.progress(0.0, text="Waiting for another piece of work to end …")
    elif stage is None:
        st.progress(0.0, text=words)
    else:
        share = min(stage.done / stage.total, 1.0) if stage.total else 0.0
        left = stage.seconds_left
        more = f" about {max(1, round(left))} s left" if left else ""
        st.progress(share, text=f"{stage.name[:1].upper()}{stage.name[1:]} …{more}")
