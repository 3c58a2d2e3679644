"""One cell: a network is trained, a method erases classes. Logits are kept, so that a new number needs no run."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from safetensors.torch import load_file, save
from torch import Tensor, nn

from benchmarks.paper.data import Data, Labelled
from benchmarks.paper.plans import ROWS
from benchmarks.paper.recipe import TrainingRecipe, normalised
from benchmarks.runner.cell import Cell, pairs
from benchmarks.runner.fingerprint import fingerprint
from faceforget.api import write_atomically, write_json
from faceforget.errors import FaceForgetError
from faceforget.progress import Progress
from faceforget.unlearn import ForgetSet, RetainSet
from faceforget.unlearn.layers.head import bias_of, features_of, find_head, weight_of

# Train images of each class that accuracies and the membership attack are measured on.
LOOKED_AT = 500
# Test images of each class whose features are kept, for a map.
MAPPED = 40
_BATCH = 500


@dataclass(frozen=True)
class Bench:
    """What all cells share.

    Attributes:
        data: The data set.
        recipe: How networks are trained.
        name: Of data set, network and budget, for people.
        epochs: Passes over the forget set that a method has.
        work: Where networks and cells are kept.
        device: Where everything runs.
        progress: Called with events.
    """

    data: Data
    recipe: TrainingRecipe
    name: str
    epochs: int
    work: Path
    device: torch.device
    progress: Progress

    @property
    def classes(self) -> int:
        """How many there are."""
        return len(self.data.names)

    @cached_property
    def key(self) -> str:
        """Of the data, the network and its training: all that an original network depends on besides the seed."""
        images = [tensor for part in (self.data.train, self.data.test) for tensor in (part.images, part.labels)]
        with torch.device("meta"):  # its shape, without weights
            network = self.recipe.network(self.classes)
        return fingerprint(*images, self.recipe.budget, network)

    def original(self, seed: int) -> nn.Module:
        """The network trained on everything."""
        return _original(self, seed)

    def inputs(self, part: Labelled) -> tuple[Tensor, Tensor]:
        """Normalised images and labels, on the device."""
        return normalised(part.images.to(self.device)), part.labels.to(self.device)

    @cached_property
    def looked_at(self) -> Labelled:
        """Train images of every class, then all test images."""
        train, test = self.data.train.first(LOOKED_AT), self.data.test
        return Labelled(torch.cat([train.images, test.images]), torch.cat([train.labels, test.labels]))

    @property
    def trained_on(self) -> Tensor:
        """Which of ``looked_at`` are train images, ``(M,)``."""
        return torch.arange(len(self.looked_at.labels)) < len(self.looked_at.labels) - len(self.data.test.labels)

    @property
    def mapped(self) -> Tensor:
        """Which of ``looked_at`` are on a map of the features: some test images of each class, ``(K,)`` indices."""
        labels = self.data.test.labels
        some = torch.cat([(labels == label).nonzero().flatten()[:MAPPED] for label in labels.unique()])
        return some + len(self.looked_at.labels) - len(labels)


@lru_cache(2)
def _original(bench: Bench, seed: int) -> nn.Module:
    path = bench.work / "models" / f"{bench.name}_{seed}_{bench.key}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):  # another process may be training this very one
        if not path.is_file():
            images, labels = bench.inputs(bench.data.train)
            made = bench.recipe(images, labels, seed=seed, progress=bench.progress)
            write_atomically(path, save({key: value.contiguous() for key, value in made.state_dict().items()}))
    model = bench.recipe.network(bench.classes).to(bench.device, memory_format=torch.channels_last)
    model.load_state_dict(load_file(path, device=str(bench.device)))
    return model.eval()


def cell_of(
    label: str, classes: Sequence[int], seed: int, table: str, bench: Bench, chosen: Mapping[str, Any] | None = None
) -> Cell:
    """A cell of a row of :mod:`~benchmarks.paper.plans`; "original" erases nothing.

    Args:
        label: Of the row.
        classes: Erased at once.
        seed: Of training and erasure; another network is another world.
        table: Which table it belongs to.
        bench: How many passes over the forget set there are, at most.
        chosen: Settings that were searched.
    """
    row, settings = ROWS.get(label), dict[str, Any]()
    if row is not None:
        settings = {**row.settings, **(chosen or {}), "passes": row.passes or bench.epochs}
    return Cell(f"network {seed}", label, tuple(map(str, classes)), table, seed, pairs(settings))


def classes_of(cell: Cell) -> tuple[int, ...]:
    """Those that are erased."""
    return tuple(map(int, cell.people))


def path_of(cell: Cell, bench: Bench) -> Path:
    """Of what it leaves, without suffix."""
    settings = dict(cell.settings)
    passes = settings.pop("passes", bench.epochs)
    given = settings if cell.method in ROWS else None
    what = json.dumps([passes, given, classes_of(cell), cell.seed], sort_keys=True)
    return bench.work / "cells" / f"{cell.method}_{fingerprint(bench.key, what)}"


@dataclass(frozen=True)
class Outcome:
    """A cell's result.

    Attributes:
        record: Seconds and settings; with ``error`` if the method failed, which then erased nothing.
        logits: ``(M, C)`` of ``Bench.looked_at``, as the method leaves them.
        old_rows: ``(M, C)``: the same with the forgotten classes' old rows put back.
        features: ``(K, D)`` what the head sees of ``Bench.mapped``.
    """

    record: dict[str, Any]
    logits: Tensor
    old_rows: Tensor
    features: Tensor


def outcome_of(cell: Cell, bench: Bench) -> Outcome:
    """Run a cell, or read what an earlier run has left."""
    path = path_of(cell, bench)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):  # another process may be at this very cell
        if not path.with_suffix(".json").is_file():
            record, model, hidden = _run(cell, bench)
            hid = classes_of(cell) if hidden else ()
            found = answers(model, bench.original(cell.seed), bench, hid, classes_of(cell))
            write_atomically(path.with_suffix(".safetensors"), save(found))
            write_json(path.with_suffix(".json"), record)  # last: a cell with a record is whole
    tensors = load_file(path.with_suffix(".safetensors"))
    record = json.loads(path.with_suffix(".json").read_text())
    return Outcome(record, **tensors)


def _run(cell: Cell, bench: Bench) -> tuple[dict[str, Any], nn.Module, bool]:
    """The record, the network, and whether the forgotten classes have no logit any more."""
    settings, classes = dict(cell.settings), classes_of(cell)
    original, record = bench.original(cell.seed), {"classes": list(classes), "settings": settings}
    if cell.method not in ROWS:
        return record, original, False
    forgotten, labels = bench.inputs(bench.data.train.of(classes))
    batch = bench.recipe.budget.batch_size
    steps = max(1, settings.pop("passes") * len(forgotten) // batch)
    method = ROWS[cell.method].build(settings, steps, batch)
    retained = None
    if "retained photos" in method.reads:
        retained = RetainSet(*bench.inputs(bench.data.train.of(classes, other=True)), bench.recipe)
    forget = ForgetSet(forgotten, classes, labels=labels, retained=retained)
    start = time.perf_counter()
    try:
        erasure = method(original, forget, augment=bench.recipe.augment, seed=cell.seed, progress=bench.progress)
    except FaceForgetError as error:
        return {**record, "error": str(error)}, original, False
    record |= {"seconds": time.perf_counter() - start, "steps": len(erasure.steps), "reads": list(method.reads)}
    return record, erasure.model, not method.must_forget or method.name == "mask_logit"


@torch.no_grad()
def answers(
    model: nn.Module, original: nn.Module, bench: Bench, hidden: Sequence[int], classes: Sequence[int]
) -> dict[str, Tensor]:
    """The tensors of an :class:`Outcome`, on the CPU.

    Args:
        model: The erased network.
        original: The network of before.
        bench: What is looked at.
        hidden: Classes that the erased network has no logit for.
        classes: The forgotten ones.
    """
    found, with_old, seen = list[Tensor](), list[Tensor](), list[Tensor]()
    model, gone = getattr(model, "model", model), list(classes)  # a wrapper only hides logits
    for images in torch.split(bench.looked_at.images, _BATCH):
        inputs = normalised(images.to(bench.device))
        head, old = find_head(model, inputs[:1]), find_head(original, inputs[:1])
        features = features_of(model, inputs, _BATCH)
        logits = features @ weight_of(head).T
        bias, old_bias = bias_of(head), bias_of(old)
        logits = logits if bias is None else logits + bias
        restored = logits.clone()
        restored[:, gone] = features @ weight_of(old)[gone].T + (0 if old_bias is None else old_bias[gone])
        logits[:, list(hidden)] = -torch.inf
        seen.append(features.float().cpu())
        found.append(logits.float().cpu())
        with_old.append(restored.float().cpu())
    features = torch.cat(seen)[bench.mapped].half()
    return {"logits": torch.cat(found), "old_rows": torch.cat(with_old), "features": features}
