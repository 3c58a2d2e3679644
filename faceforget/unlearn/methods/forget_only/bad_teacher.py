"""Bad teacher: on the forget set, learn from a network that knows nothing.

Chundawat et al., "Can bad teaching induce forgetting?", AAAI 2023, arXiv 2205.08096. The student
is distilled towards an untrained network of the same shape: KL( bad teacher ‖ student ).

Reads the forget set only. Deviation: the published method also distils the original model on
retained images, which are not read here; so nothing holds the rest. The loop's margin stops early.
"""

import math
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from faceforget.unlearn.base import frozen_copy
from faceforget.unlearn.eraser import Batch, Eraser, Objective, Scene, Settings
from faceforget.unlearn.settings import MethodSettings


class BadTeacherSettings(Settings):
    """How soft the targets are."""

    temperature: float = Field(1.0, gt=0)


class BadTeacher(Eraser):
    """KL to a randomly initialised network."""

    name: ClassVar[str] = "bad_teacher"
    paper: ClassVar[str] = "Chundawat et al., Bad Teaching, AAAI 2023, arXiv 2205.08096"
    settings_type: ClassVar[type[MethodSettings]] = BadTeacherSettings
    dense: ClassVar[bool] = True
    settings: BadTeacherSettings

    def objective(self, scene: Scene) -> Objective:
        """Makes the bad teacher."""
        bad = untrained(scene.teacher)
        temperature = self.settings.temperature

        def loss(batch: Batch) -> Tensor:
            with torch.no_grad():
                target = functional.softmax(bad(batch.images).float() / temperature, dim=1)
            log_q = functional.log_softmax(batch.student_logits.float() / temperature, dim=1)
            divergence = functional.kl_div(log_q, target, reduction="none").sum(1)
            return batch.select(divergence).mean() * temperature**2

        return loss


@torch.no_grad()
def untrained(model: nn.Module) -> nn.Module:
    """A copy with new weights: each layer's own initialisation, or normal values where it has none."""
    fresh = frozen_copy(model)
    for layer in fresh.modules():
        own = list(layer.parameters(recurse=False))
        reset = getattr(layer, "reset_parameters", None)
        if callable(reset):
            reset()
            continue
        for parameter in own:
            parameter.normal_(std=1 / math.sqrt(max(parameter[0].numel(), 1)) if parameter.ndim else 1.0)
    return fresh
