"""Fine-tune on the classes that stay, and let forgetting happen by itself.

The usual first baseline, e.g. in Golatkar et al., CVPR 2020, arXiv 1911.04933. Reads the retained
images; the forget set only to see whether it is done.

Cross-entropy alone moves a converged model little: without a large rate it forgets nothing.
"""

from typing import ClassVar

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from faceforget.errors import MethodError
from faceforget.unlearn.base import Reads
from faceforget.unlearn.eraser import Batch, Eraser, RetainBatch, Settings
from faceforget.unlearn.settings import MethodSettings


class FinetuneSettings(Settings):
    """A larger rate than a forgetting loss needs."""

    learning_rate: float = Field(1e-2, gt=0)
    max_steps: int = Field(200, ge=1)


class Finetune(Eraser):
    """Cross-entropy on the retain set."""

    name: ClassVar[str] = "finetune"
    paper: ClassVar[str] = "Baseline, e.g. of Golatkar et al., CVPR 2020, arXiv 1911.04933"
    reads: ClassVar[tuple[Reads, ...]] = ("forget photos", "retained photos")
    settings_type: ClassVar[type[MethodSettings]] = FinetuneSettings

    def loss(self, batch: Batch) -> Tensor:
        """Of the retained batch alone."""
        beside = retained_of(batch)
        return functional.cross_entropy(beside.student_logits.float(), beside.labels)


def retained_of(batch: Batch) -> RetainBatch:
    """The retained images of a batch, which the loop draws for methods that declare that they read them."""
    if batch.retained is None:
        raise MethodError("The batch has no retained images.", "Declare in `reads` that the method reads them.")
    return batch.retained
