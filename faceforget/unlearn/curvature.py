"""Gradients and Fisher information of a classifier's weights, by name or as one vector."""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceforget.unlearn.base import frozen_copy
from faceforget.unlearn.images import Images, in_batches

Gradient = dict[str, Tensor]


def mean_gradient(model: nn.Module, images: Images, labels: Tensor, batch_size: int) -> Gradient:
    """Gradient of the mean cross-entropy of ``(N, ...)`` images with their ``(N,)`` labels.

    The model is left as it is; it is evaluated with batch norm statistics and dropout frozen.
    """
    copied = frozen_copy(model).requires_grad_(True)
    total = {name: torch.zeros_like(value) for name, value in copied.named_parameters()}
    indices = torch.split(torch.arange(len(images)), batch_size)
    for index, batch in zip(indices, in_batches(images, indices), strict=True):
        loss = functional.cross_entropy(copied(batch).float(), labels[index], reduction="sum")
        for name, value in _gradient(copied, loss).items():
            total[name] += value / len(images)
    return total


def sample_gradients(model: nn.Module, images: Images, loss: Callable[[Tensor, int], Tensor]) -> Iterator[Gradient]:
    """Gradient of each image's own loss, one after another.

    Args:
        model: Left as it is; evaluated as in :func:`mean_gradient`.
        images: ``(N, ...)``.
        loss: Of the logits ``(1, C)`` of an image and its index.
    """
    copied = frozen_copy(model).requires_grad_(True)
    for index in range(len(images)):
        yield _gradient(copied, loss(copied(images[index : index + 1]).float(), index))


def diagonal_fisher(model: nn.Module, images: Images) -> Gradient:
    """Diagonal of the Fisher information: mean squared gradients of log-probabilities of drawn classes.

    The class of each image ``(N, ...)`` is drawn from what the model says (the Fisher information),
    not its label (the "empirical" one, which vanishes and errs differently: arXiv 1905.12558).
    Uses torch's global randomness, which a method's call seeds.
    """

    def drawn(logits: Tensor, _: int) -> Tensor:
        label = torch.multinomial(logits.detach().softmax(1).cpu(), 1)[:, 0].to(logits.device)
        return functional.cross_entropy(logits, label)

    total = {name: torch.zeros_like(value) for name, value in model.named_parameters()}
    for gradient in sample_gradients(model, images, drawn):
        for name, value in gradient.items():
            total[name] += value.square() / len(images)
    return total


def flat(gradient: Mapping[str, Tensor]) -> Tensor:
    """As one vector ``(P,)``, in the order of the model's parameters."""
    return torch.cat([value.flatten() for value in gradient.values()])


@torch.no_grad()
def shifted(model: nn.Module, shift: Tensor) -> nn.Module:
    """A copy whose parameters are moved by a vector ``(P,)``."""
    copied = frozen_copy(model)
    parameters = list(copied.parameters())
    parts = torch.split(shift, [parameter.numel() for parameter in parameters])
    for parameter, part in zip(parameters, parts, strict=True):
        parameter.add_(part.view_as(parameter))
    return copied


def moved_along(model: nn.Module, direction: Tensor, relative_step: float) -> nn.Module:
    """A copy moved along ``(P,)`` by ``relative_step`` times the length of all weights; unmoved if it is zero."""
    length = torch.cat([parameter.detach().flatten() for parameter in model.parameters()]).norm()
    return shifted(model, direction * (relative_step * length / direction.norm().clamp(min=1e-30)))


def _gradient(model: nn.Module, loss: Tensor) -> Gradient:
    """Zero for parameters that the loss does not depend on."""
    named = dict(model.named_parameters())
    values = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    return {
        name: torch.zeros_like(parameter) if value is None else value
        for (name, parameter), value in zip(named.items(), values, strict=True)
    }
