"""What a method is given, and what it gives back: plain tensors in frozen dataclasses."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from faceforget.errors import MethodError
from faceforget.progress import Progress


class Recipe(Protocol):
    """How the model was made, to make it again from other photos."""

    def __call__(self, images: Tensor, labels: Tensor, *, seed: int, progress: Progress) -> nn.Module:
        """Train a fresh classifier.

        Args:
            images: ``(N, ...)``.
            labels: ``(N,)``, the classes 0 to K-1, each at least once.
            seed: Of everything random.
            progress: Called as the training goes on.

        Returns:
            A classifier of K classes.
        """
        ...


@dataclass(frozen=True)
class RetainSet:
    """Photos of classes that stay, for the methods that read them.

    Attributes:
        images: ``(M, ...)`` inputs of the model.
        labels: ``(M,)`` class of each, in the model's numbering.
        recipe: How the model was made; only ``retrain`` uses it.
    """

    images: Tensor
    labels: Tensor
    recipe: Recipe | None = None


@dataclass(frozen=True)
class ForgetSet:
    """What is forgotten, and the data that a method may read; most read nothing but ``images``.

    Attributes:
        images: ``(N, ...)`` inputs of the model.
        classes: Indices of all forgotten classes.
        where: For dense prediction ``(N, H, W)`` booleans: the positions of the forgotten class.
        labels: ``(N,)`` class of each photo, or ``(N, H, W)`` of each position; may be left out when one class is
            forgotten.
        retained: Photos of classes that stay, for methods that say that they read them.
        anchors: ``(A, ...)`` inputs of no class, for methods that hold the model in place on them.
    """

    images: Tensor
    classes: tuple[int, ...]
    where: Tensor | None = None
    labels: Tensor | None = None
    retained: RetainSet | None = None
    anchors: Tensor | None = None

    def own_classes(self) -> Tensor:
        """The class of each photo ``(N,)``, or of each position.

        Raises:
            MethodError: Several classes are forgotten, and the labels were not given.
        """
        if self.labels is not None:
            return self.labels
        if len(self.classes) > 1:
            raise MethodError(
                f"Expected a label per photo with {len(self.classes)} forgotten classes, got none.",
                "Give ForgetSet(labels=...).",
            )
        return torch.full((len(self.images),), self.classes[0], device=self.images.device)


@dataclass(frozen=True)
class Step:
    """One optimiser step: means over its batch, before the update."""

    step: int
    loss: float
    forgetting: float
    retention: float
    probability_left: float


@dataclass(frozen=True)
class Erasure:
    """What a method returns.

    Attributes:
        model: The student; the model given in is unchanged.
        steps: One record per optimiser step; none for a method in closed form.
        forgotten: Whether no forgotten class wins on any forget photo.
        probability_left: Mean probability on the forgotten classes, over the forget photos.
        smallest_margin: Log-odds by which another class is ahead, at the worst forget photo.
        stopped_early: Whether the margin was reached before the budget was spent.
        note: What the method itself found out about how far it came; empty when nothing is to be said.
    """

    model: nn.Module
    steps: tuple[Step, ...]
    forgotten: bool
    probability_left: float
    smallest_margin: float
    stopped_early: bool
    note: str = ""
