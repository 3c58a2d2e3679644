"""Which weights of the student move, and which of their entries."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def first_parameters(model: nn.Module, layers: int | None) -> list[nn.Parameter]:
    """The parameters of the first so many layers, in the order of registration; None: all.

    A layer is a module with a matrix or a kernel; norms and activations belong to the layer that they follow.
    """
    found, begun = list[nn.Parameter](), 0
    for module in model.modules():
        own = list(module.parameters(recurse=False))
        begun += any(parameter.ndim > 1 for parameter in own)
        if layers is not None and begun > layers:
            break
        found += own
    return found


class Hold:
    """Keeps entries of the weights where they were, whatever momentum and weight decay do."""

    def __init__(self, student: nn.Module, movable: Mapping[str, Tensor] | None) -> None:
        named = dict(student.named_parameters())
        self._held = [(named[key], named[key].detach().clone(), free) for key, free in (movable or {}).items()]

    @torch.no_grad()
    def put_back(self) -> None:
        """After a step of the optimiser."""
        for parameter, original, free in self._held:
            parameter.copy_(torch.where(free, parameter, original))
