"""Learning to unlearn, with adversarial examples in the place of the retain set.

Cha et al., AAAI 2024, arXiv 2301.11578 ("Adv"). The forget images' own cross-entropy rises, while
adversarial examples made from them hold the decision boundaries: each is pushed by targeted L2-PGD
on the original model towards a random other class, and keeps that class as its label:

    loss = -CE(student(x), own class) + w · CE(student(x'), target of x')

Reads the forget set only. Deviations: the first term is bounded as in ``gradient_ascent``; the
targets are never forgotten classes; one example per image, made once, not clipped to a range.
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from faceforget.unlearn.base import kept_classes
from faceforget.unlearn.eraser import Batch, Eraser, Objective, Scene
from faceforget.unlearn.methods.forget_only.gradient_ascent import GradientAscentSettings, bounded_ascent
from faceforget.unlearn.methods.forget_only.random_label import draw
from faceforget.unlearn.settings import MethodSettings


class L2ulSettings(GradientAscentSettings):
    """The attack and the weight of its examples."""

    epsilon: float = Field(0.4, gt=0, description="L2 radius of the attack, in units of the inputs.")
    attack_step: float = Field(0.1, gt=0, description="L2 length of a step of the attack.")
    attack_steps: int = Field(10, ge=1)
    adversarial_weight: float = Field(0.1, ge=0)


class L2ulAdv(Eraser):
    """Bounded ascent, held by adversarial examples."""

    name: ClassVar[str] = "l2ul_adv"
    paper: ClassVar[str] = "Cha et al., Learning to Unlearn (Adv), AAAI 2024, arXiv 2301.11578"
    settings_type: ClassVar[type[MethodSettings]] = L2ulSettings
    settings: L2ulSettings

    def objective(self, scene: Scene) -> Objective:
        """Makes the adversarial examples."""
        own, settings = scene.forget.own_classes(), self.settings
        images = scene.forget.images
        targets = draw(kept_classes(scene.teacher, scene.forget), (len(images),), scene.generator).to(images.device)
        attacks = [
            targeted_pgd(scene.teacher, images[i], targets[i], settings)
            for i in torch.split(torch.arange(len(images)), settings.batch_size)
        ]
        examples = torch.cat(attacks)

        def loss(batch: Batch) -> Tensor:
            ascent = bounded_ascent(batch.cross_entropy(own[batch.index]), settings.bound)
            logits = scene.student(examples[batch.index]).float()
            return ascent + settings.adversarial_weight * functional.cross_entropy(logits, targets[batch.index])

        return loss


def targeted_pgd(model: nn.Module, images: Tensor, targets: Tensor, settings: L2ulSettings) -> Tensor:
    """Images ``(N, ...)`` moved within an L2 ball towards ``targets`` ``(N,)`` (Madry et al. 2018, arXiv 1706.06083).

    Args:
        model: ``(N, ...)`` to ``(N, C)``, in evaluation mode.
        images: Where they start.
        targets: The classes that the model shall see.
        settings: Radius, and length and number of the steps.
    """
    shift = torch.zeros_like(images)
    for _ in range(settings.attack_steps):
        moved = (images + shift).detach().requires_grad_(True)
        loss = functional.cross_entropy(model(moved).float(), targets, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, moved)
        shift = shift - settings.attack_step * gradient / _length(gradient).clamp(min=1e-12)
        shift = shift * (settings.epsilon / _length(shift).clamp(min=settings.epsilon))
    return (images + shift).detach()


def _length(values: Tensor) -> Tensor:
    """L2 norm of each sample, shaped to divide it."""
    lengths: Tensor = values.flatten(1).norm(dim=1)
    return lengths.view(-1, *[1] * (values.ndim - 1))
