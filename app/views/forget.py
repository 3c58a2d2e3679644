"""Forget: whom, from which photos, what is promised, and the erasure as it happens."""

from collections.abc import Sequence

import streamlit as st

from app import methods, pieces
from app.check import check, look_at, who_is_it
from app.erasing import FEWEST, Request
from app.frame import PROOF, needs_model, page, session, show
from app.opening import erase
from app.people import OpenModel
from app.promises import title, words
from app.session import Session
from app.views.forget_steps.at_work import at_work
from faceforget.api import (
    METHOD_OF_PROMISE,
    OF_AN_ERASURE,
    UNKNOWN,
    PhotoSource,
    Upload,
    count_photos,
    held_back,
    shown_name,
)
from faceforget.progress import Event

_TYPES = ["jpg", "jpeg", "png", "webp"]
_STEPS = ("Person", "Photos", "Promise", "Erase")
_GALLERY, _PHOTOS = "Choose them in the gallery", "Start from photos of them"
_MOST = 48
_BY_PROMISE = ""  # among the names of methods: the promise decides


def main() -> None:
    """The page."""
    busy, person = session().erasing, session().person
    title = f"Forgetting {pieces.markdown(shown_name(person))}" if busy and person else "Whom should the model forget?"
    with page(title) as here:
        if not needs_model(here) or here.model is None:
            return
        if here.fresh:
            st.switch_page(PROOF)
        elif here.erasing is not None:
            at_work(_STEPS)
        elif here.person is None:
            show(pieces.steps(_STEPS, 0))
            _choose(here, here.model)
        else:
            show(pieces.steps(_STEPS, 1))
            _chosen(here, here.model, here.person)


def _choose(here: Session, model: OpenModel) -> None:
    way = st.segmented_control("How", [_GALLERY, _PHOTOS], default=_GALLERY, label_visibility="collapsed")
    if way == _PHOTOS:
        _from_photos(here, model)
    else:
        _gallery(here, model)


def _gallery(here: Session, model: OpenModel) -> None:
    labels = model.recognizer.labels
    wanted = st.text_input("Search by name", placeholder=f"{len(labels)} people").strip().casefold()
    found = [name for name in labels if wanted in shown_name(name).casefold()]
    if not found:
        show(pieces.state("Nobody in the model is called like that.", "Try a part of the name, or start from photos."))
    with st.container(horizontal=True, gap="small"):
        for name in found[:_MOST]:
            with st.container(border=True, width=164, gap="small"):
                show(pieces.face(model.face_of(name), name))
                if st.button(pieces.markdown(shown_name(name)), key=f"choose-{name}", width="stretch"):
                    _take_person(here, model, name)
                    st.rerun()
    if len(found) > _MOST:
        show(f'<p class="note">{len(found) - _MOST} more; search to see them.</p>')


def _take_person(here: Session, model: OpenModel, name: str) -> None:
    """Choose somebody; the photos they were enrolled from are at hand if the model was made here."""
    here.choose(name)
    _add(here, model, model.photos.get(name, ()))


def _add(here: Session, model: OpenModel, photos: Sequence[PhotoSource]) -> None:
    if photos:
        bar = st.progress(0.0, text="Looking for faces …")

        def tell(event: Event) -> None:
            bar.progress(event.done / (event.total or 1), "Looking for faces …")

        here.seen += look_at(model.recognizer, photos, tell)
        bar.empty()
    _check(here, model)


def _check(here: Session, model: OpenModel) -> None:
    if here.person is not None:
        here.checked = check(model.recognizer, here.person, here.seen)


def _from_photos(here: Session, model: OpenModel) -> None:
    _uploader(here, model, "Photos of one person")
    if not here.seen:
        show(pieces.state("No photo yet.", "Drop a few photos; the model says who it thinks it is."))
        return
    found = who_is_it(model.recognizer, here.seen)
    named = [(name, hits) for name, hits in found if name != UNKNOWN]
    if not named:
        show(pieces.state("The model knows nobody on these photos.", "Add clearer photos, or use the gallery.", "warn"))
    usable = sum(hits for _, hits in found)
    for name, hits in named[:3]:
        with st.container(border=True):
            text = f"The model says so on {hits} of {count_photos(usable)}"
            show(_person(model, name, text))
            if st.button(pieces.markdown(f"Forget {shown_name(name)}"), type="primary", key=f"vote-{name}"):
                here.person = name
                _check(here, model)
                st.rerun()
    if st.button("Start again"):
        here.choose(None)
        st.rerun()


def _uploader(here: Session, model: OpenModel, label: str) -> None:
    """Take new files once; a list of those taken survives in the name of the widget's generation."""
    files = st.file_uploader(label, type=_TYPES, accept_multiple_files=True, key=f"forget-{here.generation}")
    taken: set[str] = st.session_state.setdefault(f"taken-{here.generation}", set())
    new = [file for file in files if file.file_id not in taken]
    if new:
        taken.update(file.file_id for file in new)
        _add(here, model, [Upload(file.name, file.getvalue()) for file in new])


def _person(model: OpenModel, name: str, note: str) -> str:
    image = pieces.face(model.face_of(name), name)
    words = f"<b>{pieces.name_of(name)}</b><span>{pieces.text(note)}</span>"
    return f'<div class="chosen-person">{image}<div>{words}</div></div>'


def _chosen(here: Session, model: OpenModel, person: str) -> None:
    with st.container(border=True):
        known = len(model.photos.get(person, ()))
        text = f"Enrolled from the {count_photos(known)} below." if known else "No photos of them are at hand yet."
        show(_person(model, person, text))
        if st.button("Choose somebody else"):
            here.choose(None)
            st.rerun()
    st.subheader("Their photos", anchor=False)
    _uploader(here, model, "Add photos of them")
    used = _photo_check(here)
    st.subheader("What is promised", anchor=False)
    _promise(here)
    st.subheader("How", anchor=False)
    _method(here)
    _go(here, model, person, used)


def _photo_check(here: Session) -> list[int]:
    """The photos with their reasons; places of those to be used."""
    if not here.checked:
        show(
            pieces.state("No photo yet.", f"Drop at least {FEWEST} photos of them: two to erase from, one to check on.")
        )
        return []
    used = []
    with st.container(horizontal=True, gap="small"):
        for place, photo in enumerate(here.checked):
            with st.container(border=True, width=164, gap="small"):
                show(pieces.checked(photo))
                if photo.possible:
                    wanted = here.included.get(place, photo.trusted)
                    here.included[place] = st.checkbox(
                        f"Use photo {place + 1}", value=wanted, key=f"use-{here.generation}-{place}-{photo.key[:12]}"
                    )
                    if here.included[place]:
                        used.append(place)
    return used


def _promise(here: Session) -> None:
    here.promise = st.radio(
        "What is promised",
        list(METHOD_OF_PROMISE),
        format_func=title,
        captions=[words(promise) for promise in METHOD_OF_PROMISE],
        index=list(METHOD_OF_PROMISE).index(here.promise),
        key="promise",
        label_visibility="collapsed",
    )


def _method(here: Session) -> None:
    """Which method, and what to know of it."""
    own, names = METHOD_OF_PROMISE[here.promise], [_BY_PROMISE, *(choice.name for choice in methods.CHOICES)]
    chosen = st.radio(
        "How",
        names,
        format_func=lambda name: methods.title(name) if name else "Chosen for you",
        captions=[f"{methods.title(own)}, which is made for this promise.", *map(methods.words, names[1:])],
        index=names.index(here.method or _BY_PROMISE),
        key="method",
        label_visibility="collapsed",
    )
    here.method = chosen or None
    method = methods.method_of(here.promise, here.method)
    for heading, text in (methods.not_kept(here.promise, method), methods.caveat(method)):
        if heading:
            show(pieces.state(heading, _sentence(text), "warn"))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _go(here: Session, model: OpenModel, person: str, used: list[int]) -> None:
    back = model.unseen.get(person)
    least = 1 if back is not None and len(back) else FEWEST
    if len(used) < least:
        show(pieces.state(f"At least {least} usable {'photo is' if least == 1 else 'photos are'} needed.", kind="warn"))
    if len(model.recognizer.labels) < 2:
        show(pieces.state("This is the only person in the model.", "Delete the model file instead.", "warn"))
        return
    if here.batch.running is not None and here.batch.running.active:
        show(pieces.state("A batch is under way on this model.", "Its new model comes first.", "warn"))
        return
    doubtful = sum(not here.checked[place].trusted for place in used)
    if doubtful:
        words = "1 photo" if doubtful == 1 else f"{doubtful} photos"
        show(pieces.state(f"{words} that seem to show somebody else will be used, as you asked.", kind="warn"))
    label = pieces.markdown(f"Erase {shown_name(person)} …")
    if st.button(label, type="primary", disabled=len(used) < least):
        here.confirming = True
    if here.confirming and len(used) >= least:
        _confirm(person, used, least == 1)


def _dismissed() -> None:
    session().confirming = False


@st.dialog("Erase this person?", on_dismiss=_dismissed)
def _confirm(person: str, used: list[int], kept_back: bool) -> None:
    here = session()
    read = len(used) if kept_back else len(held_back(used, OF_AN_ERASURE)[0])
    checked = "photos kept back at enrolment" if kept_back else count_photos(len(used) - read)
    method = methods.method_of(here.promise, here.method)
    unkept, _ = methods.not_kept(here.promise, method)
    show(
        f"<p>The person is <b>{pieces.name_of(person)}</b>. Asked for is <b>{title(here.promise).lower()}</b>, and the "
        f"method is <b>{pieces.text(methods.title(method))}</b>. {pieces.text(unkept)}</p>"
        f"<p>The erasure reads {count_photos(read)}; what it did is checked on {checked}. It works on a copy: the "
        "model that is open stays as it is until you leave it.</p>"
    )
    with st.container(horizontal=True):
        if st.button("Erase now", type="primary"):
            photos = [here.checked[place].photo for place in used]
            here.confirming = False
            erase(here, Request(person, photos, here.promise, here.method))
            st.rerun()
        if st.button("Not yet"):
            here.confirming = False
            st.rerun()


main()
