"""Networks before and after an erasure, and their numbers; all of it is kept."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from benchmarks.paper.plans import Row, either, rates, row
from benchmarks.paper.recipe import normalised
from benchmarks.runner.cell import Cell, Measured, Numbers, pairs
from benchmarks.runner.fingerprint import fingerprint
from benchmarks.runner.run import Results
from benchmarks.segmentation import network
from benchmarks.segmentation.network import NAMES, VOID, Scenes, Segmenter, train
from faceforget.api import write_atomically
from faceforget.errors import FaceForgetError
from faceforget.progress import Progress
from faceforget.unlearn import ForgetSet

Values = Mapping[str, Any]

# Three candidates for each that has a choice. `salun`, the boundaries and others have no loss at positions.
ROWS: dict[str, Row] = {
    "mask_logit": row("mask_logit"),
    "delete": row("delete", rates(3e-4, 1e-3, 3e-3)),
    "delete_at_positions": row("delete", rates(1e-5, 3e-5, 1e-4)),
    "random_label": row("random_label", either([1e-4], [3e-4, 1e-3])),
    "gradient_ascent": row("gradient_ascent", either([1e-5], [1e-4, 1e-3])),
    "bad_teacher": row("bad_teacher", either([1e-4], [3e-4, 1e-3])),
}
# At every position of the forget images: the masked teacher says what to answer beside the class as well. What other
# methods want there, nobody has written down; they move the positions of the class only.
_EVERYWHERE = ("delete",)
# A step takes about a second on two cores.
_STEPS, _BATCH, _AT_ONCE = 60, 4, 8


@torch.no_grad()
def confusion(model: nn.Module, scenes: Scenes, device: torch.device) -> Tensor:
    """``(11, 11)`` counts of positions: labelled, answered."""
    table = torch.zeros(len(NAMES), len(NAMES), dtype=torch.long)
    for index in torch.split(torch.arange(len(scenes.images)), _AT_ONCE):
        answers = model(normalised(scenes.images[index].to(device))).argmax(1).cpu()
        counted = scenes.labels[index] != VOID
        pairs = scenes.labels[index][counted] * len(NAMES) + answers[counted]
        table += torch.bincount(pairs, minlength=len(NAMES) ** 2).view(len(NAMES), len(NAMES))
    return table


def overlaps(table: Tensor) -> Tensor:
    """IoU ``(11,)`` from a confusion; NaN for a class that neither exists nor is answered."""
    return table.diagonal() / (table.sum(0) + table.sum(1) - table.diagonal())


def numbers(table: Tensor, forgotten: int) -> dict[str, float]:
    """IoU of the forgotten class, and the mean of the others without and with its positions."""
    others = [index for index in range(len(NAMES)) if index != forgotten]
    elsewhere = table.clone()
    elsewhere[forgotten] = 0
    return {
        "forgotten": overlaps(table)[forgotten].item(),
        "others": overlaps(elsewhere)[others].nanmean().item(),
        "others_everywhere": overlaps(table)[others].nanmean().item(),
    }


@dataclass(frozen=True)
class Bench:
    """The data, and where networks are kept."""

    parts: dict[str, Scenes]
    work: Path
    device: torch.device
    progress: Progress

    @cached_property
    def key(self) -> str:
        """Of the scenes, the network and its training."""
        scenes = [tensor for part in self.parts.values() for tensor in (part.images, part.labels)]
        return fingerprint(*scenes, network.BUDGET, network.CROP, Segmenter())

    def network(self, seed: int, without: Sequence[int] = ()) -> nn.Module:
        """Trained, or read again."""
        path = self.work / f"{'_'.join(['camvid', str(seed), *map(str, without), self.key])}.safetensors"
        if not path.is_file():
            unfinished = path.with_suffix(".pt")
            made = train(self.parts["train"], seed, without, self.device, self.progress, unfinished)
            write_atomically(path, save({key: value.contiguous() for key, value in made.state_dict().items()}))
        model = Segmenter().to(self.device, memory_format=torch.channels_last)
        model.load_state_dict(load_file(path, device=str(self.device)))
        return model.eval()

    @property
    def results(self) -> Results:
        """Where runs are kept; others with other data, another training or other steps."""
        return Results(self.work / f"cells_{fingerprint(self.key, _EVERYWHERE, _STEPS, _BATCH)}.jsonl")

    def erased(self, seed: int, forgotten: int, label: str, chosen: Values) -> tuple[nn.Module, float]:
        """The network after an erasure, and its seconds."""
        train_set = self.parts["train"]
        within = (train_set.labels == forgotten).flatten(1).any(1)
        where = train_set.labels[within] == forgotten
        images = normalised(train_set.images[within].to(self.device))
        forget = ForgetSet(images, (forgotten,), where=None if label in _EVERYWHERE else where.to(self.device))
        method = ROWS[label].build(chosen, _STEPS, _BATCH)
        start = time.perf_counter()
        erasure = method(self.network(seed), forget, seed=seed, progress=self.progress)
        return erasure.model, time.perf_counter() - start

    def measured(self, cell: Cell) -> Numbers:
        """The numbers of one row on one part."""
        (name,) = cell.people
        model, more = self._after(cell, NAMES.index(name))
        table = confusion(model, self.parts[cell.table], self.device)
        return {**numbers(table, NAMES.index(name)), **more}

    def _after(self, cell: Cell, forgotten: int) -> tuple[nn.Module, dict[str, Any]]:
        """The network of a row, and its seconds; or ``error``, and the network as it was."""
        if cell.method == "original":
            return self.network(cell.seed), {}
        if cell.method == "retrain":
            return self.network(cell.seed, (forgotten,)), {}
        try:
            model, seconds = self.erased(cell.seed, forgotten, cell.method, dict(cell.settings))
        except FaceForgetError as error:
            return self.network(cell.seed), {"error": str(error)}
        return model, {"seconds": seconds}


def cell_of(label: str, name: str, part: str, seed: int = 0, chosen: Values | None = None) -> Cell:
    """A row that forgets a class; another seed is another network."""
    return Cell(f"network {seed}", label, (name,), part, seed, pairs(chosen or {}))


def trials_of(label: str, name: str) -> list[Cell]:
    """Every candidate of a row, on the validation images of the first network."""
    return [cell_of(label, name, "val", 0, values) for values in ROWS[label].candidates or ({},)]


def choose(tried: Sequence[Measured]) -> Values:
    """The settings that keep the others best, what is left of the class counted against them."""
    return dict(max(tried, key=lambda trial: trial.numbers["others"] - trial.numbers["forgotten"]).cell.settings)
