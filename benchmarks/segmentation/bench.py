"""Networks before and after an erasure, and their numbers; all of it is kept."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from benchmarks.paper.recipe import normalised
from benchmarks.segmentation.network import BUDGET, NAMES, VOID, Scenes, Segmenter, train
from faceforget.errors import FaceForgetError
from faceforget.files import write_atomically, write_json
from faceforget.method.data import ForgetSet
from faceforget.method.registry import make_method
from faceforget.progress import Progress

_RATES = (1e-4, 3e-4, 1e-3)
# About two seconds each on two cores.
_STEPS, _AT_ONCE = 40, 8


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

    def network(self, seed: int, without: Sequence[int] = ()) -> nn.Module:
        """Trained, or read again."""
        path = self.work / f"{'_'.join(['camvid', str(seed), *map(str, without)])}.safetensors"
        if not path.is_file():
            unfinished = path.with_suffix(".pt")
            made = train(self.parts["train"], seed, without, self.device, self.progress, unfinished)
            write_atomically(path, save({key: value.contiguous() for key, value in made.state_dict().items()}))
        model = Segmenter().to(self.device, memory_format=torch.channels_last)
        model.load_state_dict(load_file(path, device=str(self.device)))
        return model.eval()

    def erased(self, seed: int, forgotten: int, method: str, rate: float) -> tuple[nn.Module, float]:
        """The network after an erasure, and its seconds."""
        train_set = self.parts["train"]
        chosen = (train_set.labels == forgotten).flatten(1).any(1)
        where = train_set.labels[chosen] == forgotten
        images = normalised(train_set.images[chosen].to(self.device))
        labels = torch.full((len(images),), forgotten, device=self.device)
        settings: dict[str, Any] = {
            "learning_rate": rate,
            "batch_size": _AT_ONCE,
            "max_steps": _STEPS,
            "margin": "none",
        }
        forget = ForgetSet(images, (forgotten,), where=where.to(self.device), labels=labels)
        start = time.perf_counter()
        erasure = make_method(method, settings)(self.network(seed), forget, seed=seed, progress=self.progress)
        return erasure.model, time.perf_counter() - start

    def run(self, seed: int, forgotten: int, method: str, rate: float, part: str) -> dict[str, Any]:
        """The numbers of one row on one part; read again where they are known."""
        key = json.dumps([seed, forgotten, method, rate, part, _STEPS, BUDGET.epochs])
        path = self.work / "cells" / f"{method}_{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
        if not path.is_file():
            model, more = self._after(seed, forgotten, method, rate)
            write_json(path, {**numbers(confusion(model, self.parts[part], self.device), forgotten), **more})
        known: dict[str, Any] = json.loads(path.read_text())
        return known

    def _after(self, seed: int, forgotten: int, method: str, rate: float) -> tuple[nn.Module, dict[str, Any]]:
        """The network of a row, and its seconds; or ``error``, and the network as it was."""
        if method == "original":
            return self.network(seed), {}
        if method == "retrain":
            return self.network(seed, (forgotten,)), {}
        try:
            model, seconds = self.erased(seed, forgotten, method, rate)
        except FaceForgetError as error:
            return self.network(seed), {"error": str(error)}
        return model, {"seconds": seconds}

    def rate(self, forgotten: int, method: str) -> float:
        """The best on the validation images of the first network."""
        found = [(self.run(0, forgotten, method, rate, "val"), rate) for rate in _RATES]
        return max(found, key=lambda trial: trial[0]["others"] - trial[0]["forgotten"])[1]
