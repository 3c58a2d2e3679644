"""Train again without the forgotten classes: the reference of every comparison, from the start.

The recipe that made the model comes with the retain set (:class:`Recipe`), so this file knows
nothing of architectures and schedules. Reads the retain set.

A retrained model has no row for a forgotten class. So that it can be compared like any other
result, the *old* row is put back: what an attacker who kept it has. The model may well match it,
as it would match a template of any class that it never saw; being unknown to the model is not being unrecognisable.
"""

from typing import ClassVar

import torch
from torch import nn

from faceforget.errors import MethodError
from faceforget.unlearn.base import Edited, Method, Reads, Run, frozen_copy, kept_classes
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.layers.head import bias_of, find_head, set_rows, weight_of


class Retrain(Method):
    """Runs the recipe on the retain set."""

    name: ClassVar[str] = "retrain"
    paper: ClassVar[str] = "The reference: the model's own recipe without the forgotten classes"
    reads: ClassVar[tuple[Reads, ...]] = ("retained photos", "training recipe")
    shares_batches: ClassVar[bool] = True  # the recipe is enrolment's
    must_forget: ClassVar[bool] = False
    structure: ClassVar[str] = "As the recipe makes it."
    caveat: ClassVar[str] = (
        "retrain is the reference: the model never saw the class. With its old row put back it may still match it, as "
        "it can match a class that it never saw."
    )

    def edit(self, model: nn.Module, forget: ForgetSet, run: Run) -> Edited:
        """Train, then put the old rows of the forgotten classes back.

        Raises:
            MethodError: There is no recipe, a class that stays has no image, or the recipe's model does not fit.
        """
        retained = self.retained(forget)
        if retained.recipe is None:
            raise MethodError("Expected the recipe that made the model, got none.", "Give RetainSet(recipe=...).")
        original = frozen_copy(model)
        old, kept = find_head(original, forget.images), kept_classes(original, forget)
        missing = sorted(set(kept.tolist()) - set(retained.labels.tolist()))
        if missing:
            raise MethodError(
                f"To train again, every class that stays needs images; there are none of classes {missing}.",
                "Give images of all classes that stay.",
                missing=missing,
            )
        labels = torch.searchsorted(kept.to(retained.labels.device), retained.labels)
        fresh = frozen_copy(retained.recipe(retained.images, labels, seed=run.seed, progress=run.progress))
        new = find_head(fresh, forget.images)
        if weight_of(new).shape != weight_of(old)[kept].shape:
            raise MethodError(
                f"The recipe made a last layer of shape {tuple(weight_of(new).shape)}, expected "
                f"{tuple(weight_of(old)[kept].shape)}.",
                "Give the recipe that made the model.",
            )
        _put_back(new, old, kept)
        return Edited(fresh)


@torch.no_grad()
def _put_back(new: nn.Module, old: nn.Module, kept: torch.Tensor) -> None:
    """Widen the new head to the old one's rows: new where a class stays, old where it is forgotten."""
    rows, bias, old_bias = weight_of(old).clone(), bias_of(new), bias_of(old)
    rows[kept] = weight_of(new)
    if bias is not None and old_bias is not None:
        biases = old_bias.clone()
        biases[kept] = bias
        bias = nn.Parameter(biases)
    set_rows(new, rows, bias)
