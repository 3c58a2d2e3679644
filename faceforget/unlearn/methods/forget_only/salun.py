"""SalUn: random labels, but only the weights that matter for the forget set move.

Fan et al., ICLR 2024, arXiv 2310.12508. A weight moves if the magnitude of the forget set's
cross-entropy gradient at the original model is among the largest; the published threshold is the
median. The loss on them is ``random_label``'s.

Reads the forget set only. Deviation: the published method also trains on the retain set, which
are not read here; and the loop's margin stops early.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from faceforget.unlearn.curvature import mean_gradient
from faceforget.unlearn.eraser import Scene
from faceforget.unlearn.methods.forget_only.random_label import RandomLabel, RandomLabelSettings
from faceforget.unlearn.settings import MethodSettings


class SalUnSettings(RandomLabelSettings):
    """How many weights move."""

    share: float = Field(0.5, gt=0, le=1, description="Share of all weights that may move.")


class SalUn(RandomLabel):
    """Random labels under a saliency mask."""

    name: ClassVar[str] = "salun"
    paper: ClassVar[str] = "Fan et al., SalUn, ICLR 2024, arXiv 2310.12508"
    settings_type: ClassVar[type[MethodSettings]] = SalUnSettings
    dense: ClassVar[bool] = False
    settings: SalUnSettings

    def movable(self, scene: Scene) -> Mapping[str, Tensor]:
        """The weights with the largest gradient magnitudes, over the whole network."""
        forget = scene.forget
        gradient = mean_gradient(scene.teacher, forget.images, forget.own_classes(), self.settings.batch_size)
        return largest({name: value.abs() for name, value in gradient.items()}, self.settings.share)


def largest(values: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Booleans at the ``share`` of all entries that are largest, at least one."""
    flat = torch.cat([value.flatten() for value in values.values()])
    count = max(1, round(share * len(flat)))
    mask = torch.zeros(len(flat), dtype=torch.bool, device=flat.device)
    mask[flat.argsort(descending=True)[:count]] = True
    parts = mask.split([value.numel() for value in values.values()])  # type: ignore[no-untyped-call]
    return {name: part.view_as(value) for (name, value), part in zip(values.items(), parts, strict=True)}
