"""DELETE on the last layer alone: the trivial solution that output accuracy takes for an erasure.

The loss is DELETE's (arXiv 2503.23751, equation 5), the backbone does not move. It passes the
paper's own measures, and the features are those of the original: give the class a new row, and
recognition is back. That this "head distillation" suffices for such measures: arXiv 2405.17878.
"""

from collections.abc import Iterable
from typing import ClassVar, Literal

from pydantic import Field
from torch import nn

from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.layers.head import bias_of, find_head, weight_of
from faceforget.unlearn.methods.delete import Delete, DeleteSettings
from faceforget.unlearn.settings import MethodSettings


class HeadOnlySettings(DeleteSettings):
    """A larger rate than DELETE's: a few rows move instead of a network."""

    learning_rate: float = Field(2e-2, gt=0)
    max_steps: int = Field(200, ge=1)
    batch_norm: Literal["frozen"] = Field("frozen", description="Drifting statistics would change the features.")
    moves: Literal["all"] = Field("all", description="The head, which is the last layer.")
    first_layers: None = Field(None, description="The head is the last.")


class HeadOnly(Delete):
    """DELETE that moves the head's rows only."""

    name: ClassVar[str] = "head_only"
    paper: ClassVar[str] = "Trivial baseline: DELETE (arXiv 2503.23751) on the last layer; see arXiv 2405.17878"
    settings_type: ClassVar[type[MethodSettings]] = HeadOnlySettings
    settings: HeadOnlySettings
    caveat: ClassVar[str] = (
        "head_only is a baseline: it moves the last layer and erases nothing from the features; "
        "with a new row, the class is recognised as before."
    )

    def trainable(self, student: nn.Module, forget: ForgetSet) -> Iterable[nn.Parameter]:
        """Rows and biases of the last layer."""
        head = find_head(student, forget.images)
        return [parameter for parameter in (weight_of(head), bias_of(head)) if parameter is not None]
