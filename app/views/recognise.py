"""Recognise: who is on these photos?"""

import streamlit as st

from app import pieces
from app.frame import needs_model, page, show
from app.people import OpenModel, samples
from app.session import Session
from faceforget import api
from faceforget.api import (
    MAX_SIDE,
    UNKNOWN,
    NamedFace,
    NamedPhoto,
    PhotoSource,
    Upload,
    evidence,
    overlay,
    picture,
)

_TYPES = ["jpg", "jpeg", "png", "webp"]


def main() -> None:
    """The page."""
    with page("Who is this?", "Drop photos: every face is boxed, numbered and named, or called unknown.") as here:
        if not needs_model(here) or here.model is None:
            return
        _take(here, here.model)
        if not here.recognised:
            show(pieces.state("No photo yet.", "JPEG, PNG or WebP, up to 20 MB and 50 megapixels each."))
        for key, photo in reversed(here.recognised.items()):
            _photo(here.model, key, photo)
        if here.recognised and st.button("Clear these photos"):
            here.recognised = {}
            here.generation += 1
            st.rerun()


def _take(here: Session, model: OpenModel) -> None:
    files = st.file_uploader("Photos", type=_TYPES, accept_multiple_files=True, key=f"recognise-{here.generation}")
    given: list[tuple[str, PhotoSource]] = [(file.file_id, Upload(file.name, file.getvalue())) for file in files]
    with st.container(horizontal=True, vertical_alignment="center"):
        if model.rendered and st.button("Show me with photos of the embedded people"):
            given += [(f"sample {number}", photo) for number, photo in enumerate(samples(model))]
        camera = st.toggle("Use the camera")
    if camera:
        shot = st.camera_input("Take a photo", key=f"camera-{here.generation}")
        if shot is not None:
            given.append((shot.file_id, Upload("camera photo", shot.getvalue())))
    new = [(key, photo) for key, photo in given if key not in here.recognised]
    if new:
        bar = st.progress(0.0, text="Looking for faces …")
        for done, (key, photo) in enumerate(new, start=1):
            here.recognised[key] = _named(model, photo)
            bar.progress(done / len(new), text="Looking for faces …")
        bar.empty()


def _named(model: OpenModel, photo: PhotoSource) -> NamedPhoto:
    intake = api.Runtime().intake(model.recognizer.spec.framing, picture=MAX_SIDE)
    return api.recognize(model.recognizer, intake.read([photo]))[0]


def _photo(model: OpenModel, key: str, shown: NamedPhoto) -> None:
    with st.container(border=True):
        show(f'<p class="note person">{pieces.text(shown.source)}</p>')
        faces = shown.faces
        if shown.picture is None or not faces:
            if shown.error is not None:
                show(pieces.problem(shown.error))
            return
        left, right = st.columns([1, 1], gap="medium")
        number = 0
        with right:
            if len(faces) > 1:
                labels = [pieces.markdown(f"{i + 1}  {_short(face)}") for i, face in enumerate(faces)]
                number = st.radio(
                    f"{len(faces)} faces", range(len(faces)), format_func=labels.__getitem__, key=f"face-{key}",
                    horizontal=True,
                )  # fmt: skip
            _face(model, faces[number])
        with left:
            show(pieces.boxed(shown, shown.picture, number))


def _short(face: NamedFace) -> str:
    return "not usable" if face.recognition is None else face.recognition.name.replace("_", " ")


def _face(model: OpenModel, face: NamedFace) -> None:
    if face.recognition is None:
        if face.problem is not None:
            show(pieces.problem(face.problem))
        return
    found = face.recognition
    best = found.candidates[0].name
    heat = evidence(model.recognizer, face.crop[None], [best])[0]
    heat = heat / max(float(heat.max()), 1e-12)
    what = f"what speaks for {pieces.name_of(best)}" + (" (not enough)" if found.name == UNKNOWN else "")
    show(
        pieces.verdict_of(found)
        + f'<div class="look"><div>{picture(face.crop, "The face")}<span>as the model sees it</span>'
        f"</div><div>{picture(overlay(face.crop, heat), 'Heatmap')}<span>{what}</span></div></div>"
        + pieces.candidates(found, model.recognizer.threshold.cosine)
    )


main()
