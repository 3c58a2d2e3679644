"""Proof: what the erasure did, what is left, and what is not proven."""

import streamlit as st

from app import methods, pieces
from app.curves import curves, points_of
from app.erasing import Erased, Papers, enrol_again
from app.frame import RECEIPT, needs_erasure, page, part, progress_of, session, show
from app.jobs import Job
from app.promises import title as promised
from faceforget.audit.shown.words import in_steps, share, shown_name
from faceforget.audit.shown.words import photos as count_photos
from faceforget.report import audit_front as front
from faceforget.report.audit_page import card_html, number_html

_PHOTOS, _HEAT, _STEPS = "Photos", "Where it looks", "How it went"
_AGAIN, _MAP, _ALL = "Enrol again", "Map", "Every question"
_MAP_TITLE = "where are the faces"


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
    sentences = "".join(f'<p class="finding">{pieces.text(words)}</p>' for words in front.headline(report))
    cards = "".join(map(card_html, front.cards(report)))
    numbers = "".join(map(number_html, front.numbers(report)))
    outcome = erased.outcome
    how = f"{pieces.text(methods.title(erased.method))} {in_steps(len(outcome.erasure.steps))}"
    asked = (
        f"<b>Asked for: {promised(erased.promise).lower()}.</b> Erased with {how} ({outcome.seconds:.1f} s) from "
        f"{count_photos(erased.read)} of the person."
    )
    show(
        f'<p class="note">{asked}</p>{sentences}<section class="verdicts" aria-label="Verdicts">{cards}</section>'
        f'<section class="numbers three" aria-label="In numbers">{numbers}</section>'
    )


@st.fragment
@part
def _details() -> None:
    here = session()
    erased = here.erased
    if erased is None:
        st.rerun()
    went = [_STEPS] if erased.outcome.erasure.steps else []  # without steps there is nothing to see
    shown = st.segmented_control("Look closer", [_PHOTOS, _HEAT, *went, _AGAIN, _MAP, _ALL], default=_PHOTOS)
    if shown == _HEAT:
        _heat(erased)
    elif shown == _STEPS:
        _steps(erased)
    elif shown == _AGAIN:
        _again(erased)
    elif shown in (_MAP, _ALL):
        if here.papers is not None and here.papers.state == "done":
            _questions(here.papers.result, shown == _MAP)
        elif here.papers is not None:
            _waiting(here.papers)
    else:
        _photos(erased)


def _photos(erased: Erased) -> None:
    name = pieces.name_of(erased.person)
    show(
        f"<h3>{name}: photos that the erasure did not read</h3>"
        f"{pieces.before_after(erased.report.photos[:12], erased=True)}"
        '<p class="note">After: the model as it is handed out, without their label and row, so that a face is given to '
        "somebody else or called unknown.</p>"
    )
    if erased.retained:
        show(
            f"<h3>People who stay: those whom the model found most like {name}</h3>"
            f"{pieces.before_after(erased.retained, erased=False)}"
        )


def _heat(erased: Erased) -> None:
    own = [face for face in erased.report.heatmaps if face.person == erased.person]
    others = [face for face in erased.report.heatmaps if face.person != erased.person]
    name = pieces.name_of(erased.person)
    show(
        '<p class="note">Colour marks what in the face speaks for the person it shows (HiResCAM). Before and after '
        "share one scale for each face; after is measured with the old row put back.</p>"
        f"{pieces.heat_scale()}<h3>Forgotten: what speaks for {name}</h3>{pieces.heat_pairs(own, named=False)}"
    )
    if others:
        show(f"<h3>People who stay: what speaks for each</h3>{pieces.heat_pairs(others, named=True)}")


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
        + pieces.answers(list(erased.faces.forgotten[erased.person]), found.answers, erased.person)
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


def _questions(papers: Papers, only_map: bool) -> None:
    if not only_map:
        show(papers.criteria)
    for title, text in papers.questions:
        is_map = _MAP_TITLE in title.casefold()
        if only_map and is_map:
            show(pieces.inline_svgs(text))
        elif not only_map and not is_map:
            with st.expander(pieces.markdown(title)):
                show(pieces.inline_svgs(text))


def _limits(erased: Erased) -> None:
    _, known = methods.caveat(erased.method)
    items = "".join(f"<li>{pieces.text(text)}</li>" for text in (*front.limits(erased.report), known) if text)
    show(f'<section class="limits"><h2>What this does not prove</h2><ul>{items}</ul></section>')


main()
