"""Gradient ascent: raise the cross-entropy of the forget set with its own class.

The "negative gradient" baseline of Golatkar et al., CVPR 2020, arXiv 1911.04933. Reads the forget
images only.

Cross-entropy has no upper bound, so plain ascent ends in a destroyed model. Deviation: each image's
loss counts up to a bound and pulls no further beyond it; and the loop's margin stops early.
"""

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from faceforget.unlearn.eraser import Batch, Eraser, Objective, Scene, Settings
from faceforget.unlearn.settings import MethodSettings


class GradientAscentSettings(Settings):
    """How far each image is pushed."""

    bound: float = Field(8.0, gt=0, description="Nats of cross-entropy beyond which an image does not count.")


class GradientAscent(Eraser):
    """Minus the cross-entropy with the own class, bounded."""

    name: ClassVar[str] = "gradient_ascent"
    paper: ClassVar[str] = "Negative gradient, baseline of Golatkar et al., CVPR 2020, arXiv 1911.04933"
    settings_type: ClassVar[type[MethodSettings]] = GradientAscentSettings
    dense: ClassVar[bool] = True
    settings: GradientAscentSettings

    def objective(self, scene: Scene) -> Objective:
        """Looks up each image's own class."""
        own = scene.forget.own_classes()

        def loss(batch: Batch) -> Tensor:
            return bounded_ascent(batch.cross_entropy(own[batch.index]), self.settings.bound)

        return loss


def bounded_ascent(losses: Tensor, bound: float) -> Tensor:
    """Minus the mean of ``losses`` ``(N,)``, each counted up to ``bound``: no gradient beyond it."""
    return -losses.clamp(max=bound).mean()
