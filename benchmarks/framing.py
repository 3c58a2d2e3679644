"""Is a face recognised at every framing? LFW cropped around the face, and photos from the web as they come.

Run from the repository's root: ``python -m benchmarks.framing [--only lfw|web] [--backbones mobile,ms1m]``.

LFW: the 62 people of :mod:`benchmarks.data` are enrolled with ``full`` from 12 uncropped photos each; their 8
unseen photos are recognised uncropped, and cropped to the detected face with a border of a share of the face on each
side. Web: of 33 people with 24 photos the first 12 by name are enrolled, the other 12 recognised; ten strangers with
12 photos each. The limit of "unknown" is the product's own. Nothing here is chosen by these figures but the way of
finding faces itself (``docs/research.md``).
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.data import BACKBONES, LFW, RESULTS, ROOT, TRAIN, WEB, halves, needed, people_with, split
from benchmarks.runner.cell import Cell, Measured, Numbers
from benchmarks.runner.command import command, options_of, run_all
from benchmarks.runner.table import plain
from faceforget import api
from faceforget.api import UNKNOWN, FaceCache, Photo, PhotoIntake, PhotoSource, Recognizer
from faceforget.cli.console import progress_bar
from faceforget.lab import decode, read_bytes

UNCROPPED = "LFW, uncropped"
BORDERS = {f"LFW, cropped to the face and {border:.0%} on each side": border for border in (0.05, 0.1, 0.2, 0.4, 0.6)}
Photos = Mapping[str, Sequence[PhotoSource]]


@dataclass(frozen=True)
class Team:
    """People who are enrolled with a backbone, other photos of them, and strangers."""

    data: str
    backbone: str
    train: str
    runtime: api.Runtime

    @cached_property
    def photos(self) -> tuple[Photos, Photos, Photos]:
        """To enrol, to recognise, and of strangers."""
        if self.data == "web":
            return *halves(WEB), people_with(WEB, 1, 2 * TRAIN - 1)
        parts = split()
        strangers = {name: photos[:8] for name, photos in list(parts["strangers"].items())[:60]}
        return parts["train"], parts["unseen"], strangers

    @cached_property
    def model(self) -> Recognizer:
        """With everybody in it."""
        plan = api.EnrolmentPlan(train=self.train, seed=self.runtime.seed)
        backbone = BACKBONES[self.backbone]
        return api.enroll(self.photos[0], backbone=backbone, plan=plan, runtime=self.runtime).recognizer

    @cached_property
    def intake(self) -> PhotoIntake:
        """Finds faces as the model wants them."""
        return self.runtime.intake(self.model.spec.framing)

    def cropped(self, border: float) -> Photos:
        """The photos to recognise, cropped to the face."""
        fresh = self.photos[1]
        boxes = {str(f.source): f for f in self.intake.read([p for own in fresh.values() for p in own])}
        return {
            name: [cropped_photo(boxes[str(photo)], photo, border) for photo in photos]
            for name, photos in fresh.items()
        }


_team = lru_cache(1)(Team)


def cells(backbones: Sequence[str], only: str | None) -> list[Cell]:
    """World: which photos are recognised; method: how people were enrolled; table: with which backbone."""
    parts = {"web": [("web", "full"), ("web", "head")], "lfw": [(data, "full") for data in (UNCROPPED, *BORDERS)]}
    return [
        Cell(data, train, table=backbone)
        for backbone in backbones
        for part, own in parts.items()
        if only in (None, part)
        for data, train in own
    ]


def measured(runtime: api.Runtime, cell: Cell) -> Numbers:
    """Shares in per cent of all photos, those without a face too."""
    team = _team("web" if cell.world == "web" else "LFW", cell.table, cell.method, runtime)
    people = team.cropped(BORDERS[cell.world]) if cell.world in BORDERS else team.photos[1]
    strangers = {} if cell.world in BORDERS else team.photos[2]
    found = {name: team.intake.read(photos) for name, photos in people.items()}
    photos = sum(map(len, found.values()))
    usable = {name: [f.crop for f in own if f.error is None] for name, own in found.items()}
    hits = named = 0
    for name, crops in usable.items():
        answers = team.model.recognize(np.stack(crops), top=1) if crops else []
        right = [answer for answer in answers if answer.candidates[0].name == name]
        hits += len(right)
        named += sum(answer.name != UNKNOWN for answer in right)
    faces = [f.crop for own in strangers.values() for f in team.intake.read(own) if f.error is None]
    others = team.model.recognize(np.stack(faces), top=1) if faces else []
    return {
        "photos": photos,
        "no_face": 100 * (1 - sum(map(len, usable.values())) / photos),
        "identified": 100 * hits / photos,
        "named": 100 * named / photos,
        "stranger_photos": len(others),
        "strangers_named": 100 * sum(answer.name != UNKNOWN for answer in others) / len(others) if others else None,
        "threshold": team.model.threshold.cosine,
        "stated_rate": 100 * team.model.threshold.false_accept_rate,
    }


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


def table(found: Sequence[Measured]) -> str:
    """Markdown."""
    titles = ("photos", "backbone", "train", "no usable face", "identified", "named", "strangers named (stated)")
    lines = []
    for cell, numbers in found:
        named, stated = numbers["strangers_named"], numbers["stated_rate"]
        shares = (f"{numbers[key]:.1f}" for key in ("no_face", "identified", "named"))
        strangers = "" if named is None else f"{named:.1f} ({stated:.1f})"
        lines.append([cell.world, cell.table, cell.method, *shares, strangers])
    return "\n".join(plain(titles, lines))


@command
def main() -> None:
    parser = options_of(__doc__, ROOT / "out" / "framing", RESULTS)
    parser.add_argument("--only", choices=("lfw", "web"))
    parser.add_argument("--backbones", default=",".join(BACKBONES))
    options = parser.parse_args()
    backbones = options.backbones.split(",")
    needed(*({"lfw": [LFW], "web": [WEB]}.get(options.only) or [LFW, WEB]), *(BACKBONES[name] for name in backbones))
    with progress_bar() as progress:
        runtime = api.Runtime(cache=FaceCache(), progress=progress)
        found = run_all("framing", cells(backbones, options.only), partial(measured, runtime), options, progress)
    print(table(found))


if __name__ == "__main__":
    main()
