"""How many strangers get a name at a stated 1 %? Groups of enrolled people of several sizes.

Run from the repository's root: ``python -m benchmarks.strangers [--draws 30] [--full 3]``.

People are drawn from the 62 of LFW's split, or from the 33 of the web set with 24 photos, and enrolled with 12 photos
each; strangers are the people of the same set who were not drawn, and LFW's strangers. ``head``: with the untouched
backbone, in embeddings. ``full``: fine-tuned, as ``enroll`` does, ten people at a time. The tail in
:mod:`faceforget.recognizer.calibrate` is one of five that were tried, on both sets and both backbones with ``head``,
and the spread of ten people after training one of six, on LFW, in draws of other seeds.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.data import BACKBONES, LFW, MOBILEFACENET, RESULTS, TRAIN, WEB, halves, needed, people_with, split
from benchmarks.runner.command import command
from benchmarks.runner.table import plain
from faceforget import api
from faceforget.files import write_json
from faceforget.people.faces import FaceSet, read_faces
from faceforget.photos.cache import FaceCache
from faceforget.recognizer.backbone import LoadedBackbone, load_backbone
from faceforget.recognizer.enroll import Cosines, enroll_faces, own_threshold
from faceforget.recognizer.head import to_images
from faceforget.recognizer.recognizer import embed_images, new_classifier

SIZES = (3, 5, 10, 20, 32)


@dataclass(frozen=True)
class Row:
    """Strangers named over draws of people, in per cent.

    Attributes:
        data: Whose photos.
        backbone: Of the models.
        train: ``head`` or ``full``.
        people: Enrolled.
        draws: Groups of people.
        mean: Over the draws.
        low: Tenth percentile of the draws.
        high: Ninetieth percentile.
        threshold: Mean limit.
    """

    data: str
    backbone: str
    train: str
    people: int
    draws: int
    mean: float
    low: float
    high: float
    threshold: float


@dataclass(frozen=True)
class People:
    """Faces and embeddings of one data set: 12 photos of everybody, and strangers whom no draw enrols."""

    name: str
    faces: FaceSet
    embeddings: Mapping[str, Tensor]
    strangers: Tensor
    stranger_crops: np.ndarray


def _people(backbone: LoadedBackbone, runtime: api.Runtime) -> list[People]:
    parts = split()
    sets = {
        "LFW": (parts["train"], {name: own[:8] for name, own in list(parts["strangers"].items())[:60]}),
        "web": (
            halves(WEB)[0],
            people_with(WEB, 1, 2 * TRAIN - 1),
        ),
    }
    intake = runtime.intake(backbone.spec.framing)
    classifier = new_classifier(backbone.spec, backbone.network, torch.eye(2, backbone.spec.embedding_size), 1.0)
    found = []
    for name, (people, strangers) in sets.items():
        faces, others = read_faces(people, intake), read_faces(strangers, intake)
        embeddings = {person: embed_images(classifier, to_images(faces.crops(person))) for person in faces.photos}
        crops = others.all_crops()
        found.append(People(name, faces, embeddings, embed_images(classifier, to_images(crops)), crops))
    return found


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
        model = enroll_faces(people.faces.only(drawn), backbone, api.Plan("full"))
        named = (model.cosines(people.stranger_crops).amax(1) >= model.threshold.cosine).double().mean().item()
        shares.append(100 * named)
        limits.append(model.threshold.cosine)
    return shares, limits


def _row(people: People, backbone: str, train: str, size: int, found: tuple[Sequence[float], Sequence[float]]) -> Row:
    shares, limits = found
    low, high = np.percentile(shares, [10, 90])
    mean = float(np.mean(shares))
    return Row(people.name, backbone, train, size, len(shares), mean, float(low), float(high), float(np.mean(limits)))


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    shares = ("strangers named, mean", "10 % to 90 % of the draws")
    titles = ("photos", "backbone", "train", "people enrolled", "draws", *shares)
    lines = (
        [r.data, r.backbone, r.train, str(r.people), str(r.draws), f"{r.mean:.1f}", f"{r.low:.1f} to {r.high:.1f}"]
        for r in rows
    )
    return "\n".join(plain(titles, lines))


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=30)
    parser.add_argument("--full", type=int, default=12, help="draws of ten that are fine-tuned")
    parser.add_argument("--output", type=Path, default=RESULTS / "strangers.json")
    args = parser.parse_args()
    needed(LFW, WEB, MOBILEFACENET)
    runtime, rows = api.Runtime(cache=FaceCache()), []
    for name, file in BACKBONES.items():
        backbone = load_backbone(file)
        for people in _people(backbone, runtime):
            rows += [_row(people, name, "head", size, _head(people, size, args.draws, backbone)) for size in SIZES]
            if args.full:
                rows.append(_row(people, name, "full", 10, _full(people, 10, args.full, backbone)))
            write_json(args.output, [asdict(row) for row in rows])
            print(table(rows), flush=True)


if __name__ == "__main__":
    main()
