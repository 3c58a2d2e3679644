"""Learning to unlearn, with adversarial examples and weight importance.

Cha et al., AAAI 2024, arXiv 2301.11578 ("Adv+Imp"). To ``l2ul_adv`` comes a penalty that keeps the
weights that do *not* matter for the forget set where they were:

    loss = l2ul_adv + w · Σ_i (1 - Ω_i) (θ_i - θ_i°)²

Ω is the importance of memory-aware synapses (Aljundi et al. 2018, arXiv 1711.09601): the mean over
the forget set of |∂‖logits‖² / ∂θ|, here scaled to [0, 1] within each parameter tensor (that
scaling is from memory). Reads the forget set only.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from faceforget.unlearn.curvature import sample_gradients
from faceforget.unlearn.eraser import Batch, Objective, Scene
from faceforget.unlearn.images import Images
from faceforget.unlearn.methods.forget_only.l2ul_adv import L2ulAdv, L2ulSettings
from faceforget.unlearn.settings import MethodSettings


class L2ulImpSettings(L2ulSettings):
    """The weight of the penalty."""

    importance_weight: float = Field(1.0, ge=0)


class L2ulImp(L2ulAdv):
    """Adversarial examples, and a penalty on weights that do not matter for the forget set."""

    name: ClassVar[str] = "l2ul_imp"
    paper: ClassVar[str] = "Cha et al., Learning to Unlearn (Adv+Imp), AAAI 2024, arXiv 2301.11578"
    settings_type: ClassVar[type[MethodSettings]] = L2ulImpSettings
    settings: L2ulImpSettings

    def objective(self, scene: Scene) -> Objective:
        """Measures the importances before the first step."""
        adversarial = super().objective(scene)
        held = {name: 1 - value for name, value in importance(scene.teacher, scene.forget.images).items()}
        original = {name: value.detach() for name, value in scene.teacher.named_parameters()}

        def loss(batch: Batch) -> Tensor:
            penalty = sum(
                (held[name] * (value - original[name]).square()).sum()
                for name, value in scene.student.named_parameters()
            )
            return adversarial(batch) + self.settings.importance_weight * penalty

        return loss


def importance(model: nn.Module, images: Images) -> Mapping[str, Tensor]:
    """For each parameter how much it matters for these ``(N, ...)`` images, in [0, 1]."""
    sums = {name: torch.zeros_like(value) for name, value in model.named_parameters()}
    for gradient in sample_gradients(model, images, lambda logits, _: logits.square().sum()):
        for name, value in gradient.items():
            sums[name] += value.abs()
    return {name: value / value.max().clamp(min=1e-12) for name, value in sums.items()}
