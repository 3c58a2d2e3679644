"""Boundary expand: send the forget set to a class that does not exist, then remove it.

Chen et al., "Boundary Unlearning", CVPR 2023, arXiv 2303.11570. Reads the forget set only.

The last layer gets one more row, the shadow class; cross-entropy moves the forget set into it;
at the end the row is cut off, so the model has its original classes. Deviation: the loop's margin,
taken among the original classes as they will remain, stops early.
"""

import copy
from typing import ClassVar

import torch
from torch import Tensor, nn

from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.eraser import Batch, Eraser
from faceforget.unlearn.layers.head import bias_of, find_head, keep_rows, set_rows, weight_of


class BoundaryExpand(Eraser):
    """Cross-entropy with the shadow class."""

    name: ClassVar[str] = "boundary_expand"
    paper: ClassVar[str] = "Chen et al., Boundary Unlearning, CVPR 2023, arXiv 2303.11570"

    def start(self, model: nn.Module, forget: ForgetSet) -> nn.Module:
        """A copy with one more row: a random direction of the other rows' mean length."""
        student = copy.deepcopy(model)
        head = find_head(student, forget.images)
        rows, bias = weight_of(head).detach(), bias_of(head)
        shadow = torch.randn(rows[:1].shape, dtype=rows.dtype).to(rows.device)
        shadow *= rows.flatten(1).norm(dim=1).mean() / shadow.norm()
        set_rows(head, torch.cat([rows, shadow]), None if bias is None else torch.cat([bias, bias.mean().view(1)]))
        return student

    def loss(self, batch: Batch) -> Tensor:
        """The shadow class is the one after the teacher's."""
        shadow = batch.teacher_logits.shape[1]
        return batch.cross_entropy(torch.full((len(batch.index),), shadow)).mean()

    def finish(self, student: nn.Module, forget: ForgetSet) -> nn.Module:
        """The shadow row is cut off."""
        head = find_head(student, forget.images)
        keep_rows(head, range(len(weight_of(head)) - 1))
        return student
