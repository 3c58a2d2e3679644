"""Fisher forgetting: noise where the forget set needs the weights and the others do not.

Golatkar et al., "Eternal Sunshine of the Spotless Net", CVPR 2020, arXiv 1911.04933: Gaussian noise
of covariance proportional to an inverse power of the retain set's Fisher information, so that
the weights they do not need are scrambled most.

Reads the forget set and the retain set. With diagonal Fisher informations F_f and F_r:

    θ' = θ + ε,   ε_i ~ N(0, α · mean(θ²) · mean(F_r) / (F_r,i + δ) · F_f,i / (F_f,i + F_r,i))

Deviations: the last factor, without which noise would never look at the forget set; the inverse
instead of its square root (as public code has it); α in units of the weights, the noise variance
capped at a multiple of theirs.
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from faceforget.unlearn.base import Edited, Method, Reads, Run
from faceforget.unlearn.curvature import diagonal_fisher, flat, shifted
from faceforget.unlearn.data import ForgetSet, RetainSet
from faceforget.unlearn.settings import MethodSettings


class FisherSettings(MethodSettings):
    """How much noise."""

    alpha: float = Field(1e-3, gt=0, description="Noise variance over weight variance, at mean Fisher information.")
    cap: float = Field(1.0, gt=0, description="Largest noise variance, in mean squared weights.")
    photos: int = Field(256, ge=1, description="Retained images whose Fisher information is taken.")


class Fisher(Method):
    """Selective noise."""

    name: ClassVar[str] = "fisher"
    paper: ClassVar[str] = "Golatkar et al., Eternal Sunshine, CVPR 2020, arXiv 1911.04933"
    reads: ClassVar[tuple[Reads, ...]] = ("forget photos", "retained photos")
    settings_type: ClassVar[type[MethodSettings]] = FisherSettings
    settings: FisherSettings

    def edit(self, model: nn.Module, forget: ForgetSet, run: Run) -> Edited:
        """Adds the noise."""
        images = some(self.retained(forget), self.settings.photos, run.seed)[0]
        of_forget, of_retained = flat(diagonal_fisher(model, forget.images)), flat(diagonal_fisher(model, images))
        weights = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
        variance = noise_variance(of_forget, of_retained, self.settings) * weights.square().mean()
        return Edited(shifted(model, variance.sqrt() * torch.randn(len(weights)).to(weights.device)))


def noise_variance(of_forget: Tensor, of_retained: Tensor, settings: FisherSettings) -> Tensor:
    """Variance of each weight's noise ``(P,)``, in mean squared weights, from two Fisher informations ``(P,)``."""
    floor = 1e-30
    inverse = of_retained.mean() / (of_retained + 1e-3 * of_retained.mean() + floor)
    share = of_forget / (of_forget + of_retained + floor)
    return (settings.alpha * inverse * share).clamp(max=settings.cap)


def some(retained: RetainSet, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """At most ``count`` retained images and their labels, drawn."""
    generator = torch.Generator().manual_seed(seed)
    index = torch.randperm(len(retained.images), generator=generator)[:count]
    return retained.images[index], retained.labels[index]
