"""Influence unlearning: one step that undoes what the forget set contributed.

After Koh & Liang, "Understanding black-box predictions via influence functions", ICML 2017, arXiv
1703.04730: removing images changes the optimum by about θ' - θ = (n_f / n) H⁻¹ ∇L_f, with L_f the
mean cross-entropy of the n_f forget images and H the Hessian over all n.

Reads the forget set only, so neither n nor H is known. Deviations: H is the diagonal Fisher
information of the forget set, damped; the step has that direction, and its length, relative to
that of all weights, is a setting.
"""

from typing import ClassVar

from pydantic import Field
from torch import nn

from faceforget.unlearn.base import Edited, Method, Run
from faceforget.unlearn.curvature import diagonal_fisher, flat, mean_gradient, moved_along
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.settings import MethodSettings


class InfluenceSettings(MethodSettings):
    """Length and damping of the step."""

    relative_step: float = Field(0.005, gt=0, description="Length of the step over the length of all weights.")
    damping: float = Field(1.0, gt=0, description="Added to the Fisher information, in units of its mean.")


class Influence(Method):
    """One damped natural-gradient step up the forget set's loss."""

    name: ClassVar[str] = "influence"
    paper: ClassVar[str] = "After Koh & Liang, Influence Functions, ICML 2017, arXiv 1703.04730"
    settings_type: ClassVar[type[MethodSettings]] = InfluenceSettings
    settings: InfluenceSettings

    def edit(self, model: nn.Module, forget: ForgetSet, run: Run) -> Edited:
        """Gradient over damped Fisher information."""
        gradient = flat(mean_gradient(model, forget.images, forget.own_classes(), self.settings.batch_size))
        fisher = flat(diagonal_fisher(model, forget.images))
        direction = gradient / (fisher + self.settings.damping * fisher.mean().clamp(min=1e-30))
        return Edited(moved_along(model, direction, self.settings.relative_step))
