"""One cell: a method erases people with a seed. What comes out is kept, so that a stopped run goes on.

A cell keeps the embeddings and the rows of the erased model, not the numbers made of them: a new
measure needs no new run.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.faces.world import World
from faceforget.errors import FaceForgetError
from faceforget.files import write_atomically, write_json
from faceforget.recognizer.head import FaceClassifier
from faceforget.recognizer.recognizer import embed_images
from faceforget.recognizer.training import mirror
from faceforget.unlearn.base import Method
from faceforget.unlearn.data import Erasure
from faceforget.unlearn.methods.trivial.mask_logit import MaskedLogits


@dataclass(frozen=True)
class Cell:
    """What is run.

    Attributes:
        label: Row of the table.
        method: With its settings.
        people: Erased at once, or in this order one after another.
        seed: Of the erasure.
        in_turn: One after another.
    """

    label: str
    method: Method
    people: tuple[str, ...]
    seed: int
    in_turn: bool = False

    def path(self, world: World) -> Path:
        """Without suffix; another setting, another model or other photos are another cell."""
        request = [
            self.method.name,
            self.method.settings.model_dump(),
            self.people,
            self.seed,
            self.in_turn,
            world.recognizer.weights_hash(),
            world.config.retained_photos,
        ]
        key = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:16]
        return world.config.work / "cells" / f"{self.method.name}_{key}"


@dataclass(frozen=True)
class Outcome:
    """A cell's result.

    Attributes:
        record: Seconds, steps and the like; with ``error`` if the method failed.
        embeddings: ``(M, D)`` unit embeddings of the measured photos.
        rows: ``(C, D)`` unit rows after the erasure, the erased persons' among them.
    """

    record: dict[str, Any]
    embeddings: Tensor
    rows: Tensor


def outcome_of(cell: Cell, world: World) -> Outcome:
    """Run a cell, or read what an earlier run has left."""
    path = cell.path(world)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):  # another process may be at this very cell
        if not path.with_suffix(".json").is_file():
            _run(cell, world, path)
    record = json.loads(path.with_suffix(".json").read_text())
    if not path.with_suffix(".safetensors").is_file():  # it failed
        return Outcome(record, world.embeddings[world.measured(cell.people)], _rows(world.recognizer.classifier))
    tensors = load_file(path.with_suffix(".safetensors"))
    known = "embeddings" in tensors
    embeddings = tensors["embeddings"].float() if known else world.embeddings[world.measured(cell.people)]
    return Outcome(record, embeddings, tensors["rows"])


def _run(cell: Cell, world: World, path: Path) -> None:
    start = time.process_time()
    record = {"method": cell.method.name, "settings": cell.method.settings.model_dump(), "people": list(cell.people),
              "seed": cell.seed, "in_turn": cell.in_turn}  # fmt: skip
    erasures: list[Erasure] = []
    try:
        for erasure in _erase(cell, world):
            erasures.append(erasure)
            begun = replace(cell, people=cell.people[: len(erasures)]) if cell.in_turn else cell
            if len(begun.people) not in (*world.config.together, len(cell.people)):
                continue
            seconds = time.process_time() - start
            _keep(begun, erasures, {**record, "people": list(begun.people), "seconds": seconds}, world)
            start = time.process_time() - seconds  # what keeping has taken is no part of the erasure
    except FaceForgetError as error:
        write_json(path.with_suffix(".json"), {**record, "error": str(error)})


def _keep(cell: Cell, erasures: Sequence[Erasure], record: dict[str, Any], world: World) -> None:
    """Write an outcome. One after another, the first of them are a cell of their own."""
    path = cell.path(world)
    record |= {
        "steps": sum(len(erasure.steps) for erasure in erasures),
        "forgotten": all(erasure.forgotten for erasure in erasures),
        "hidden": cell.method.name == "mask_logit",
    }
    classifier = _plain(erasures[-1].model)
    tensors = {"rows": _rows(classifier)}
    if not _same_features(classifier, world.recognizer.classifier):
        tensors["embeddings"] = embed_images(classifier, world.photos.images[world.measured(cell.people)]).half()
    write_atomically(path.with_suffix(".safetensors"), save(tensors))
    write_json(path.with_suffix(".json"), record)  # last: a cell with a record is whole


def _erase(cell: Cell, world: World) -> Iterator[Erasure]:
    classifier: nn.Module = world.recognizer.classifier
    if not cell.in_turn:
        yield cell.method(classifier, world.forget_set(cell.people), augment=mirror, seed=cell.seed)
        return
    for index, person in enumerate(cell.people):
        data = world.forget_set([person], gone=cell.people[:index])
        erasure = cell.method(classifier, data, augment=mirror, seed=cell.seed)
        classifier = _plain(erasure.model)
        yield erasure


def _plain(model: nn.Module) -> FaceClassifier:
    inner = model.model if isinstance(model, MaskedLogits) else model
    if not isinstance(inner, FaceClassifier):
        raise TypeError(f"Expected a FaceClassifier, got {type(inner).__name__}.")
    return inner


def _rows(classifier: FaceClassifier) -> Tensor:
    return functional.normalize(classifier.head.weight.detach(), dim=1).cpu()


def _same_features(one: FaceClassifier, other: FaceClassifier) -> bool:
    first, second = one.embedder.state_dict(), other.embedder.state_dict()
    return first.keys() == second.keys() and all(torch.equal(value, second[key]) for key, value in first.items())
