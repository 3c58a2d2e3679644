"""An erasure as it happens, what came of it where it failed, and a way back."""

import streamlit as st

from app import methods, pieces
from app.curves import curves
from app.erasing import Erased
from app.frame import PROOF, part, progress_of, session, show
from app.jobs import Job
from app.session import Session
from faceforget.api import in_steps


@st.fragment(run_every=0.5)
@part
def at_work(steps: tuple[str, ...]) -> None:
    """The erasure as it happens, the last of the page's steps."""
    here = session()
    job = here.erasing
    if here.erased is not None or (job is not None and job.state == "done"):
        st.switch_page(PROOF)
    elif job is None:
        st.rerun()
    elif job.active:
        show(pieces.steps(steps, len(steps) - 1))
        _live(here, job)
        if st.button("Cancel"):
            job.cancel()
            here.erasing = None
            here.notice = "Cancelled. The model is as it was."
            st.rerun()
    else:
        _failed(here, job)
        if st.button("Back to the photos"):
            here.erasing = None
            st.rerun()


def _live(here: Session, job: Job[Erased]) -> None:
    progress_of(job, "Reading their photos …")
    method = here.live.method
    if methods.takes_steps(method):
        show(f"<h3>{pieces.text(_course(here, job))}</h3>{curves(job.points, job.budget)}")
    if here.live.named:
        show(pieces.naming(here.live.named, here.person or ""))


def _course(here: Session, job: Job[Erased]) -> str:
    """How far the method has come; the audit goes on when it is done."""
    method, count = methods.title(here.live.method), len(job.points)
    if count and (job.stage is None or job.stage.name != "erasing"):
        return f"{method} is done, {in_steps(count)}. Now it is checked."
    return f"{method} at work: step {count} of at most {job.budget}" if count else f"{method} begins"


def _failed(here: Session, job: Job[Erased]) -> None:
    if job.error is None:
        return
    error = methods.refusal(job.error, here.live.method)
    show(pieces.problem(error) + '<p class="note">The model is as it was.</p>')
    if job.points:
        show(f"<h3>How far it came</h3>{curves(job.points, job.budget)}")
