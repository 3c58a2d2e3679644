"""Forget a class of a segmentation network: cars vanish from street scenes.

    python -m benchmarks.segmentation           CamVid, from scratch, two CPU cores or a GPU

A ResNet-18 with a light decoder is trained on CamVid. "Car" (and "pedestrian") is then erased from the training images
that contain it, with the dense loss at its positions only. IoU per class on the test images; the mean over the other
classes leaves the positions of the forgotten class out, where no answer is right any more (with them, in brackets). The
reference is trained again with these positions left out of the loss. Rates are chosen on the validation images. Every
network is kept under ``--work``.
"""

import argparse
import hashlib
import io
import json
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional
from torchvision import models

from benchmarks.paper.recipe import Budget, normalised
from benchmarks.protocol import ROOT, SHARED
from benchmarks.spread import spread
from faceforget.cli.console import progress_bar
from faceforget.errors import FaceForgetError
from faceforget.files import write_atomically, write_json
from faceforget.method.data import ForgetSet
from faceforget.method.registry import make_method
from faceforget.progress import Event, Progress, tracked

NAMES = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist")
VOID = 11
CAMVID = SHARED / "data" / "camvid_320x240.zip"
BUDGET = Budget(epochs=60, batch_size=8, learning_rate=0.05, weight_decay=5e-4, rises=0.1)
_CROP = (160, 208)
_RATES = (3e-5, 1e-4, 3e-4, 1e-3)
_METHODS = ("delete", "random_label", "gradient_ascent", "bad_teacher")
_STEPS, _AT_ONCE = 120, 8
_COLOURS = np.array(
    [(128, 170, 210), (120, 70, 60), (190, 190, 130), (110, 90, 120), (170, 150, 180), (90, 130, 60), (200, 140, 60),
     (100, 100, 90), (20, 50, 160), (220, 60, 60), (0, 150, 160), (0, 0, 0)], np.uint8,
)  # fmt: skip


@dataclass(frozen=True)
class Scenes:
    """Street scenes: ``(N, 3, 240, 320)`` uint8 and labels ``(N, 240, 320)`` from 0 to 11, where 11 is void."""

    images: Tensor
    labels: Tensor


class Segmenter(nn.Module):
    """ResNet-18 up to 1/16 of the resolution, and a decoder that adds what 1/8 and 1/4 know.

    Shape: ``(N, 3, H, W)`` to ``(N, 11, H, W)``.
    """

    def __init__(self, classes: int = len(NAMES), width: int = 64) -> None:
        super().__init__()
        trunk = models.resnet18()
        self.stem = nn.Sequential(trunk.conv1, trunk.bn1, trunk.relu, trunk.maxpool)
        self.stages = nn.ModuleList([trunk.layer1, trunk.layer2, trunk.layer3])
        self.to_width = nn.ModuleList([nn.Conv2d(size, width, 1) for size in (64, 128, 256)])
        self.fuse = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits at every pixel."""
        maps, found = [], self.stem(images)
        for stage, narrow in zip(self.stages, self.to_width, strict=True):
            found = stage(found)
            maps.append(narrow(found))
        merged = maps[-1]
        for finer in (maps[1], maps[0]):
            merged = finer + functional.interpolate(merged, finer.shape[-2:], mode="bilinear")
        logits: Tensor = functional.interpolate(self.head(self.fuse(merged)), images.shape[-2:], mode="bilinear")
        return logits


def read_scenes(archive: Path, part: str) -> Scenes:
    """One part of the zip: ``train``, ``val`` or ``test``."""
    with zipfile.ZipFile(archive) as opened:
        names = sorted(n for n in opened.namelist() if n.startswith(f"{part}/") and n.endswith(".jpg"))
        images = [np.asarray(Image.open(io.BytesIO(opened.read(n))).convert("RGB")) for n in names]
        masks = [f"{part}annot/{Path(n).stem}.png" for n in names]
        labels = [np.asarray(Image.open(io.BytesIO(opened.read(n)))) for n in masks]
    return Scenes(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2), torch.from_numpy(np.stack(labels)).long())


def train(scenes: Scenes, seed: int, without: Sequence[int], device: torch.device, progress: Progress) -> nn.Module:
    """A network that never learns the classes of ``without``: their positions do not count."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Segmenter().to(device)
    optimizer = torch.optim.SGD(model.parameters(), 1.0, 0.9, weight_decay=BUDGET.weight_decay, nesterov=True)
    generator, count = torch.Generator().manual_seed(seed), len(scenes.images)
    labels = scenes.labels.where(~torch.isin(scenes.labels, torch.tensor([*without, VOID])), torch.tensor(VOID))
    per_epoch = count // BUDGET.batch_size
    steps = BUDGET.epochs * per_epoch
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.randperm(count, generator=generator)
        index = order[step % per_epoch * BUDGET.batch_size :][: BUDGET.batch_size]
        images, wanted = _cropped(scenes.images[index], labels[index], generator)
        for group in optimizer.param_groups:
            group["lr"] = BUDGET.rate(step, steps)
        logits = model(normalised(images.to(device)))
        loss = functional.cross_entropy(logits, wanted.to(device), ignore_index=VOID)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % 10 == 0:
            progress(Event("training", step, steps, {"loss": loss.item()}))
    progress(Event("training", steps, steps, final=True))
    return model.eval()


def _cropped(images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The same random place of all scenes of a batch, mirrored or not."""
    top, left = (
        int(torch.randint(size - crop + 1, (1,), generator=generator))
        for size, crop in zip(images.shape[-2:], _CROP, strict=True)
    )
    place = (..., slice(top, top + _CROP[0]), slice(left, left + _CROP[1]))
    mirrored = torch.rand(1, generator=generator) < 0.5
    both = [tensor[place].flip(-1) if mirrored else tensor[place] for tensor in (images, labels)]
    return both[0], both[1]


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
            made = train(self.parts["train"], seed, without, self.device, self.progress)
            write_atomically(path, save({key: value.contiguous() for key, value in made.state_dict().items()}))
        model = Segmenter().to(self.device)
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

    def run(self, seed: int, forgotten: int, method: str, rate: float, part: str) -> dict[str, float]:
        """The numbers of one row on one part; read again where they are known."""
        key = json.dumps([seed, forgotten, method, rate, part, _STEPS, BUDGET.epochs])
        path = self.work / "cells" / f"{method}_{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
        if not path.is_file():
            seconds = float("nan")
            if method == "original":
                model = self.network(seed)
            elif method == "retrain":
                model = self.network(seed, (forgotten,))
            else:
                try:
                    model, seconds = self.erased(seed, forgotten, method, rate)
                except FaceForgetError:  # it diverged: nothing is erased
                    model = self.network(seed)
            found = numbers(confusion(model, self.parts[part], self.device), forgotten)
            write_json(path, {**found, "seconds": None if seconds != seconds else seconds})
        known: dict[str, float] = json.loads(path.read_text())
        return known

    def rate(self, forgotten: int, method: str) -> float:
        """The best on the validation images of the first network."""
        found = [(self.run(0, forgotten, method, rate, "val"), rate) for rate in _RATES]
        return max(found, key=lambda trial: trial[0]["others"] - trial[0]["forgotten"])[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=CAMVID)
    parser.add_argument("--forget", default="car,pedestrian", help="classes, by comma; each is erased alone")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "segmentation")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results" / "segmentation")
    options = parser.parse_args()
    parts = {part: read_scenes(options.data, part) for part in ("train", "val", "test")}
    text = [
        "# A segmentation network forgets a class\n",
        "`python -m benchmarks.segmentation`: CamVid test images, per cent. The mean IoU of the others leaves out the "
        "positions of the forgotten class, where no answer is right any more; with them in the last column.\n",
    ]
    with progress_bar() as progress:
        bench = Bench(parts, options.work, torch.device(options.device), progress)
        for name in options.forget.split(","):
            forgotten = NAMES.index(name)
            rates = {
                m: bench.rate(forgotten, m) for m in tracked(_METHODS, f"searching {name}", len(_METHODS), progress)
            }
            text.append(f"## {name}\n\n| method | rate | IoU of {name} | mIoU of the others | everywhere | seconds |")
            text.append("|---|---|---|---|---|---|")
            for method in ("original", "retrain", *_METHODS):
                rate = rates.get(method, 0.0)
                found = [(seed, bench.run(seed, forgotten, method, rate, "test")) for seed in range(options.seeds)]
                values = [
                    spread([(seed, row[key]) for seed, row in found])
                    for key in ("forgotten", "others", "others_everywhere")
                ]
                seconds = [row["seconds"] for _, row in found if row["seconds"] is not None]
                took = f"{np.mean(seconds):.0f}" if seconds else ""
                text.append(f"| {method} | {rate or ''} | {' | '.join(values)} | {took} |")
            text.append("")
            strips(bench, forgotten, rates["delete"], options.results / f"{name}.png")
    write_atomically(options.results / "table.md", "\n".join(text).encode())
    print("\n".join(text))


def strips(bench: Bench, forgotten: int, rate: float, path: Path) -> None:
    """Test scenes with much of the class: photo, truth, original, DELETE, retrained."""
    from matplotlib.figure import Figure

    test = bench.parts["test"]
    share = (test.labels == forgotten).flatten(1).float().mean(1)
    chosen = share.argsort(descending=True)[::12][:4]
    models = {
        "original": bench.network(0),
        "DELETE": bench.erased(0, forgotten, "delete", rate)[0],
        "retrained": bench.network(0, (forgotten,)),
    }
    drawing = Figure(figsize=(12, 1.95 * len(chosen)), layout="constrained")
    axes = drawing.subplots(len(chosen), 5, squeeze=False)
    for row, index in enumerate(chosen.tolist()):
        photo, truth = test.images[index], test.labels[index]
        with torch.no_grad():
            answers = {
                words: model(normalised(photo[None].to(bench.device))).argmax(1)[0].cpu()
                for words, model in models.items()
            }
        shown = {"photo": photo.permute(1, 2, 0).numpy(), "labelled": _COLOURS[truth]}
        shown |= {words: _COLOURS[found] for words, found in answers.items()}
        for ax, (words, picture) in zip(axes[row], shown.items(), strict=True):
            ax.imshow(picture)
            ax.axis("off")
            if row == 0:
                ax.set_title(words, fontsize=11)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(path, dpi=90)


if __name__ == "__main__":
    main()
