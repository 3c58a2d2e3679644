"""DELETE: decoupled distillation to erase.

Zhou et al., CVPR 2025, arXiv 2503.23751, equation 5. Reads the forget photos only.

Deviations from the published procedure, both settings: batch norm statistics and dropout stay
frozen (``batch_norm="train"`` is faithful), and the loop stops once the person is forgotten with
a margin instead of after a fixed number of epochs (``margin=none`` is faithful). Two more, off by
default, are for backdoors: a trigger adds nearly the same to the logits of every photo and drowns
what the photo shows; without their mean the teacher says the latter (``balanced``), and as little
of it is left, it has to be taken for more than it says (``temperature`` below 1).
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from faceforget.method.base import MethodSettings, chosen
from faceforget.method.eraser import Batch, Eraser, Objective, Scene, Settings
from faceforget.method.losses import delete_loss, mask_logits, remaining


class DeleteSettings(Settings):
    """What the teacher is taken at its word for."""

    balanced: bool = Field(
        False,
        description="Take off the teacher's logits what is common to all forget photos: for photos of all classes "
        "that carry one trigger, which favours some classes whatever the photo shows.",
    )
    temperature: float = Field(
        1.0, gt=0, description="Divides the teacher's logits; below 1 it becomes surer of what else it sees."
    )


class Delete(Eraser):
    """Distil the student towards the teacher with the forgotten classes masked out."""

    name: ClassVar[str] = "delete"
    paper: ClassVar[str] = "Zhou et al., Decoupled Distillation to Erase, CVPR 2025, arXiv 2503.23751"
    settings_type: ClassVar[type[MethodSettings]] = DeleteSettings
    shares_batches: ClassVar[bool] = True
    dense: ClassVar[bool] = True
    settings: DeleteSettings

    def objective(self, scene: Scene) -> Objective:
        """KL( softmax(mask(teacher) / temperature) ‖ softmax(student) )."""
        settings = self.settings
        common = common_logits(scene, settings.batch_size) if settings.balanced else 0.0

        def loss(batch: Batch) -> Tensor:
            teacher = (batch.teacher_logits - common) / settings.temperature
            return delete_loss(batch.student_logits, teacher, batch.classes, where=batch.where)

        return loss


@torch.no_grad()
def common_logits(scene: Scene, batch_size: int) -> Tensor:
    """What the masked teacher says on average over the forget photos, as log-probabilities.

    Returns:
        ``(1, C)``, or ``(1, C, 1, 1)`` for dense logits; 0 at the forgotten classes.
    """
    forget, said = scene.forget, list[Tensor]()
    for index in torch.split(torch.arange(len(forget.images)), batch_size):
        logits = scene.teacher(forget.images[index])
        kept = remaining(logits.shape[1], forget.classes)
        log_p = mask_logits(logits, forget.classes).log_softmax(1)[:, kept]
        where = None if forget.where is None else forget.where[index]
        said.append(torch.stack([chosen(log_p[:, column], where) for column in range(len(kept))]))
    common: Tensor = logits.new_zeros(1, logits.shape[1], *[1] * (logits.ndim - 2))
    common[:, kept] = torch.cat(said, 1).mean(1).view(1, -1, *common.shape[2:])
    return common
