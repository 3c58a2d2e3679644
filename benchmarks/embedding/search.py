"""Where a region should end, on people whose erasures are not reported.

``python -m benchmarks.embedding.search`` embeds everybody once and tries the regions of ``anchored`` (a mask) and
``dispersed`` (noise) on embeddings alone: the twenty search people at once, and one at a time. About five minutes and
the two enrolments; writes ``benchmarks/results/regions.md``.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.data import BACKBONES, LFW, MOBILEFACENET, RESULTS, ROOT, needed, search_people
from benchmarks.runner.command import command
from benchmarks.world import World
from faceforget.api import write_atomically
from faceforget.lab import rendered_anchors
from faceforget.unlearn.layers.scatter import FREQUENCY, WIDE_RIM, Scatter
from faceforget.unlearn.methods.regions import REACH, ROW_COUNTS_AS, common_direction, end_of_region

People = Mapping[str, Tensor]
_ANCHORS, _FAR, _ENROLLED, _DRAWS, _GALLERY = 400, 0.001, 5, 20, 3


@dataclass(frozen=True)
class Embedded:
    """Unit embeddings of a world's photos.

    Attributes:
        train: ``(12, D)`` by person; with their mirror images, ``mirrored``.
        mirrored: The same photos mirrored.
        unseen: ``(8, D)`` by person.
        strangers: By person.
        anchors: ``(A, D)``.
        rows: ``(C, D)`` by person, in the order of ``train``.
    """

    train: People
    mirrored: People
    unseen: People
    strangers: People
    anchors: Tensor
    rows: Tensor


@dataclass(frozen=True)
class Variant:
    """What is tried: reach of the regions, noise or a mask, width of the rim, photos read, worth of the row."""

    words: str
    reach: float = REACH
    noise: bool = True
    rim: float = WIDE_RIM
    frequency: float = FREQUENCY
    photos: int = 12
    row: float = ROW_COUNTS_AS
    everywhere: bool = False


VARIANTS = (
    *(
        Variant(f"mask everywhere, row as {row:.0f}, {photos} photos", row=row, photos=photos, everywhere=True)
        for photos in (12, 5, 3, 1)
        for row in (0.0, 2.0, ROW_COUNTS_AS, 8.0)
    ),
    Variant("mask in regions", noise=False),
    *(Variant(f"noise, reach {reach}", reach=reach) for reach in (0.25, 0.3, REACH, 0.4, 0.45, 0.55)),
    *(Variant(f"noise, rim {rim}", rim=rim) for rim in (0.0, 0.1, 0.2, 0.25)),
    *(Variant(f"noise, frequency {frequency:.0f}", frequency=frequency) for frequency in (3.0, 5.0, 16.0)),
    *(Variant(f"noise, reach {reach}, 5 photos", reach=reach, photos=5) for reach in (0.3, REACH, 0.4, 0.45)),
    *(Variant(f"noise, rim {rim}, 5 photos", rim=rim, photos=5) for rim in (0.0, 0.1, 0.2)),
    Variant("noise, 3 photos", photos=3),
)


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "embedding", help="where enrolled models are kept")
    parser.add_argument("--out", type=Path, default=RESULTS / "regions.md")
    options = parser.parse_args()
    needed(LFW, MOBILEFACENET)
    torch.set_num_threads(1)
    lines = [
        "# Where a region should end",
        "",
        "`python -m benchmarks.embedding.search`: twenty people whose erasures are not reported, embeddings only. "
        "Per cent, Δ in points. TAR at FAR 0.1 %; strangers' 1-NN with three gallery photos.",
        "",
        "| model | variant | people | Acc_f | TAR of the person | re-enrolled, rank-1 | Δ strangers' TAR | Δ 1-NN |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, backbone in BACKBONES.items():
        world = World(LFW, backbone, 0, options.work / f"{name}_0.safetensors", searched=True)
        for line in rows_of(name, embedded(world)):
            print(line, flush=True)
            lines.append(line)
    write_atomically(options.out, ("\n".join(lines) + "\n").encode())


def embedded(world: World) -> Embedded:
    """Everybody's embeddings by the enrolled model."""
    model = world.before
    parts = {part: {n: model.embed(crops) for n, crops in own.items()} for part, own in world.crops.items()}
    mirrored = {n: model.embed(np.ascontiguousarray(np.flip(crops, 2))) for n, crops in world.crops["train"].items()}
    train = {name: parts["train"][name] for name in model.labels}
    anchors = model.embed(rendered_anchors(model.spec.framing)[:_ANCHORS])
    rows = functional.normalize(model.classifier.head.weight.detach(), dim=1)
    return Embedded(train, mirrored, parts["unseen"], parts["strangers"], anchors, rows)


def rows_of(name: str, data: Embedded) -> Iterator[str]:
    """A line of the table for each variant and number of people."""
    people = search_people()
    before = strangers_told_apart(lambda e: e, data)
    for variant in VARIANTS:
        for groups in ([people], [[person] for person in people]):
            found = [numbers(changed(variant, data, group), data, group) for group in groups]
            acc, tar, rank, told, nearest = (100 * mean(values) for values in zip(*found, strict=True))
            yield (
                f"| {name} | {variant.words} | {len(groups[0])} | {acc:.1f} | {tar:.1f} | {rank:.1f} | "
                f"{told - 100 * before[0]:+.1f} | {nearest - 100 * before[1]:+.1f} |"
            )


def changed(variant: Variant, data: Embedded, people: Sequence[str]) -> Callable[[Tensor], Tensor]:
    """What a variant makes of unit embeddings."""
    read = {name: data.train[name][: variant.photos] for name in people}
    row = dict(zip(data.train, data.rows, strict=True))
    directions = torch.stack(
        [common_direction(own, data.mirrored[n][: len(own)], row[n], variant.row) for n, own in read.items()]
    )
    if variant.everywhere:
        basis, _ = torch.linalg.qr(directions.T)
        return lambda e: functional.normalize(e - e @ basis @ basis.T, dim=1)
    stay = [own for name, own in row.items() if name not in people]
    others = torch.cat([torch.stack(stay), data.anchors]) if variant.noise else torch.stack(stay)
    ends = [end_of_region(own, d, others, variant.reach) for own, d in zip(read.values(), directions, strict=True)]
    layer = Scatter.nowhere(
        directions.shape[1], torch.Generator().manual_seed(0), frequency=variant.frequency, wide_rim=variant.rim
    )
    layer = layer.around(directions, torch.stack(ends), noise=variant.noise).requires_grad_(False)
    return lambda e: functional.normalize(layer(e), dim=1)


def numbers(change: Callable[[Tensor], Tensor], data: Embedded, people: Sequence[str]) -> tuple[float, ...]:
    """Acc_f with the old rows back, TAR of the persons, rank-1 after re-enrolment, strangers' TAR and 1-NN."""
    told, nearest = strangers_told_apart(change, data)
    limit = _limit(change, data)
    templates = torch.stack([change(own).mean(0) for name, own in data.train.items() if name not in people])
    generator, names = np.random.default_rng(0), list(data.train)
    acc, tar, rank = [], [], []
    for person in people:
        unseen, train = change(data.unseen[person]), change(data.train[person])
        acc.append((unseen @ data.rows.T).argmax(1).eq(names.index(person)).float().mean().item())
        tar.append((_pairs(unseen) > limit).float().mean().item())
        everything = torch.cat([train, unseen])
        for _ in range(_DRAWS):
            drawn = generator.permutation(len(everything))[:_ENROLLED]
            probes = everything[[i for i in range(len(train), len(everything)) if i not in drawn]]
            own = probes @ functional.normalize(everything[drawn].mean(0), dim=0)
            others = probes @ functional.normalize(templates, dim=1).T
            rank.append((own > others.amax(1)).float().mean().item())
    return mean(acc), mean(tar), mean(rank), told, nearest


def strangers_told_apart(change: Callable[[Tensor], Tensor], data: Embedded) -> tuple[float, float]:
    """TAR and 1-NN of the strangers."""
    strangers = [change(own) for own in data.strangers.values()]
    tar = (torch.cat([_pairs(own) for own in strangers]) > _limit(change, data)).float().mean().item()
    gallery = torch.cat([own[:_GALLERY] for own in strangers])
    hits = [
        ((own[_GALLERY:] @ gallery.T).argmax(1) // _GALLERY == number).float() for number, own in enumerate(strangers)
    ]
    return tar, torch.cat(hits).mean().item()


def _limit(change: Callable[[Tensor], Tensor], data: Embedded) -> float:
    """The cosine above which 0.1 % of the pairs of different strangers lie."""
    strangers = [change(own) for own in data.strangers.values()]
    whose = torch.cat([torch.full((len(own),), number) for number, own in enumerate(strangers)])
    everything = torch.cat(strangers)
    one, other = torch.triu_indices(len(whose), len(whose), offset=1)
    impostors = (everything @ everything.T)[one, other][whose[one] != whose[other]]
    return impostors.sort().values[int((1 - _FAR) * len(impostors))].item()


def _pairs(embeddings: Tensor) -> Tensor:
    one, other = torch.triu_indices(len(embeddings), len(embeddings), offset=1)
    return (embeddings @ embeddings.T)[one, other]


if __name__ == "__main__":
    main()
