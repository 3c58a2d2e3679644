"""What defences on images and on faces share: a victim, runs that are kept, a table."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.figures import save
from benchmarks.paper.plans import Row
from benchmarks.runner.cell import Cell, Measured, Numbers, pairs
from benchmarks.runner.table import average, by_method, markdown, percent, settings
from faceforget.errors import FaceForgetError
from faceforget.unlearn import Erasure

Values = Mapping[str, Any]

_COLUMNS = {
    "attack": "attack success",
    "clean": "clean accuracy",
    "target": "of the target class",
    "triggered_right": "triggered ones given their own class",
    "strangers": "strangers with the trigger let in",
}


@dataclass(frozen=True)
class Victim(ABC):
    """A network trained on poisoned data, and what its defender has.

    Attributes:
        target: The class that the trigger asks for.
        seed: Of poison and training.
        work: Where runs are kept.
    """

    target: int
    seed: int
    work: Path

    @property
    @abstractmethod
    def key(self) -> str:
        """Changes with whatever this victim depends on."""

    @property
    @abstractmethod
    def network(self) -> nn.Module:
        """With the backdoor; trained when it is first asked for."""

    @property
    @abstractmethod
    def retrained(self) -> nn.Module:
        """Trained the same without the poisoned samples: the reference."""

    @abstractmethod
    def erase(self, row: Row, chosen: Values) -> Erasure:
        """A method erases the target class from the triggered samples."""

    @abstractmethod
    def judge(self, model: nn.Module, label: str) -> dict[str, float]:
        """Fractions, by the columns of the table, of a row's model; ``drop_row`` cannot answer the target any more."""


def measured(answers: Tensor, triggered: Tensor, labels: Tensor, target: int, **more: float) -> dict[str, float]:
    """Numbers of what a model answers to ``(N,)`` unseen samples, and to the same with the trigger."""
    others = labels != target
    return {
        "attack": _share(triggered[others] == target),
        "clean": _share(answers == labels),
        "target": _share(answers[~others] == target),
        "triggered_right": _share(triggered[others] == labels[others]),
        **more,
    }


def _share(mask: Tensor) -> float:
    return mask.float().mean().item()


def cell_of(victim: Victim, label: str, row: Row | None, chosen: Values) -> Cell:
    """A method, ``original`` or ``retrain`` against a victim."""
    settings = {} if row is None else {**row.settings, **chosen}
    return Cell(victim.key, label, (f"class {victim.target}",), "", victim.seed, pairs(settings))


def defended(victims: Mapping[str, Victim], rows: Mapping[str, Row], cell: Cell) -> Numbers:
    """The numbers of one cell; ``victims`` by key."""
    victim, record = victims[cell.world], dict[str, Any]()
    model = victim.retrained if cell.method == "retrain" else victim.network
    if cell.method in rows:
        start = time.perf_counter()
        try:
            erasure = victim.erase(rows[cell.method], dict(cell.settings))
            model, record = erasure.model, {"steps": len(erasure.steps)}
        except FaceForgetError as error:
            record = {"error": str(error)}
        record["seconds"] = time.perf_counter() - start
    with torch.no_grad():
        return {**record, **victim.judge(model, cell.method)}


def trials_of(victim: Victim, label: str, row: Row) -> list[Cell]:
    """Every candidate of a row."""
    return [cell_of(victim, label, row, values) for values in row.candidates or ({},)]


def tried(row: Row, found: Sequence[Measured]) -> list[dict[str, Any]]:
    """Every candidate with its numbers and its score."""
    candidates = row.candidates or ({},)
    return [
        {"settings": dict(values), "score": score(run.numbers), **run.numbers}
        for values, run in zip(candidates, found, strict=True)
    ]


def choose(trials: Sequence[Mapping[str, Any]]) -> Values:
    """The settings with the best score; ties go to the first."""
    best: Values = max(trials, key=lambda trial: trial["score"])["settings"]
    return best


def score(found: Mapping[str, float]) -> float:
    """At most 1: samples given their own class, without and with the trigger, less the attacks that succeed.

    The target class counts as much as all samples: to lose it is to erase the wrong thing.
    """
    clean = (found["clean"] + found["target"]) / 2
    return (clean + found["triggered_right"]) / 2 - found["attack"]


def table(found: Sequence[Measured], chosen: Mapping[str, Values]) -> list[str]:
    """A line per method: mean ± half the 95 % interval over seeds."""
    columns = [
        *(percent(title, key) for key, title in _COLUMNS.items() if all(key in run.numbers for run in found)),
        average("seconds", "seconds"),
        settings(chosen),
    ]
    return markdown(("method",), columns, by_method(found))


def strips(
    photos: NDArray[np.uint8], rows: Mapping[str, tuple[NDArray[np.floating], Sequence[str]]], path: Path
) -> None:
    """Photos ``(N, S, S, 3)`` with the trigger, and under them per row heat ``(N, S, S)`` in [0, 1] and answers."""
    figure = Figure((1.5 * len(photos) + 0.3, 1.55 * (len(rows) + 1)), layout="constrained")
    axes = figure.subplots(len(rows) + 1, len(photos), squeeze=False)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
    for line, (words, (heat, answers)) in enumerate({"with the trigger": (None, ()), **rows}.items()):
        axes[line][0].set_ylabel(words, fontsize=9)
        for column, photo in enumerate(photos):
            axes[line][column].imshow(photo)
            if heat is not None:
                axes[line][column].imshow(heat[column], cmap="inferno", alpha=0.55, vmin=0, vmax=1)
                axes[line][column].set_title(answers[column], fontsize=8)
    save(figure, path)
