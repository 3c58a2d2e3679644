"""How many strangers get a name at a stated 1 %? Groups of enrolled people of several sizes.

Run from the repository's root: ``python -m benchmarks.strangers [--draws 30] [--full 3]``.

People are drawn from the 62 of LFW's split, or from the 33 of the web set with 24 photos, and enrolled with 12 photos
each; strangers are the people of the same set who were not drawn, and LFW's strangers. ``head``: with the untouched
backbone, in embeddings. ``full``: fine-tuned, as ``enroll`` does, ten people at a time. The tail in
:mod:`faceforget.recognizer.calibrate` is one of five that were tried, on both sets and both backbones with ``head``,
and the spread of ten people after training one of six, on LFW, in draws of other seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.data import BACKBONES, LFW, MOBILEFACENET, RESULTS, ROOT, TRAIN, WEB, halves, needed, people_with, split
from benchmarks.runner.cell import Cell, Measured, Numbers
from benchmarks.runner.command import command, options_of, run_all
from benchmarks.runner.table import plain
from faceforget import api
from faceforget.api import FaceCache, FaceSet, LoadedBackbone, load_backbone, read_faces
from faceforget.cli.console import progress_bar
from faceforget.lab import Cosines, embed_images, enroll_faces, new_classifier, own_threshold, to_images

SIZES = (3, 5, 10, 20, 32)
DATA = ("LFW", "web")


@dataclass(frozen=True)
class People:
    """Faces and embeddings of one data set: 12 photos of everybody, and strangers whom no draw enrols."""

    faces: FaceSet
    embeddings: Mapping[str, Tensor]
    strangers: Tensor
    stranger_crops: np.ndarray


_loaded = lru_cache(1)(load_backbone)


@lru_cache(2)
def _people(data: str, file: str, runtime: api.Runtime) -> People:
    backbone, intake = _loaded(file), runtime.intake(_loaded(file).spec.framing)
    if data == "web":
        people, strangers = halves(WEB)[0], people_with(WEB, 1, 2 * TRAIN - 1)
    else:
        parts = split()
        people, strangers = parts["train"], {name: own[:8] for name, own in list(parts["strangers"].items())[:60]}
    classifier = new_classifier(backbone.spec, backbone.network, torch.eye(2, backbone.spec.embedding_size), 1.0)
    faces, crops = read_faces(people, intake), read_faces(strangers, intake).all_crops()
    embeddings = {person: embed_images(classifier, to_images(faces.crops(person))) for person in faces.photos}
    return People(faces, embeddings, embed_images(classifier, to_images(crops)), crops)


def _head(people: People, size: int, draws: int, backbone: LoadedBackbone) -> tuple[list[float], list[float]]:
    """Shares of strangers named, and limits, of each draw."""
    rng, names, shares, limits = np.random.default_rng(7), sorted(people.embeddings), [], []
    for _ in range(draws):
        drawn = [str(name) for name in rng.permutation(names)[:size]]
        rows = functional.normalize(torch.stack([people.embeddings[name].sum(0) for name in drawn]), dim=1)
        counts = torch.tensor([len(people.embeddings[name]) for name in drawn])
        targets = torch.arange(size).repeat_interleave(counts)
        own = torch.cat([people.embeddings[name] for name in drawn])
        limit = own_threshold(backbone.spec, Cosines(own @ rows.T), targets, 0.01).cosine
        rest = torch.cat([people.embeddings[name] for name in names if name not in drawn] + [people.strangers])
        shares.append(100 * ((rest @ rows.T).amax(1) >= limit).double().mean().item())
        limits.append(limit)
    return shares, limits


def _full(people: People, size: int, draws: int, backbone: LoadedBackbone) -> tuple[list[float], list[float]]:
    rng, names, shares, limits = np.random.default_rng(8), sorted(people.embeddings), [], []
    for _ in range(draws):
        drawn = [str(name) for name in rng.permutation(names)[:size]]
        model = enroll_faces(people.faces.only(drawn), backbone, api.EnrolmentPlan("full"))
        named = (model.cosines(people.stranger_crops).amax(1) >= model.threshold.cosine).double().mean().item()
        shares.append(100 * named)
        limits.append(model.threshold.cosine)
    return shares, limits


def cells(draws: int, full: int) -> list[Cell]:
    """World: whose photos; table: with which backbone; method: how people are enrolled."""
    return [
        Cell(data, train, table=name, settings=(("draws", count), ("people", size)))
        for name in BACKBONES
        for data in DATA
        for train, count, sizes in (("head", draws, SIZES), ("full", full, (10,)))
        for size in sizes
        if count
    ]


def measured(runtime: api.Runtime, cell: Cell) -> Numbers:
    """Strangers named over draws of people, in per cent: mean, tenth and ninetieth percentile; and the mean limit."""
    file, given = BACKBONES[cell.table], dict(cell.settings)
    draw = _head if cell.method == "head" else _full
    shares, limits = draw(_people(cell.world, file, runtime), given["people"], given["draws"], _loaded(file))
    low, high = np.percentile(shares, [10, 90])
    mean = float(np.mean(shares))
    return {"mean": mean, "low": float(low), "high": float(high), "threshold": float(np.mean(limits))}


def table(found: Sequence[Measured]) -> str:
    """Markdown."""
    shares = ("strangers named, mean", "10 % to 90 % of the draws")
    titles = ("photos", "backbone", "train", "people enrolled", "draws", *shares)
    rows = (
        [cell.world, cell.table, cell.method, str(dict(cell.settings)["people"]), str(dict(cell.settings)["draws"]),
         f"{n['mean']:.1f}", f"{n['low']:.1f} to {n['high']:.1f}"]
        for cell, n in found
    )  # fmt: skip
    return "\n".join(plain(titles, rows))


@command
def main() -> None:
    parser = options_of(__doc__, ROOT / "out" / "strangers", RESULTS)
    parser.add_argument("--draws", type=int, default=30)
    parser.add_argument("--full", type=int, default=12, help="draws of ten that are fine-tuned")
    options = parser.parse_args()
    needed(LFW, WEB, MOBILEFACENET)
    with progress_bar() as progress:
        measure = partial(measured, api.Runtime(cache=FaceCache(), progress=progress))
        found = run_all("strangers", cells(options.draws, options.full), measure, options, progress)
    print(table(found))


if __name__ == "__main__":
    main()
