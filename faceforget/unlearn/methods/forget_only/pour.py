"""POUR-P-style projection: take the forgotten class's direction out of the features, in closed form.

"POUR", arXiv 2511.19339; written from a one-line description and the argument of neural collapse,
not from the paper's equations, whose numbers and notation are not known here. When class means form
a simplex equiangular frame, projecting one of them out leaves such a frame of the others:

    P = I - U Uᵀ,   features ↦ P features,   rows of the classes that stay ↦ P rows

with U an orthonormal basis of the forgotten classes' directions: the mean unit feature of each
class's forget images, or its row. Reads the forget set only; no training. The projection goes
into the weights before the head (:mod:`projection`), so it holds for every later use of the features.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from faceforget.unlearn.base import Edited, Method, Run, frozen_copy, kept_classes
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.layers.head import bias_of, features_of, find_head, set_rows, weight_of
from faceforget.unlearn.layers.projection import complement, project_features
from faceforget.unlearn.settings import MethodSettings


class PourSettings(MethodSettings):
    """What a class's direction is."""

    direction: Literal["photos", "row"] = Field(
        "photos", description="`photos`: their images' mean unit feature; `row`: the head's row of the class."
    )


class Pour(Method):
    """Orthogonal projection of the features."""

    name: ClassVar[str] = "pour"
    paper: ClassVar[str] = "In the style of POUR-P, arXiv 2511.19339"
    settings_type: ClassVar[type[MethodSettings]] = PourSettings
    structure: ClassVar[str] = (
        "Where no linear layer makes the head's inputs, a projection is put before the head, which becomes a "
        "Sequential of the two."
    )
    settings: PourSettings

    def edit(self, model: nn.Module, forget: ForgetSet, run: Run) -> Edited:
        """Projects features and rows."""
        student = frozen_copy(model)
        head, kept = find_head(student, forget.images), kept_classes(student, forget)
        matrix = complement(self._directions(student, head, forget))
        rows = weight_of(head).detach().flatten(1).clone()
        rows[kept] = rows[kept] @ matrix
        set_rows(head, rows.view_as(weight_of(head)), bias_of(head))
        return Edited(project_features(student, matrix, forget.images, self.settings.batch_size))

    @torch.no_grad()
    def _directions(self, model: nn.Module, head: nn.Module, forget: ForgetSet) -> Tensor:
        """One direction ``(F, D)`` per forgotten class."""
        if self.settings.direction == "row":
            return weight_of(head)[list(forget.classes)].flatten(1)
        features = functional.normalize(features_of(model, forget.images, self.settings.batch_size), dim=1)
        own = forget.own_classes()
        return torch.stack([features[own == index].mean(0) for index in forget.classes if (own == index).any()])
