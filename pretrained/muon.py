"""Muon for convolutions: momentum whose update is made orthogonal.

Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"
(kellerjordan.github.io/posts/muon). PyTorch's own ``torch.optim.Muon`` takes matrices only; a
pointwise convolution is a matrix with two empty axes.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

# Quintic iteration that takes all singular values near 1; coefficients from the source.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5


def orthogonalise(matrix: Tensor) -> Tensor:
    """Nearly ``U V'`` of the singular value decomposition of ``(R, C)``, singular values 0.7 to 1.2."""
    x: Tensor = matrix / (matrix.norm() + 1e-7)
    if tall := x.shape[0] > x.shape[1]:
        x = x.T
    for _ in range(_ITERATIONS):
        gram = x @ x.T
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised; for weights that a batch norm follows, so without decay."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float = 0.03, momentum: float = 0.9) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # noqa: ANN401
        """Update every weight that has a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["velocity"] = torch.zeros_like(p)
                velocity = state["velocity"].mul_(group["momentum"]).add_(p.grad)
                update = (p.grad + group["momentum"] * velocity).flatten(1)
                gain = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
                p.add_(orthogonalise(update).view_as(p), alpha=-group["lr"] * gain)


def is_dense(parameter: Tensor) -> bool:
    """Whether a parameter is a matrix in disguise: a convolution that mixes channels."""
    return parameter.dim() == 4 and parameter.shape[1] > 1
