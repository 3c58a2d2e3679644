"""Boundary shrink: give each forget image the class of its nearest neighbour across the boundary.

Chen et al., "Boundary Unlearning", CVPR 2023, arXiv 2303.11570. Reads the forget set only.

The neighbour is one FGSM step away, x' = x + ε sign(∇ CE(teacher(x), own class)), and its class is
what the original model says of x'. Deviations: forgotten classes are left out of that answer (where
the step does not cross the boundary, the published rule would train the class to be forgotten);
x' is not clipped, since the range of the inputs is not known here; the loop's margin stops early.
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from faceforget.unlearn.eraser import Batch, Eraser, Objective, Scene, Settings
from faceforget.unlearn.losses import mask_logits
from faceforget.unlearn.settings import MethodSettings


class BoundaryShrinkSettings(Settings):
    """How far the neighbour is."""

    epsilon: float = Field(0.1, gt=0, description="FGSM step, in units of the inputs.")


class BoundaryShrink(Eraser):
    """Cross-entropy with the class of the adversarial neighbour."""

    name: ClassVar[str] = "boundary_shrink"
    paper: ClassVar[str] = "Chen et al., Boundary Unlearning, CVPR 2023, arXiv 2303.11570"
    settings_type: ClassVar[type[MethodSettings]] = BoundaryShrinkSettings
    settings: BoundaryShrinkSettings

    def objective(self, scene: Scene) -> Objective:
        """Keeps the original model, which is asked for each batch as it is augmented."""
        own = scene.forget.own_classes()

        def loss(batch: Batch) -> Tensor:
            moved = fgsm(scene.teacher, batch.images, own[batch.index], self.settings.epsilon)
            with torch.no_grad():
                labels = mask_logits(scene.teacher(moved), batch.classes).argmax(1)
            return batch.cross_entropy(labels).mean()

        return loss


def fgsm(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """One step of ``epsilon`` per entry away from the labels (Goodfellow et al. 2015, arXiv 1412.6572).

    Args:
        model: ``(N, ...)`` to ``(N, C)``, in evaluation mode.
        images: ``(N, ...)``.
        labels: ``(N,)``.
        epsilon: In units of the images.
    """
    moved = images.detach().clone().requires_grad_(True)
    loss = functional.cross_entropy(model(moved).float(), labels)
    (gradient,) = torch.autograd.grad(loss, moved)
    return images + epsilon * gradient.sign()
