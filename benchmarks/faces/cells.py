"""One cell: a method erases people with a seed.

Beside its numbers a cell keeps the embeddings and the rows of the erased model: a new measure needs no new erasure,
only its lines in ``cells.jsonl`` to be deleted.
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

from benchmarks.faces.bench import Bench
from benchmarks.runner.cell import Cell, pairs
from faceforget.api import Method, make_method, write_atomically, write_json
from faceforget.errors import FaceForgetError
from faceforget.lab import FaceClassifier, embed_images, mirror
from faceforget.unlearn import Erasure
from faceforget.unlearn.methods.trivial.mask_logit import MaskedLogits


def cell_of(label: str, method: Method, people: Sequence[str], seed: int, table: str, bench: Bench) -> Cell:
    """A cell of a method with its settings.

    Args:
        label: Row of the table.
        method: With its settings.
        people: Erased at once, or in this order one after another.
        seed: Of the erasure.
        table: Which table it belongs to; in one whose name begins with ``in_turn`` people are erased one by one.
        bench: Another model is another world.
    """
    world = f"{bench.config.people.name} {bench.recognizer.weights_hash()[:16]} {bench.config.retained_photos}"
    return Cell(world, label, tuple(people), table, seed, pairs(method.settings.model_dump(mode="json")))


def method_of(cell: Cell, bench: Bench) -> Method:
    """The method of a cell."""
    return make_method(bench.config.methods[cell.method].method, dict(cell.settings))


def path_of(cell: Cell, bench: Bench) -> Path:
    """Of what it leaves, without suffix; another setting, another model or other photos are another one."""
    method = method_of(cell, bench)
    request = [
        method.name,
        method.settings.model_dump(),
        cell.people,
        cell.seed,
        in_turn(cell, bench),
        bench.recognizer.weights_hash(),
        bench.config.retained_photos,
    ]
    key = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:16]
    return bench.config.work / "cells" / f"{method.name}_{key}"


def in_turn(cell: Cell, bench: Bench) -> bool:
    """Whether people are erased one by one. Trained again without everybody at once or in turn: that is the same."""
    return cell.table.startswith("in_turn") and bench.config.methods[cell.method].method != "retrain"


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


def outcome_of(cell: Cell, bench: Bench) -> Outcome:
    """Run a cell, or read what an earlier run has left."""
    path = path_of(cell, bench)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):  # another process may be at this very cell
        if not path.with_suffix(".json").is_file():
            _run(cell, bench, path)
    record = json.loads(path.with_suffix(".json").read_text())
    if not path.with_suffix(".safetensors").is_file():  # it failed
        return Outcome(record, bench.embeddings[bench.measured(cell.people)], _rows(bench.recognizer.classifier))
    tensors = load_file(path.with_suffix(".safetensors"))
    known = "embeddings" in tensors
    embeddings = tensors["embeddings"].float() if known else bench.embeddings[bench.measured(cell.people)]
    return Outcome(record, embeddings, tensors["rows"])


def _run(cell: Cell, bench: Bench, path: Path) -> None:
    start, method = time.process_time(), method_of(cell, bench)
    one_by_one = in_turn(cell, bench)
    record = {"method": method.name, "settings": method.settings.model_dump(), "people": list(cell.people),
              "seed": cell.seed, "in_turn": one_by_one}  # fmt: skip
    erasures: list[Erasure] = []
    try:
        for erasure in _erase(cell, method, bench):
            erasures.append(erasure)
            begun = replace(cell, people=cell.people[: len(erasures)]) if one_by_one else cell
            if len(begun.people) not in (*bench.config.together, len(cell.people)):
                continue
            seconds = time.process_time() - start
            _keep(begun, erasures, {**record, "people": list(begun.people), "seconds": seconds}, bench)
            start = time.process_time() - seconds  # what keeping has taken is no part of the erasure
    except FaceForgetError as error:
        write_json(path.with_suffix(".json"), {**record, "error": str(error)})


def _keep(cell: Cell, erasures: Sequence[Erasure], record: dict[str, Any], bench: Bench) -> None:
    """Write an outcome. One after another, the first of them are a cell of their own."""
    path = path_of(cell, bench)
    record |= {
        "steps": sum(len(erasure.steps) for erasure in erasures),
        "forgotten": all(erasure.forgotten for erasure in erasures),
        "hidden": record["method"] == "mask_logit",
    }
    classifier = _plain(erasures[-1].model)
    tensors = {"rows": _rows(classifier)}
    if not _same_features(classifier, bench.recognizer.classifier):
        tensors["embeddings"] = embed_images(classifier, bench.photos.images[bench.measured(cell.people)]).half()
    write_atomically(path.with_suffix(".safetensors"), save(tensors))
    write_json(path.with_suffix(".json"), record)  # last: a cell with a record is whole


def _erase(cell: Cell, method: Method, bench: Bench) -> Iterator[Erasure]:
    classifier: nn.Module = bench.recognizer.classifier
    if not in_turn(cell, bench):
        yield method(classifier, bench.forget_set(cell.people), augment=mirror, seed=cell.seed)
        return
    for index, person in enumerate(cell.people):
        data = bench.forget_set([person], gone=cell.people[:index])
        erasure = method(classifier, data, augment=mirror, seed=cell.seed)
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
