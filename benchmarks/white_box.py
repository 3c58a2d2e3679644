"""What a model's file gives away of somebody who was erased from it, to whoever also has the public network.

    python -m benchmarks.white_box               all of it, an hour and more on two cores
    python -m benchmarks.white_box --part 0/2 & python -m benchmarks.white_box --part 1/2

The 62 of LFW and the 33 of the web set are enrolled as ``faceforget enroll`` does, from 12 photos each; ten of each are
erased one at a time. An attacker holds the file, the public network and 384 photos of 48 people of LFW who are in
nothing, and none of the erased person. What is found is tried on unseen photos of the person (8 on LFW, 12 on the web)
and on 384 of 48 other such people.

Templates, as directions of the embedding: those in a layer of regions; the two that the last linear layer passes on
least; of the map from the public last layer to the file's, and of a ridge regression from the public embeddings of the
attacker's photos to the file's, the two that are passed on least and the two that are changed most. Each with both
signs; the best of them counts, as an attacker's would who tries them all. So a file that gives nothing away is not at
nought, but where the models are in which the person's row was merely deleted, or who never met the person.

Standing out, on LFW: the person's place among those 96 strangers by how alike their own photos are, by the length of
their embeddings, by how far these are from the public network's, and by their best similarity with a row that stays.
Nothing here was chosen by looking at a result.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.data import BACKBONES, LFW, MOBILEFACENET, RESULTS, ROOT, WEB, needed, people_with
from benchmarks.delete_on_faces import SETS, Place
from benchmarks.runner.cell import Cell, Numbers
from benchmarks.runner.command import command, options_of, run_all
from benchmarks.white_box_table import METHODS, SIGNS, written
from faceforget.api import Recognizer, write_atomically
from faceforget.cli.console import progress_bar
from faceforget.lab import Embedded, deviation, new_classifier, standing, tar, templates, to_images, worth
from faceforget.unlearn.layers.folding import folded

# Not with the second backbone: half a minute a person.
_FIRST_ONLY = ("delete_all_layers",)
FAR, PHOTOS = 0.001, 8
_BATCH = 64


@dataclass(frozen=True)
class Seen:
    """Embeddings by person, not of unit length: of LFW's strangers and of unseen photos of those who are erased."""

    strangers: Mapping[str, Tensor]
    unseen: Mapping[str, Tensor]

    @property
    def attackers(self) -> Tensor:
        """``(N, D)``: every second stranger's, which the attacker has."""
        return torch.cat(list(self.strangers.values())[::2])

    @property
    def others(self) -> Tensor:
        """``(N, D)``: those of the other strangers."""
        return torch.cat(list(self.strangers.values())[1::2])


@dataclass(frozen=True)
class Site(Place):
    """A place with the public network in it, and with strangers of LFW whatever its people are."""

    @cached_property
    def public(self) -> Recognizer:
        """The network that the place's models were enrolled from, with no row that means anything."""
        loaded = self.loaded
        rows = torch.eye(2, loaded.spec.embedding_size)
        classifier = new_classifier(loaded.spec, loaded.network, rows, 1.0)
        return Recognizer(loaded.spec, classifier, ("a", "b"), self.before.threshold)

    @cached_property
    def public_seen(self) -> Seen:
        """What the public network makes of the photos."""
        return self.see(self.public)

    @cached_property
    def unchanged_seen(self) -> Seen:
        """What the enrolled model makes of them."""
        return self.see(self.before)

    @cached_property
    def retrained_seen(self) -> Seen:
        """What the model that never met the ten makes of them."""
        return self.see(self.retrained)

    def see(self, model: Recognizer, people: Sequence[str] = ()) -> Seen:
        """What a model makes of the strangers and of these people, else of all ten."""
        return Seen(
            {name: raw(model, crops) for name, crops in self.lfw_strangers.items()},
            {name: raw(model, self.crops["unseen"][name]) for name in people or self.reported},
        )

    @cached_property
    def lfw_strangers(self) -> dict[str, NDArray[np.uint8]]:
        """Eight photos each of 96 people who are in nothing."""
        people = {name: photos[:PHOTOS] for name, photos in people_with(LFW, 10, 19).items()}
        faces = self.read(people)
        return {name: faces.crops(name) for name in faces.photos}

    def file_of(self, method: str, person: str) -> tuple[Recognizer, Seen]:
        """The model that is handed out, and what it makes of the photos."""
        if method == "retrained":
            return self.retrained, self.retrained_seen
        if method == "drop_row":
            return self.before.without([person]), self.unchanged_seen
        model = self.erased(self.before, [person], method)
        return model, self.see(model, [person])


@torch.no_grad()
def raw(model: Recognizer, crops: NDArray[np.uint8]) -> Tensor:
    """Embeddings ``(N, D)`` as they leave the network."""
    embedder = folded(model.classifier.embedder)
    return torch.cat([embedder(batch).float() for batch in torch.split(to_images(crops), _BATCH)])


def measured(sites: Mapping[str, Site], cell: Cell) -> Numbers:
    """What the file of one erasure gives away."""
    site, method, (person,) = sites[cell.world], cell.method, cell.people
    (model, seen), public = site.file_of(method, person), site.public_seen
    own = Embedded(seen.unseen[person], public.unseen[person])
    others = Embedded(seen.others, public.others)
    found: dict[str, Any] = {}
    for where, directions in templates(model, site.public, Embedded(seen.attackers, public.attackers)).items():
        for by in ("public", "file"):
            found[f"{where}, {by}"] = worth(directions, getattr(own, by), getattr(others, by), FAR)
    found["best"] = max(found.values())
    found["deviation"] = tar(deviation(own), deviation(others), FAR)
    rows = model.classifier.head.weight.detach()
    crowd = [standing(Embedded(seen.strangers[name], public.strangers[name]), rows) for name in seen.strangers]
    stands = standing(own, rows)
    for sign in SIGNS:
        found[f"place by {sign}"] = float(np.mean([each[sign] < stands[sign] for each in crowd]))
    return found


def cells(sites: Mapping[str, Site]) -> Iterator[Cell]:
    """The most telling first."""
    for backbone in BACKBONES:
        for method in METHODS if backbone == "mobile" else [m for m in METHODS if m not in _FIRST_ONLY]:
            for name, site in sites.items():
                if name.endswith(f"_{backbone}"):
                    yield from (Cell(name, method, (person,)) for person in site.reported)


@command
def main() -> None:
    parser = options_of(__doc__, ROOT / "out" / "white_box", RESULTS)
    parser.add_argument("--models", type=Path, default=ROOT / "out" / "delete_on_faces", help="enrolled models")
    options = parser.parse_args()
    needed(LFW, WEB, MOBILEFACENET)
    with progress_bar() as progress:
        sites = {
            f"{data}_{backbone}": Site(
                folder, file, 0, options.models / f"{data}_{backbone}_0.safetensors", searched=data == "lfw",
                progress=progress, unseen=unseen,
            )
            for data, folder, unseen in SETS
            for backbone, file in BACKBONES.items()
        }  # fmt: skip
        todo = list(cells(sites))
        found = run_all("white_box", todo, partial(measured, sites), options, progress)
    if found:
        write_atomically(options.results / "white_box.md", written(found, len(todo)).encode())


if __name__ == "__main__":
    main()
