"""DELETE as it is by default on a recogniser: what it does to the person, and to everybody else.

    python -m benchmarks.delete_on_faces               all of it, about two hours on two cores
    python -m benchmarks.delete_on_faces --part 0/2 & python -m benchmarks.delete_on_faces --part 1/2

The 62 of LFW and the 33 of the web set are enrolled as ``faceforget enroll`` does, from 12 photos each, with two
backbones and three seeds. Ten of each set are erased one at a time, none of whom the settings were chosen on; then 20
at once and 20 one after another. Everything is measured on photos that nothing has read: 8 of each person of LFW, 12
of the web. Strangers are the people of LFW with 10 to 15 photos, and the ten of the web. Every cell is kept under
``--work``; ``--go-on`` takes those that the results hold already for measured, on whatever machine that was.

Named as the person: with the person's row still in place. Others named: in the model as it is handed out, and in the
model before. The control learns nothing: c is the direction of the person's photos, v a direction drawn at random off
all rows, and e becomes e - (c e)(c - v).

The settings were chosen on six others of each set (`docs/research.md`). On the web 20 of 33 cannot be drawn without
those: there the draws of 20 are others than the ones that the settings for several were chosen on.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.data import BACKBONES, LFW, MOBILEFACENET, RESULTS, ROOT, TRAIN, WEB, needed
from benchmarks.runner.cell import Cell, Measured, Numbers
from benchmarks.runner.command import command, options_of, run_all
from benchmarks.runner.table import Column, by, change, counted, markdown, percent
from benchmarks.world import World
from faceforget.api import Recognizer, write_atomically
from faceforget.cli.console import progress_bar
from faceforget.lab import roc_figures

FAR = 0.001
MANY, DRAWS, FEW, SEEDS = 20, 3, 5, 3
SETS = ("lfw", LFW, 8), ("web", WEB, 12)
# Of these one enrolment tells enough: the old default takes half a minute a person.
_ONE_SEED = ("anchored", "retrained", "delete_all_layers")
_ROWS = ("delete", "delete_all_layers", "anchored", "drop_row", "retrained", "control")
Places = Mapping[tuple[str, int], "Place"]


@dataclass(frozen=True)
class Place(World):
    """A world whose models are asked for embeddings alone."""

    @property
    def reported(self) -> list[str]:
        """Ten; on the web, where they are few, none whom the settings were chosen on."""
        return super().reported if self.searched else self.names[1::2][:10]

    @cached_property
    def looked(self) -> "Looked":
        """What the enrolled model makes of everybody's photos."""
        return Looked.at(self, self.before)

    @cached_property
    def looked_retrained(self) -> "Looked":
        """What the model without the ten makes of them."""
        return Looked.at(self, self.retrained)


@dataclass(frozen=True)
class Looked:
    """Unit embeddings by person: of unseen photos ``(N, D)``, and of strangers."""

    unseen: Mapping[str, Tensor]
    strangers: Mapping[str, Tensor]

    @classmethod
    def at(cls, place: Place, model: Recognizer) -> "Looked":
        """Everybody's photos, through the network."""
        parts = []
        for part in ("unseen", "strangers"):
            crops = place.crops[part]
            together = model.embed(np.concatenate(list(crops.values())))
            split = torch.split(together, [len(own) for own in crops.values()])
            parts.append(dict(zip(crops, split, strict=True)))
        return cls(*parts)

    def times(self, matrix: Tensor) -> "Looked":
        """With every embedding multiplied by a matrix."""
        moved = [
            {name: functional.normalize(own @ matrix.T, dim=1) for name, own in part.items()}
            for part in (self.unseen, self.strangers)
        ]
        return Looked(*moved)


def cells(places: Places) -> Iterator[Cell]:
    """All of them, the most telling first."""
    first = {name: place for (name, seed), place in places.items() if seed == 0}
    for (name, seed), place in places.items():
        yield from (Cell(name, "delete", (person,), "one", seed) for person in place.reported)
    for name, place in first.items():
        yield from (Cell(name, "delete", (person,), "five_photos") for person in place.reported)
        yield from (Cell(name, "delete", tuple(place.drawn(MANY, draw)), "at_once") for draw in range(DRAWS))
        yield Cell(name, "delete", tuple(place.drawn(MANY, 0)), "in_turn")
    for (name, seed), place in places.items():
        for method in ("drop_row", "control"):
            yield from (Cell(name, method, (person,), "one", seed) for person in place.reported)
    for method in _ONE_SEED:
        for name, place in first.items():
            yield from (Cell(name, method, (person,), "one") for person in place.reported)
    for name, place in first.items():
        yield from (Cell(name, "anchored", tuple(place.drawn(MANY, draw)), "at_once") for draw in range(DRAWS))


def measured(places: Places, cell: Cell) -> Numbers:
    """The numbers of one cell."""
    place, people = places[cell.world, cell.seed], cell.people
    before, seconds = place.before, 0.0
    if cell.method == "retrained":
        after, looked = place.retrained, place.looked_retrained
    elif cell.method == "control":
        after, looked = before, place.looked.times(_control(place, people))
    elif cell.method == "drop_row":
        after, looked = before, place.looked
    else:
        after, start = before, time.perf_counter()
        photos = FEW if cell.table == "five_photos" else TRAIN
        for group in [(person,) for person in people] if cell.table == "in_turn" else [people]:
            after = place.erased(after, group, cell.method, photos, rows_stay=True)
        seconds = time.perf_counter() - start
        looked = Looked.at(place, after)
    return {"seconds": seconds, **judged(place, after, looked, people)}


def judged(place: Place, after: Recognizer, looked: Looked, people: Sequence[str]) -> dict[str, Any]:
    """Shares of photos and pairs, before and after."""
    before, stay = place.before, [name for name in after.labels if name not in people]
    rows = {name: before.classifier.head.weight[before.index_of(name)] for name in people}
    gone = [name for name in people if name not in after.labels]  # a retrained model: the old row is put back
    weight = after.classifier.head.weight.detach()
    everybody = after.with_head(torch.cat([weight, *(rows[n][None] for n in gone)]), (*after.labels, *gone))
    handed_out = everybody.without(people)
    old = before.without([name for name in before.labels if name not in (*stay, *people)])
    pairs = {"": place.looked, "after": looked}
    tars = {side: _tar(found, people) for side, found in pairs.items()}
    return {
        "own_before": _as_one_of(before, place.looked.unseen, people),
        "own": _as_one_of(everybody, looked.unseen, people),
        "others_before": _named(old, place.looked.unseen, stay),
        "others": _named(handed_out, looked.unseen, stay),
        "strangers_before": _any_name(before, place.looked.strangers),
        "strangers": _any_name(handed_out, looked.strangers),
        "tar_strangers_before": tars[""][0],
        "tar_strangers": tars["after"][0],
        "tar_own_before": tars[""][1],
        "tar_own": tars["after"][1],
    }


def _named(model: Recognizer, photos: Mapping[str, Tensor], people: Sequence[str]) -> float:
    """Share of these people's photos that get the right name."""
    return float(np.mean([answer.name == name for name in people for answer in model.name(photos[name], 1)]))


def _as_one_of(model: Recognizer, photos: Mapping[str, Tensor], people: Sequence[str]) -> float:
    """Share of these people's photos that get the name of any of them."""
    return float(np.mean([answer.name in people for name in people for answer in model.name(photos[name], 1)]))


def _any_name(model: Recognizer, photos: Mapping[str, Tensor]) -> float:
    return float(np.mean([a.name in model.labels for own in photos.values() for a in model.name(own, 1)]))


def _tar(found: Looked, people: Sequence[str]) -> tuple[float, float]:
    """Accepted pairs of strangers, and of the people, at the limit that accepts ``FAR`` of two strangers."""
    genuine, impostor = _pairs(list(found.strangers.values()))
    own = np.concatenate([_pairs([found.unseen[name]])[0] for name in people])
    limit = roc_figures(genuine, impostor, (FAR,)).thresholds[0]
    return float((genuine > limit).mean()), float((own > limit).mean())


def _pairs(people: Sequence[Tensor]) -> tuple[Any, Any]:
    """Cosines of all pairs of one person, and of two."""
    photos = torch.cat(list(people))
    owner = torch.arange(len(people)).repeat_interleave(torch.tensor([len(own) for own in people]))
    one, two = torch.triu_indices(len(photos), len(photos), 1)
    cosines, same = (photos @ photos.T)[one, two], owner[one] == owner[two]
    return cosines[same].numpy(), cosines[~same].numpy()


def _control(place: Place, people: Sequence[str]) -> Tensor:
    """``(D, D)``, for one person."""
    (person,) = people
    rows = functional.normalize(place.before.classifier.head.weight.detach(), dim=1)
    c = functional.normalize(place.before.embed(place.crops["train"][person]).sum(0), dim=0)
    v = torch.randn(len(c), generator=torch.Generator().manual_seed(place.seed))
    v = functional.normalize(v - torch.linalg.lstsq(rows.T, v[:, None]).solution[:, 0] @ rows, dim=0)
    return torch.eye(len(c)) - torch.outer(c - v, c)


def written(found: Sequence[Measured], planned: int, seeds: int) -> str:
    """Markdown of what is there.

    Args:
        found: Cells and their numbers.
        planned: How many there are in all.
        seeds: Enrolments of each set with each backbone.
    """
    text = [
        "# DELETE at its defaults on faces",
        "",
        f"`python -m benchmarks.delete_on_faces --seeds {seeds}`, {len(found)} of {planned} cells. Per cent; "
        "Δ in points, after minus before. Mean over people or groups ± half the 95 % interval (Student's t, "
        "seeds of a person averaged first), the worst single erasure in brackets. Photos that nothing has read. "
        "`delete_all_layers` is `--set moves=all`, which was the default of 0.1. Its row, `anchored`, `retrained` and "
        f"whatever is not of one person with all photos are of one enrolment; the others of {seeds}, "
        "as far as they are there: ten runs are of one enrolment, thirty of three.",
        "",
    ]
    for table, own in by(found, lambda cell: cell.table).items():
        rows = sorted(by(own, _row).items(), key=lambda row: (*row[0][:2], _ROWS.index(row[0][2].strip("`"))))
        lines = markdown(("people", "backbone", "method"), _COLUMNS, dict(rows))
        text += [f"## {table.replace('_', ' ')}", "", *lines, ""]
    return "\n".join(text)


def _row(cell: Cell) -> tuple[str, ...]:
    return *cell.world.split("_"), f"`{cell.method}`"


def _took(runs: Sequence[Measured]) -> str:
    seconds = median(run.numbers["seconds"] for run in runs)
    return f"{seconds:.1f}" if seconds else ""  # made with the enrolment, or no method at all


_COLUMNS = (
    percent("named as the person, their row in place", "own", max),
    change("Δ others named", "others", min),
    change("Δ strangers' TAR at FAR 0.1 %", "tar_strangers", min),
    change("Δ strangers named", "strangers", max),
    percent("two of their photos match, before", "tar_own_before", min),
    percent("after", "tar_own", min),
    Column("seconds, median", _took),
    counted(),
)


@command
def main() -> None:
    parser = options_of(__doc__, ROOT / "out" / "delete_on_faces", RESULTS)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="enrolments of each set with each backbone")
    options = parser.parse_args()
    needed(LFW, WEB, MOBILEFACENET)
    with progress_bar() as progress:
        places = {
            (f"{data}_{backbone}", seed): Place(
                folder, file, seed, options.work / f"{data}_{backbone}_{seed}.safetensors", searched=data == "lfw",
                progress=progress, unseen=unseen,
            )
            for seed in range(options.seeds)
            for data, folder, unseen in SETS
            for backbone, file in BACKBONES.items()
        }  # fmt: skip
        todo = list(cells(places))
        found = run_all("delete_on_faces", todo, partial(measured, places), options, progress)
    if found:
        text = written(found, len(todo), options.seeds)
        write_atomically(options.results / "delete_on_faces.md", text.encode())


if __name__ == "__main__":
    main()
