"""Street scenes, a network that segments them, and its training."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torchvision import models

from benchmarks.paper.recipe import Budget, half, keep, normalised, resume
from faceforget.progress import Event, Progress

NAMES = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist")
VOID = 11
BUDGET = Budget(epochs=40, batch_size=8, learning_rate=0.05, weight_decay=5e-4, rises=0.1)
CROP = (128, 160)


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


def train(
    scenes: Scenes,
    seed: int,
    without: Sequence[int],
    device: torch.device,
    progress: Progress,
    checkpoint: Path | None = None,
) -> nn.Module:
    """A network that never learns the classes of ``without``: their positions do not count.

    What is not finished is kept at ``checkpoint`` after every epoch, and gone on with.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Segmenter().to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), 1.0, 0.9, weight_decay=BUDGET.weight_decay, nesterov=True)
    generator, size = torch.Generator().manual_seed(seed), BUDGET.batch_size
    labels = scenes.labels.where(~torch.isin(scenes.labels, torch.tensor([*without, VOID])), torch.tensor(VOID))
    per_epoch = len(scenes.images) // size
    steps = BUDGET.epochs * per_epoch
    for epoch in range(resume(checkpoint, model, optimizer, generator), BUDGET.epochs):
        order = torch.randperm(len(scenes.images), generator=generator)[: per_epoch * size]
        for number, index in enumerate(torch.split(order, size)):
            step = epoch * per_epoch + number
            images, wanted = _cropped(scenes.images[index], labels[index], generator)
            for group in optimizer.param_groups:
                group["lr"] = BUDGET.rate(step, steps)
            with half(device):
                logits = model(normalised(images.to(device)))
            loss = functional.cross_entropy(logits.float(), wanted.to(device), ignore_index=VOID)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if number % 10 == 0:
                progress(Event("training", step, steps, {"loss": loss.item()}))
        keep(checkpoint, epoch + 1, model, optimizer, generator)
    progress(Event("training", steps, steps, final=True))
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return model.eval()


def _cropped(images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The same random place of all scenes of a batch, mirrored or not."""
    top, left = (
        int(torch.randint(size - crop + 1, (1,), generator=generator))
        for size, crop in zip(images.shape[-2:], CROP, strict=True)
    )
    place = (..., slice(top, top + CROP[0]), slice(left, left + CROP[1]))
    mirrored = torch.rand(1, generator=generator) < 0.5
    both = [tensor[place].flip(-1) if mirrored else tensor[place] for tensor in (images, labels)]
    return both[0], both[1]
