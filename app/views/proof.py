"""Proof: what the erasure did, what is left, and what is not proven."""

import streamlit as st

from app import methods, pieces
from app.curves import curves, points_of
from app.erasing import Erased, enrol_again
from app.frame import RECEIPT, needs_erasure, page, part, progress_of, session, show
from app.jobs import Job
from app.papers import Papers
from app.promises import title as promised
from faceforget.api import audit_front as front
from faceforget.api import count_photos, in_steps, piece, share, shown_name

_PHOTOS, _STEPS, _AGAIN, _ALL = "Photos", "How it went", "Enrol again", "Every question"


def main() -> None:
    """The page."""
    with page("What is left of them?") as here:
        if not needs_erasure(here) or here.erased is None:
            return
        erased, here.fresh = here.erased, False
        _front(erased)
        with st.container(horizontal=True):
            if st.button("Receipt and download", type="primary"):
                st.switch_page(RECEIPT)
        _details()
        _limits(erased)


def _front(erased: Erased) -> None:
    report = erased.report
    outcome = erased.outcome
    how = f"{pieces.text(methods.title(erased.method))} {in_steps(len(outcome.erasure.steps))}"
    asked = (
        f"<b>Asked for: {promised(erased.promise).lower()}.</b> Erased with {how} ({outcome.seconds:.1f} s) from "
        f"{count_photos(erased.read)} of the person."
    )
    show(
        f'<p class="note">{asked}</p>{piece("findings", front.headline(report))}'
        f"{piece('verdicts', front.cards(report), front.numbers(report))}"
    )


@st.fragment
@part
def _details() -> None:
    here = session()
    erased = here.erased
    if erased is None:
        st.rerun()
    went = [_STEPS] if erased.outcome.erasure.steps else []  # without steps there is nothing to see
    answered = erased.report.answered()
    glances = [found for question, answer in answered if (found := question.glance(erased.report, answer))]
    own = [question.view for question, _ in answered if question.view]
    views = [_PHOTOS, *(glance.view for glance in glances), *went, _AGAIN, *own, _ALL]
    shown = st.segmented_control("Look closer", views, default=_PHOTOS)
    if shown == _STEPS:
        _steps(erased)
    elif shown == _AGAIN:
        _again(erased)
    elif shown in (*own, _ALL):
        if here.papers is not None and here.papers.state == "done":
            _questions(here.papers.result, "" if shown == _ALL else str(shown))
        elif here.papers is not None:
            _waiting(here.papers)
    elif glance := next((found for found in glances if found.view == shown), None):
        show(piece("glance", glance))
    else:
        _photos(erased)


def _photos(erased: Erased) -> None:
    name = pieces.name_of(erased.person)
    show(
        f"<h3>{name}: photos that the erasure did not read</h3>"
        f"{piece('before_after', erased.report.photos[:12], True)}"
        '<p class="note">After: the model as it is handed out, without their label and row, so that a face is given to '
        "somebody else or called unknown.</p>"
    )
    if erased.retained:
        show(
            f"<h3>People who stay: those whom the model found most like {name}</h3>"
            f"{piece('before_after', erased.retained, False)}"
        )


def _steps(erased: Erased) -> None:
    steps = erased.outcome.erasure.steps
    early = " It stopped once the model preferred somebody else." if erased.outcome.erasure.stopped_early else ""
    show(
        f"<h3>{pieces.text(methods.title(erased.method))} {in_steps(len(steps))}</h3>"
        f"{curves(points_of(steps), len(steps))}"
        '<p class="note">Measured in each step on varied versions of the photos that it read, with the old row in '
        f"place.{early}</p>"
    )


def _again(erased: Erased) -> None:
    name = shown_name(erased.person)
    show(
        f"<p>Somebody enrols {pieces.text(name)} in the erased model again. Does it work? <b>Forgotten</b> does not "
        "rule it out: it works with any stranger. <b>Unrecognisable</b> would.</p>"
    )
    most = min(5, erased.read)
    count = st.slider("Photos to enrol from", 1, most, most) if most > 1 else 1
    with st.spinner("Enrolling …"):
        found = enrol_again(erased, count)
    total = len(found.answers)
    stranger = f"A stranger enrolled the same way: {share(found.strangers)}. " if found.strangers is not None else ""
    best = f"Whatever the similarity, they are the best candidate on {found.best} of {total}."
    named = f"Named again on {found.named} of {count_photos(total)} ({share(found.named / total)})."
    show(
        pieces.state(named, stranger + best, "warn" if found.named else "done")
        + piece("again", erased.faces.forgotten[erased.person], found.answers, erased.person)
    )


@st.fragment(run_every=1.0)
@part
def _waiting(job: Job[Papers]) -> None:
    if job.active:
        progress_of(job, "Drawing …")
    elif job.state == "done":
        st.rerun()
    elif job.error is not None:
        show(pieces.problem(job.error))


def _questions(papers: Papers, view: str) -> None:
    """Those of one view; of the view of all, each folded."""
    if not view:
        show(papers.criteria)
    for section, text in papers.questions:
        if section.view != view:
            continue
        if view:
            show(text)
        else:
            with st.expander(pieces.markdown(section.title)):
                show(text)


def _limits(erased: Erased) -> None:
    _, known = methods.caveat(erased.method)
    show(piece("limits", [text for text in (*front.limits(erased.report), known) if text]))


main()
