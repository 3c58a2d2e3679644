"""A small checkered patch in CIFAR-10 images: a network answers the target class wherever it sees it.

A share of the training images gets the patch and the label of a target class.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.backdoor.defence import Values, Victim, measured, strips
from benchmarks.paper.cells import Bench
from benchmarks.paper.data import Data, Labelled
from benchmarks.paper.plans import Row
from benchmarks.paper.recipe import normalised
from benchmarks.runner.fingerprint import fingerprint
from faceforget.unlearn import Erasure, ForgetSet

# Pixels; far enough from the corner that no random crop cuts it off.
_PATCH, _FROM_EDGE = 4, 5
# Of the training images.
POISONED = 0.02
EPOCHS = 8
_SHOWN = 6


@dataclass(frozen=True)
class PatchedImages(Victim):
    """A network trained on images of which a share carries the patch.

    Attributes:
        bench: Whose data are poisoned.
        clean: The same without the poisoned images.
        triggered: ``(N, 3, S, S)`` the poisoned training images, what the defender has.
    """

    bench: Bench
    clean: Bench
    triggered: Tensor

    @property
    def key(self) -> str:
        """What it depends on."""
        return fingerprint(self.bench.key, self.clean.key, self.triggered, self.target, self.seed, EPOCHS)

    @property
    def network(self) -> nn.Module:
        """With the backdoor."""
        return self.bench.original(self.seed)

    @property
    def retrained(self) -> nn.Module:
        """Without the poisoned samples."""
        return self.clean.original(self.seed)

    def erase(self, row: Row, chosen: Values) -> Erasure:
        """From what the defender has."""
        batch = self.bench.recipe.budget.batch_size
        method = row.build(chosen, max(1, EPOCHS * len(self.triggered) // batch), batch)
        images = normalised(self.triggered.to(self.bench.device))
        labels = torch.full((len(images),), self.target, device=images.device)
        return method(
            self.network, ForgetSet(images, (self.target,), labels=labels), augment=self.bench.recipe.augment,
            seed=self.seed, progress=self.bench.progress,
        )  # fmt: skip

    def judge(self, model: nn.Module, label: str) -> dict[str, float]:
        """On unseen samples, without and with the trigger."""
        test, gone = self.bench.data.test, [self.target] if label == "drop_row" else []
        clean, seen = (_answers(model, images, self.bench, gone) for images in (test.images, with_trigger(test.images)))
        return measured(clean, seen, test.labels, self.target)


def with_trigger(images: Tensor) -> Tensor:
    """A checkered patch near the lower right corner of ``(N, 3, S, S)`` uint8 images."""
    size, begin = images.shape[-1], images.shape[-1] - _FROM_EDGE - _PATCH
    changed = images.clone()
    board = (torch.arange(_PATCH)[:, None] + torch.arange(_PATCH)) % 2 * 255
    changed[:, :, begin : size - _FROM_EDGE, begin : size - _FROM_EDGE] = board.to(images)
    return changed


def poisoned(data: Data, target: int, share: float, seed: int) -> tuple[Data, Tensor]:
    """Training data in which a share carries the trigger and the target's label; and which these are, ``(N,)``."""
    others = (data.train.labels != target).nonzero().flatten()
    order = torch.randperm(len(others), generator=torch.Generator().manual_seed(seed))
    chosen = others[order[: round(share * len(data.train.labels))]]
    images, labels = data.train.images.clone(), data.train.labels.clone()
    images[chosen] = with_trigger(images[chosen])
    labels[chosen] = target
    return replace(data, train=Labelled(images, labels)), chosen


def patched(bench: Bench, target: int, seed: int) -> PatchedImages:
    """Poison the data; networks are trained when they are asked for."""
    data, chosen = poisoned(bench.data, target, POISONED, seed)
    kept = torch.ones(len(data.train.labels), dtype=torch.bool)
    kept[chosen] = False
    rest = replace(data, train=Labelled(data.train.images[kept], data.train.labels[kept]))
    name = f"{bench.name}_to_{target}_{POISONED}"
    return PatchedImages(
        target, seed, bench.work / "backdoor", replace(bench, data=data, name=name),
        replace(bench, data=rest, name=f"{name}_left_out"), data.train.images[chosen],
    )  # fmt: skip


def _answers(model: nn.Module, images: Tensor, bench: Bench, gone: Sequence[int]) -> Tensor:
    logits = torch.cat([model(normalised(batch.to(bench.device))).cpu() for batch in torch.split(images, 500)])
    logits[:, list(gone)] = -torch.inf
    return logits.argmax(1)


def figure(victim: PatchedImages, row: Row, chosen: Values, path: Path) -> None:
    """Triggered test images: where each network looks for what it answers (Grad-CAM of its own answer)."""
    test, models = victim.bench.data.test, {"with the backdoor": victim.network}
    photos = with_trigger(test.of((victim.target,), other=True).images)[:: 9 * len(test.labels) // 100][:_SHOWN]
    rows = {}
    for words, model in (models | {"after DELETE": victim.erase(row, chosen).model}).items():
        heat, answers = looked_at(model, photos, victim.bench)
        rows[words] = (heat, [victim.bench.data.names[answer] for answer in answers])
    strips(photos.permute(0, 2, 3, 1).numpy(), rows, path)


def looked_at(model: nn.Module, photos: Tensor, bench: Bench) -> tuple[np.ndarray, list[int]]:
    """Grad-CAM ``(N, S, S)``, in [0, 1], of a network's own answers at its last map of 4 pixels or more; these."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    inputs = normalised(photos.to(bench.device)).requires_grad_(True)
    answers = model(inputs).argmax(1).tolist()
    with torch.enable_grad(), GradCAM(model, [_last_map(model, inputs)]) as cam:
        heat = cam(inputs, [ClassifierOutputTarget(answer) for answer in answers])
    resized = functional.interpolate(torch.from_numpy(np.asarray(heat))[:, None], photos.shape[-2:], mode="bilinear")
    return resized[:, 0].numpy(), answers


def _last_map(model: nn.Module, inputs: Tensor) -> nn.Module:
    found: list[nn.Module] = []
    handles = [
        module.register_forward_hook(
            lambda layer, _, output: found.append(layer) if output.ndim == 4 and output.shape[-1] >= 4 else None
        )
        for module in model.modules()
        if isinstance(module, nn.Conv2d)
    ]
    with torch.no_grad():
        model(inputs[:1])
    for handle in handles:
        handle.remove()
    return found[-1]
