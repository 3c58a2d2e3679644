"""Is a face recognised at every framing? LFW cropped around the face, and photos from the web as they come.

Run from the repository's root: ``python -m benchmarks.framing [--only lfw|web] [--backbones mobile,ms1m]``.

LFW: the 62 people of :mod:`benchmarks.data` are enrolled with ``full`` from 12 uncropped photos each; their 8
unseen photos are recognised uncropped, and cropped to the detected face with a border of a share of the face on each
side. Web: of 33 people with 24 photos the first 12 by name are enrolled, the other 12 recognised; ten strangers with
12 photos each. The limit of "unknown" is the product's own. Nothing here is chosen by these figures but the way of
finding faces itself (``docs/research.md``).
"""

import argparse
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.data import BACKBONES, LFW, RESULTS, TRAIN, WEB, halves, needed, people_with, split
from benchmarks.runner.command import command
from benchmarks.runner.table import plain
from faceforget import api
from faceforget.files import write_json
from faceforget.photos.cache import FaceCache
from faceforget.photos.decode import decode, read_bytes
from faceforget.photos.intake import PhotoIntake
from faceforget.photos.photo import Photo, PhotoSource
from faceforget.recognizer.enroll import Train
from faceforget.recognizer.recognizer import UNKNOWN, Recognizer

BORDERS = (0.05, 0.1, 0.2, 0.4, 0.6)
Photos = Mapping[str, Sequence[PhotoSource]]


@dataclass(frozen=True)
class Row:
    """One line of the table; shares in per cent of all photos, those without a face too.

    Attributes:
        data: Which photos.
        backbone: Of the model.
        train: ``full`` or ``head``.
        photos: Of people who are enrolled.
        no_face: Photos of them that no face was found on, or none that could be used.
        identified: The best candidate is the right one.
        named: And is named.
        stranger_photos: Of people who are not enrolled.
        strangers_named: Of these photos.
        threshold: Below this cosine a face is unknown.
        stated_rate: At which strangers get a name, as the model says.
    """

    data: str
    backbone: str
    train: str
    photos: int
    no_face: float
    identified: float
    named: float
    stranger_photos: int
    strangers_named: float | None
    threshold: float
    stated_rate: float


def lfw_rows(backbone: str, runtime: api.Runtime) -> list[Row]:
    """Uncropped, and at each border."""
    parts = split()
    model = _enrolled(parts["train"], backbone, "full", runtime)
    intake = runtime.intake(model.spec.framing)
    strangers = {name: photos[:8] for name, photos in list(parts["strangers"].items())[:60]}
    rows = [_row("LFW, uncropped", (backbone, "full"), model, parts["unseen"], intake, strangers)]
    boxes = {str(f.source): f for f in intake.read([p for own in parts["unseen"].values() for p in own])}
    for border in BORDERS:
        cropped = {
            name: [cropped_photo(boxes[str(photo)], photo, border) for photo in photos]
            for name, photos in parts["unseen"].items()
        }
        label = f"LFW, cropped to the face and {border:.0%} on each side"
        rows.append(_row(label, (backbone, "full"), model, cropped, intake, {}))
    return rows


def web_rows(backbone: str, runtime: api.Runtime) -> list[Row]:
    """``full`` and ``head``."""
    enrolled, fresh = halves(WEB)
    strangers = people_with(WEB, 1, 2 * TRAIN - 1)
    rows = []
    trains: tuple[Train, ...] = ("full", "head")
    for train in trains:
        model = _enrolled(enrolled, backbone, train, runtime)
        rows.append(_row("web", (backbone, train), model, fresh, runtime.intake(model.spec.framing), strangers))
    return rows


def cropped_photo(found: Photo, path: Path, border: float) -> bytes:
    """A photo cropped to its face (PNG): the detected box, and a share of its size more on each side."""
    pixels = decode(read_bytes(path))
    if found.chosen is None:
        return path.read_bytes()
    x0, y0, x1, y1 = found.faces[found.chosen].box
    wide, high = border * (x1 - x0), border * (y1 - y0)
    height, width = pixels.shape[:2]
    left, top = max(round(x0 - wide), 0), max(round(y0 - high), 0)
    right, bottom = min(round(x1 + wide), width), min(round(y1 + high), height)
    buffer = io.BytesIO()
    Image.fromarray(pixels[top:bottom, left:right]).save(buffer, "PNG")
    return buffer.getvalue()


def _enrolled(people: Photos, backbone: str, train: Train, runtime: api.Runtime) -> Recognizer:
    plan = api.Plan(train=train, seed=runtime.seed)
    return api.enroll(people, backbone=BACKBONES[backbone], plan=plan, runtime=runtime).recognizer


def _row(
    data: str, model_of: tuple[str, str], model: Recognizer, people: Photos, intake: PhotoIntake, strangers: Photos
) -> Row:
    found = {name: intake.read(photos) for name, photos in people.items()}
    photos = sum(map(len, found.values()))
    usable = {name: [f.crop for f in own if f.error is None] for name, own in found.items()}
    hits = named = 0
    for name, crops in usable.items():
        answers = model.recognize(np.stack(crops), top=1) if crops else []
        right = [answer for answer in answers if answer.candidates[0].name == name]
        hits += len(right)
        named += sum(answer.name != UNKNOWN for answer in right)
    faces = [f.crop for own in strangers.values() for f in intake.read(own) if f.error is None]
    others = model.recognize(np.stack(faces), top=1) if faces else []
    return Row(
        data,
        *model_of,
        photos,
        100 * (1 - sum(map(len, usable.values())) / photos),
        100 * hits / photos,
        100 * named / photos,
        len(others),
        100 * sum(answer.name != UNKNOWN for answer in others) / len(others) if others else None,
        model.threshold.cosine,
        100 * model.threshold.false_accept_rate,
    )


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    titles = ("photos", "backbone", "train", "no usable face", "identified", "named", "strangers named (stated)")
    lines = []
    for row in rows:
        strangers = "" if row.strangers_named is None else f"{row.strangers_named:.1f} ({row.stated_rate:.1f})"
        shares = (f"{share:.1f}" for share in (row.no_face, row.identified, row.named))
        lines.append([row.data, row.backbone, row.train, *shares, strangers])
    return "\n".join(plain(titles, lines))


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("lfw", "web"))
    parser.add_argument("--backbones", default=",".join(BACKBONES))
    parser.add_argument("--output", type=Path, default=RESULTS / "framing.json")
    args = parser.parse_args()
    backbones = args.backbones.split(",")
    needed(*({"lfw": [LFW], "web": [WEB]}.get(args.only) or [LFW, WEB]), *(BACKBONES[name] for name in backbones))
    runtime = api.Runtime(cache=FaceCache())
    rows: list[Row] = []
    for backbone in backbones:
        for part, measure in (("web", web_rows), ("lfw", lfw_rows)):
            if args.only in (None, part):
                rows += measure(backbone, runtime)
                write_json(args.output, [asdict(row) for row in rows])
                print(table(rows[-6:]), flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
