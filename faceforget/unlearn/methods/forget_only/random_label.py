"""Random labels: fine-tune on the forget set with classes drawn at random.

Golatkar et al., "Eternal Sunshine of the Spotless Net", CVPR 2020, arXiv 1911.04933 (a baseline
there); Hayase et al. 2020 and others under the same name. Reads the forget set only.

The true class is never drawn, nor another class that is being forgotten. In the words of DELETE's
decomposition this is its special case of a one-hot target, whose retention term sees one class.
Deviation: the loop's margin stops early (``margin=none``: never).
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from faceforget.unlearn.base import kept_classes
from faceforget.unlearn.eraser import Batch, Eraser, Objective, Scene, Settings
from faceforget.unlearn.settings import MethodSettings


class RandomLabelSettings(Settings):
    """When labels are drawn."""

    labels: Literal["fixed", "resampled"] = Field(
        "fixed", description="`fixed` draws once per image, `resampled` at every step."
    )


class RandomLabel(Eraser):
    """Cross-entropy with a random class that stays."""

    name: ClassVar[str] = "random_label"
    paper: ClassVar[str] = "Baseline of Golatkar et al., Eternal Sunshine, CVPR 2020, arXiv 1911.04933"
    settings_type: ClassVar[type[MethodSettings]] = RandomLabelSettings
    dense: ClassVar[bool] = True
    settings: RandomLabelSettings

    def objective(self, scene: Scene) -> Objective:
        """Draws the labels that stay fixed."""
        classes = kept_classes(scene.teacher, scene.forget)
        where = scene.forget.where
        shape = (len(scene.forget.images),) if where is None else tuple(where.shape)
        fixed = draw(classes, shape, scene.generator)

        def loss(batch: Batch) -> Tensor:
            resampled = self.settings.labels == "resampled"
            drawn = (len(batch.index), *shape[1:])
            labels = draw(classes, drawn, scene.generator) if resampled else fixed[batch.index]
            return batch.cross_entropy(labels).mean()

        return loss


def draw(classes: Tensor, shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """A tensor of this shape of these classes, each as likely."""
    return classes[torch.randint(len(classes), tuple(shape), generator=generator)]
