"""WoodFisher unlearning: an influence step with the full Fisher matrix of the retain set.

The step is that of influence functions, θ' - θ ∝ F⁻¹ ∇L_f (Koh & Liang, arXiv 1703.04730); the
inverse is WoodFisher's (Singh & Alistarh, NeurIPS 2020, arXiv 2004.14340): F is a damped sum of
rank-one terms, F = λ I + (1/m) Σ_j g_j g_jᵀ with g_j the gradient of one retained image, and

    F⁻¹ v = ( v - Gᵀ (λ m I + G Gᵀ)⁻¹ G v ) / λ,   G the (m, P) matrix of the g_j

which is the result of the paper's recursion, without the (P, P) matrix. Used for unlearning, e.g.
by Jia et al., NeurIPS 2023, arXiv 2304.04934.

Reads the forget set and the retain set. Deviations: the length of the step, relative to that of
all weights, is a setting; λ is in units of the mean squared length of the g_j.
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from faceforget.unlearn.base import Edited, Method, Reads, Run
from faceforget.unlearn.curvature import flat, mean_gradient, moved_along, sample_gradients
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.methods.with_retained.fisher import some
from faceforget.unlearn.settings import MethodSettings


class WoodFisherSettings(MethodSettings):
    """Length of the step, and the matrix."""

    relative_step: float = Field(0.003, gt=0, description="Length of the step over the length of all weights.")
    damping: float = Field(1e-3, gt=0, description="λ, in mean squared lengths of the gradients.")
    photos: int = Field(64, ge=1, description="Retained images in the matrix; memory grows with it.")


class WoodFisher(Method):
    """One step up the forget set's loss, preconditioned by the retain set."""

    name: ClassVar[str] = "wood_fisher"
    paper: ClassVar[str] = "Inverse of Singh & Alistarh, WoodFisher, NeurIPS 2020, arXiv 2004.14340"
    reads: ClassVar[tuple[Reads, ...]] = ("forget photos", "retained photos")
    settings_type: ClassVar[type[MethodSettings]] = WoodFisherSettings
    settings: WoodFisherSettings

    def edit(self, model: nn.Module, forget: ForgetSet, run: Run) -> Edited:
        """The step."""
        images, labels = some(self.retained(forget), self.settings.photos, run.seed)
        rows = sample_gradients(model, images, lambda logits, i: functional.cross_entropy(logits, labels[i : i + 1]))
        matrix = torch.stack([flat(gradient) for gradient in rows])
        gradient = flat(mean_gradient(model, forget.images, forget.own_classes(), self.settings.batch_size))
        damping = self.settings.damping * matrix.square().sum(1).mean().item()
        return Edited(moved_along(model, inverse_times(matrix, damping, gradient), self.settings.relative_step))


def inverse_times(matrix: Tensor, damping: float, vector: Tensor) -> Tensor:
    """( damping · I + GᵀG / m )⁻¹ v, for G ``(m, P)`` and v ``(P,)``, by Woodbury's identity."""
    damping = max(damping, 1e-30)
    count = len(matrix)
    inner = damping * count * torch.eye(count, dtype=torch.float64) + (matrix @ matrix.T).double().cpu()
    solved = torch.linalg.solve(inner, (matrix @ vector).double().cpu()).to(vector)
    result: Tensor = (vector - matrix.T @ solved) / damping
    return result
