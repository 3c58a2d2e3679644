"""Set the logits of the forgotten classes to minus infinity at the output: hiding, not erasing.

By every measure of output accuracy this is a perfect erasure: the forgotten classes have exactly
no probability and all others keep their ratios (the very target of DELETE). No weight changes. No
paper.
"""

from typing import ClassVar

from torch import Tensor, nn

from faceforget.unlearn.base import Edited, Method, Reads, Run, frozen_copy
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.losses import mask_logits


class MaskedLogits(nn.Module):
    """A classifier with some of its logits hidden.

    Shape: as the classifier's, ``(N, ...)`` to ``(N, C)`` or ``(N, C, H, W)``.
    """

    def __init__(self, model: nn.Module, classes: tuple[int, ...]) -> None:
        super().__init__()
        self.model = model
        self.classes = classes

    def forward(self, images: Tensor) -> Tensor:
        """Logits, minus infinity at the hidden classes."""
        return mask_logits(self.model(images), self.classes)


class MaskLogit(Method):
    """Wraps the model."""

    name: ClassVar[str] = "mask_logit"
    paper: ClassVar[str] = "Trivial baseline: the class's logit is hidden"
    reads: ClassVar[tuple[Reads, ...]] = ("nothing",)
    dense: ClassVar[bool] = True
    structure: ClassVar[str] = "The model is the `model` of a module that masks its logits."
    caveat: ClassVar[str] = (
        "mask_logit is a baseline: it hides an output and erases nothing from the features; a model file keeps no "
        "mask, so what is written is the same as drop_row's, and with the row back the class is recognised as before."
    )

    def edit(self, model: nn.Module, forget: ForgetSet, run: Run) -> Edited:
        """A copy behind a mask."""
        return Edited(MaskedLogits(frozen_copy(model), forget.classes))
