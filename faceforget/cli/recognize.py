"""``faceforget recognize``."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from faceforget import api
from faceforget.cli.advice import told
from faceforget.cli.console import FAILED, out, progress_bar, warn
from faceforget.cli.inputs import check_models
from faceforget.cli.options import Device, Json, NoCache, Seed, check_output, make_runtime


def recognize(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Made by `faceforget enroll`.")],
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO_OR_DIR...", help="Photos, or folders of them.")],
    top: Annotated[int, typer.Option(min=1, help="Candidates per face.")] = 5,
    json: Json = None,
    seed: Seed = 0,
    device: Device = "auto",
    no_cache: NoCache = False,
) -> None:
    """Name the faces on photos.

    Boxes in FILE are x0, y0, x1, y1 in pixels of the photo as a viewer shows it; its size is beside them.
    """
    check_models(model)
    if json:
        check_output(json, model)
    sources = api.find_photos(photos)

    recognizer = api.load(model)
    with progress_bar() as progress:
        named = api.recognize(
            recognizer, list(sources), top=top, runtime=make_runtime(device, seed, no_cache, progress)
        )
    if json:
        used = {"file": str(model), "sha256": api.sha256_file(model)}
        limit = {"threshold": asdict(recognizer.threshold)}
        api.write_json(json, {"model": used, **limit, "photos": [photo.to_dict() for photo in named]})
    for photo in named:
        _print(photo)
    if all(photo.error for photo in named):
        raise typer.Exit(FAILED)


def _print(photo: "api.NamedPhoto") -> None:
    if photo.error is not None:
        warn(f"{photo.source}: {told(photo.error)}")
        return
    for number, face in enumerate(photo.faces, start=1):
        place = f" (face {number} of {len(photo.faces)})" if len(photo.faces) > 1 else ""
        out.print(f"{escape(photo.source)}{place}  {_describe(face)}", highlight=False, soft_wrap=True)


def _describe(face: "api.NamedFace") -> str:
    if face.recognition is None:
        return f"[yellow]{escape(str(face.problem))}[/]"
    best, *others = face.recognition.candidates
    style = "dim" if face.recognition.name != best.name else "bold green"
    also = ", ".join(f"{escape(c.name)} {100 * c.confidence:.1f} %" for c in others)
    known = f"{100 * best.confidence:.1f} %" if face.recognition.name == best.name else f"nearest {escape(best.name)}"
    text = f"[{style}]{escape(face.recognition.name)}[/]  {known}  similarity {best.similarity:.2f}"
    return f"{text}  [dim]then {also}[/]" if also else text
