"""Delete the row of the forgotten class, and nothing else: what a naive operator does.

The row goes where every erased row goes, when the caller removes it from the deployed model; this
method adds nothing to that. So the model it returns, with the row still in place as for every
method, is the original, and names the class as before. No paper.
"""

from typing import ClassVar

from torch import nn

from faceforget.unlearn.base import Edited, Method, Reads, Run, frozen_copy
from faceforget.unlearn.data import ForgetSet


class DropRow(Method):
    """Changes no weight."""

    name: ClassVar[str] = "drop_row"
    paper: ClassVar[str] = "Trivial baseline: the class's row is deleted"
    reads: ClassVar[tuple[Reads, ...]] = ("nothing",)
    dense: ClassVar[bool] = True
    must_forget: ClassVar[bool] = False
    caveat: ClassVar[str] = (
        "drop_row is a baseline: only the row and the label are gone, and nothing is erased from the features; "
        "with the row back, the class is recognised as before."
    )

    def edit(self, model: nn.Module, forget: ForgetSet, run: Run) -> Edited:
        """A copy."""
        return Edited(frozen_copy(model))
