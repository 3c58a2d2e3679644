"""A method as somebody else's package brings it: a class, and an entry point in its ``pyproject.toml``.

[project.entry-points."faceforget.methods"]
example_unlikelihood = "faceforget_example:Unlikelihood"
"""

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from faceforget.unlearn import Batch, Eraser, MethodSettings, Settings


class UnlikelihoodSettings(Settings):
    """A rate for small networks."""

    learning_rate: float = Field(0.05, gt=0)


class Unlikelihood(Eraser):
    """-log(1 - p) of the forgotten classes."""

    name: ClassVar[str] = "example_unlikelihood"
    paper: ClassVar[str] = "Welleck et al., Neural Text Generation with Unlikelihood Training, arXiv 1908.04319"
    settings_type: ClassVar[type[MethodSettings]] = UnlikelihoodSettings

    def loss(self, batch: Batch) -> Tensor:
        """Mean over the batch."""
        forgotten = batch.student_logits.float().softmax(1)[:, list(batch.classes)].sum(1)
        return -batch.select((1 - forgotten).clamp(min=1e-6).log()).mean()
