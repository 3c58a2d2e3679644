"""What a method is given, and what it gives back: plain tensors in frozen dataclasses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from faceforget.errors import MethodError
from faceforget.progress import Progress, silent
from faceforget.unlearn.images import Data, Images, read_data


class Recipe(Protocol):
    """How the model was made, to make it again from other images."""

    def __call__(self, images: Images, labels: Tensor, *, seed: int, progress: Progress) -> nn.Module:
        """Train a fresh classifier.

        Args:
            images: ``(N, ...)``, as they were given: a tensor, or read like one.
            labels: ``(N,)``, the classes 0 to K-1, each at least once.
            seed: Of everything random.
            progress: Called as the training goes on.

        Returns:
            A classifier of K classes.
        """
        ...


@dataclass(frozen=True)
class RetainSet:
    """Images of classes that stay, for the methods that read them.

    Attributes:
        images: ``(M, ...)`` inputs of the model.
        labels: ``(M,)`` class of each, in the model's numbering.
        recipe: How the model was made; only ``retrain`` uses it.
    """

    images: Images
    labels: Tensor
    recipe: Recipe | None = None

    def to(self, device: torch.device) -> "RetainSet":
        """The same on a device."""
        return replace(self, images=_moved(self.images, device), labels=self.labels.to(device))


@dataclass(frozen=True)
class ForgetSet:
    """What is forgotten, and the data that a method may read; most read nothing but ``images``.

    Attributes:
        images: ``(N, ...)`` inputs of the model.
        classes: Indices of all forgotten classes.
        where: For dense prediction ``(N, H, W)`` booleans: the positions of the forgotten class.
        labels: ``(N,)`` class of each image, or ``(N, H, W)`` of each position; may be left out when one class is
            forgotten.
        retained: Images of classes that stay, for methods that say that they read them.
        anchors: ``(A, ...)`` inputs of no class, for methods that hold the model in place on them.
    """

    images: Images
    classes: tuple[int, ...]
    where: Tensor | None = None
    labels: Tensor | None = None
    retained: RetainSet | None = None
    anchors: Images | None = None

    def to(self, device: torch.device) -> "ForgetSet":
        """The same on a device."""
        return replace(
            self,
            images=_moved(self.images, device),
            where=None if self.where is None else self.where.to(device),
            labels=None if self.labels is None else self.labels.to(device),
            retained=None if self.retained is None else self.retained.to(device),
            anchors=None if self.anchors is None else _moved(self.anchors, device),
        )

    def own_classes(self) -> Tensor:
        """The class of each image ``(N,)``, or of each position.

        Raises:
            MethodError: Several classes are forgotten, and the labels were not given.
        """
        if self.labels is not None:
            return self.labels
        if len(self.classes) > 1:
            raise MethodError(
                f"Expected a label per image with {len(self.classes)} forgotten classes, got none.",
                "Give pairs of images and labels, or ForgetSet(labels=...).",
            )
        return torch.full((len(self.images),), self.classes[0], device=self.images.device)


def read_forget_set(
    data: Data,
    classes: int | Sequence[int],
    device: torch.device,
    *,
    retain: Data | RetainSet | None = None,
    anchors: Data | None = None,
    progress: Progress = silent,
) -> ForgetSet:
    """The forget set of what a caller has: tensors, data sets, loaders.

    Args:
        data: Images of the classes to forget, with labels where there are several classes.
        classes: Their indices in the model.
        device: Where the model runs.
        retain: Images and labels of classes that stay.
        anchors: Images of no class.
        progress: Told while labels are read.

    Raises:
        InputDataError: Something is no data that images can be read from.
        MethodError: Images of other classes are among those to forget, or those to retain have no labels.
    """
    forgotten = (int(classes),) if not isinstance(classes, Sequence) else tuple(int(index) for index in classes)
    images, labels = read_data(data, device, progress)
    foreign = 0 if labels is None else int((~torch.isin(labels, torch.tensor(forgotten).to(labels))).sum())
    if foreign:
        raise MethodError(
            f"Expected images of the classes {list(forgotten)} alone, got {foreign} of {len(images)} of others.",
            "Give the images to forget; those of classes that stay are `retain`, for a method that reads them.",
        )
    return ForgetSet(
        images,
        forgotten,
        labels=None if labels is None else labels.to(device),
        retained=_read_retain_set(retain, device, progress),
        anchors=None if anchors is None else read_data(anchors, device, progress)[0],
    )


def _read_retain_set(data: Data | RetainSet | None, device: torch.device, progress: Progress) -> RetainSet | None:
    if data is None or isinstance(data, RetainSet):
        return None if data is None else data.to(device)
    images, labels = read_data(data, device, progress)
    if labels is None:
        raise MethodError(
            "Expected labels of the images to retain, got none.", "Give pairs of images and labels, or a data set."
        )
    return RetainSet(images, labels.to(device))


def _moved(images: Images, device: torch.device) -> Images:
    return images.to(device) if isinstance(images, Tensor) else images


@dataclass(frozen=True)
class Step:
    """One optimiser step: means over its batch, before the update."""

    step: int
    loss: float
    forgetting: float
    retention: float
    probability_left: float


@dataclass(frozen=True)
class Note:
    """What a method found out about how far it came.

    Attributes:
        code: Stable name, for whoever words it otherwise.
        message: In words.
        values: The values concerned.
    """

    code: str
    message: str
    values: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Erasure:
    """What a method returns.

    Attributes:
        model: The student; the model given in is unchanged.
        steps: One record per optimiser step; none for a method in closed form.
        forgotten: Whether no forgotten class wins on any forget image.
        probability_left: Mean probability on the forgotten classes, over the forget set.
        smallest_margin: Log-odds by which another class is ahead, at the worst forget image.
        stopped_early: Whether the margin was reached before the budget was spent.
        notes: What the method itself found out about how far it came.
    """

    model: nn.Module
    steps: tuple[Step, ...]
    forgotten: bool
    probability_left: float
    smallest_margin: float
    stopped_early: bool
    notes: tuple[Note, ...] = ()
