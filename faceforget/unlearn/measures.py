"""What a classifier still says of the forgotten classes."""

import torch
from torch import Tensor, nn

from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.images import in_batches
from faceforget.unlearn.losses import log_odds_margin


@torch.no_grad()
def measure(model: nn.Module, forget: ForgetSet, batch_size: int) -> tuple[float, float]:
    """Smallest margin and mean probability left on the forget set as it is."""
    margins, left = _on_images(model, forget, batch_size)
    return margins.min().item(), left.mean().item()


@torch.no_grad()
def images_won(model: nn.Module, forget: ForgetSet, batch_size: int) -> Tensor:
    """On which of the images ``(N,)`` a forgotten class still wins."""
    return ~(_on_images(model, forget, batch_size)[0] > 0)


def _on_images(model: nn.Module, forget: ForgetSet, batch_size: int) -> tuple[Tensor, Tensor]:
    """Margin and probability left of each image, or of each position to forget."""
    margins, left = [], []
    indices = torch.split(torch.arange(len(forget.images)), batch_size)
    for index, images in zip(indices, in_batches(forget.images, indices), strict=True):
        logits = model(images)
        where = None if forget.where is None else forget.where[index]
        margins.append(chosen(log_odds_margin(logits, forget.classes), where))
        left.append(chosen(logits.float().softmax(1)[:, list(forget.classes)].sum(1), where))
    return torch.cat(margins), torch.cat(left)


def chosen(values: Tensor, where: Tensor | None) -> Tensor:
    """The entries of ``(N,)`` or ``(N, H, W)`` values that count, flat."""
    return values.flatten() if where is None else values[where]
