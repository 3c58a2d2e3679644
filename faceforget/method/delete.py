"""DELETE: decoupled distillation to erase.

Zhou et al., CVPR 2025, arXiv 2503.23751, equation 5. Reads the forget photos only.

Deviations from the published procedure, both settings: batch norm statistics and dropout stay
frozen (``batch_norm="train"`` is faithful), and the loop stops once the person is forgotten with
a margin instead of after a fixed number of epochs (``margin=none`` is faithful).
"""

from typing import ClassVar

from torch import Tensor

from faceforget.method.eraser import Batch, Eraser
from faceforget.method.losses import delete_loss


class Delete(Eraser):
    """Distil the student towards the teacher with the forgotten classes masked out."""

    name: ClassVar[str] = "delete"
    paper: ClassVar[str] = "Zhou et al., Decoupled Distillation to Erase, CVPR 2025, arXiv 2503.23751"
    shares_batches: ClassVar[bool] = True

    def loss(self, batch: Batch) -> Tensor:
        """KL( softmax(mask(teacher)) ‖ softmax(student) )."""
        return delete_loss(batch.student_logits, batch.teacher_logits, batch.classes, where=batch.where)
