"""The one loop of every gradient method: a frozen teacher, a student, and a step budget.

A method is a subclass that states its loss; everything around it (modes, seeds, progress,
stopping) is here and is written once.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from faceforget.errors import FaceForgetError
from faceforget.method.losses import DecoupledKL, LossInputError, decoupled_kl, log_odds_margin, mask_logits
from faceforget.progress import Event, Progress, silent

Augment = Callable[[Tensor, torch.Generator], Tensor]


class DivergedError(FaceForgetError):
    """The optimisation left the finite numbers."""


class Settings(BaseModel):
    """Hyperparameters that every gradient method has; a misspelt one is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    learning_rate: float = Field(2e-4, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)
    batch_size: int = Field(32, ge=1)
    max_steps: int = Field(60, ge=1, description="Optimiser steps that cannot be exceeded.")
    margin: float | None = Field(
        2.0,
        description="Stop once every forget photo prefers another class by this many log-odds; none: never.",
    )
    batch_norm: Literal["frozen", "train"] = Field(
        "frozen",
        description="`train` lets running statistics drift and dropout act, as the paper's protocol does.",
    )


@dataclass(frozen=True)
class ForgetSet:
    """What is forgotten, and the only data that is read.

    Attributes:
        images: ``(N, ...)`` inputs of the model.
        classes: Indices of all forgotten classes.
        where: For dense prediction ``(N, H, W)`` booleans: the positions of the forgotten class.
    """

    images: Tensor
    classes: tuple[int, ...]
    where: Tensor | None = None


@dataclass(frozen=True)
class Batch:
    """One batch of forget photos with both models' logits, ``(N, C)`` or ``(N, C, H, W)``."""

    student_logits: Tensor
    teacher_logits: Tensor
    classes: tuple[int, ...]
    where: Tensor | None

    def select(self, values: Tensor) -> Tensor:
        """The entries of ``(N,)`` or ``(N, H, W)`` values that count."""
        return values.flatten() if self.where is None else values[self.where]


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
        steps: One record per optimiser step.
        forgotten: Whether no forgotten class wins on any forget photo.
        probability_left: Mean probability on the forgotten classes, over the forget photos.
        smallest_margin: Log-odds by which another class is ahead, at the worst forget photo.
        stopped_early: Whether the margin was reached before the budget was spent.
    """

    model: nn.Module
    steps: tuple[Step, ...]
    forgotten: bool
    probability_left: float
    smallest_margin: float
    stopped_early: bool


class Eraser(ABC):
    """Base of the methods: ``Method(settings)(model, forget_set)`` returns an :class:`Erasure`."""

    name: ClassVar[str]
    paper: ClassVar[str]
    reads: ClassVar[str] = "forget photos"
    settings_type: ClassVar[type[Settings]] = Settings

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings if settings is not None else self.settings_type()

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """Scalar to minimise on one batch."""

    def trainable(self, student: nn.Module) -> Iterable[nn.Parameter]:
        """Parameters that move; all by default."""
        return student.parameters()

    def __call__(
        self,
        model: nn.Module,
        forget: ForgetSet,
        *,
        augment: Augment | None = None,
        seed: int = 0,
        progress: Progress = silent,
    ) -> Erasure:
        """Erase ``forget.classes`` from a copy of ``model``.

        Args:
            model: Classifier on the device of ``forget.images``; never changed.
            forget: The forgotten classes and photos.
            augment: Random change of a batch ``(N, ...)``, the same for teacher and student.
            seed: Of the order of photos, the augmentation and dropout.
            progress: Called after each step with loss, both terms and the probability left.

        Raises:
            LossInputError: No forget photos, or classes that the model does not have.
            DivergedError: The learning rate was too high.
        """
        if len(forget.images) == 0:
            raise LossInputError("Expected at least one forget photo, got none.", "Give photos of the person.")
        teacher = copy.deepcopy(model).eval().requires_grad_(False)
        student = copy.deepcopy(model).requires_grad_(True)
        with torch.random.fork_rng(devices=_cuda_devices(forget.images)):
            torch.manual_seed(seed)
            steps, stopped_early = self._optimise(teacher, student, forget, augment, seed, progress)
        student.eval().requires_grad_(False)
        margin, left = _measure(student, forget, self.settings.batch_size)
        return Erasure(student, steps, margin > 0, left, margin, stopped_early)

    def _optimise(
        self,
        teacher: nn.Module,
        student: nn.Module,
        forget: ForgetSet,
        augment: Augment | None,
        seed: int,
        progress: Progress,
    ) -> tuple[tuple[Step, ...], bool]:
        settings = self.settings
        optimizer = torch.optim.SGD(
            list(self.trainable(student)),
            settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
        student.train(settings.batch_norm == "train")
        generator = torch.Generator().manual_seed(seed)
        steps: list[Step] = []
        while len(steps) < settings.max_steps:
            smallest = float("inf")  # margin over this pass; the training logits serve, so it costs nothing
            for index in _shuffled(len(forget.images), settings.batch_size, generator):
                batch = _forward(teacher, student, forget, index, augment, generator)
                loss = self.loss(batch)
                if not loss.isfinite():
                    raise DivergedError(
                        f"The loss became {loss.item()} at step {len(steps) + 1}: the model was destroyed.",
                        f"Use a lower rate than learning_rate={settings.learning_rate:g}.",
                    )
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                steps.append(_record(len(steps) + 1, loss, batch))
                margins = batch.select(log_odds_margin(batch.student_logits.detach(), batch.classes))
                smallest = min(smallest, margins.min().item() if margins.numel() else float("inf"))
                optimizer.step()
                progress(_event(steps[-1], settings.max_steps))
                if len(steps) == settings.max_steps:
                    return tuple(steps), False
            if settings.margin is not None and smallest >= settings.margin:
                progress(Event("erasing", len(steps), settings.max_steps, final=True))
                return tuple(steps), True
        return tuple(steps), False


def _cuda_devices(images: Tensor) -> Sequence[torch.device]:
    return [images.device] if images.is_cuda else []


def _shuffled(count: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    yield from torch.split(torch.randperm(count, generator=generator), batch_size)


def _forward(
    teacher: nn.Module,
    student: nn.Module,
    forget: ForgetSet,
    index: Tensor,
    augment: Augment | None,
    generator: torch.Generator,
) -> Batch:
    images = forget.images[index]
    if augment is not None:
        images = augment(images, generator)
    with torch.no_grad():
        teacher_logits = teacher(images)
    where = None if forget.where is None else forget.where[index]
    return Batch(student(images), teacher_logits, forget.classes, where)


def _terms(batch: Batch) -> DecoupledKL:
    """Both terms against DELETE's target, whatever the method: one yardstick for all curves."""
    return decoupled_kl(mask_logits(batch.teacher_logits, batch.classes), batch.student_logits.detach(), batch.classes)


def _record(step: int, loss: Tensor, batch: Batch) -> Step:
    terms = _terms(batch)
    left = batch.student_logits.detach().float().softmax(1)[:, list(batch.classes)].sum(1)
    return Step(
        step,
        loss.item(),
        batch.select(terms.forgetting).mean().item(),
        batch.select(terms.retention).mean().item(),
        batch.select(left).mean().item(),
    )


def _event(step: Step, budget: int) -> Event:
    values = {
        "loss": step.loss,
        "forgetting": step.forgetting,
        "retention": step.retention,
        "probability_left": step.probability_left,
    }
    return Event("erasing", step.step, budget, values, final=step.step == budget)


@torch.no_grad()
def _measure(model: nn.Module, forget: ForgetSet, batch_size: int) -> tuple[float, float]:
    """Smallest margin and mean probability left on the forget photos as they are."""
    margins, left = [], []
    for index in torch.split(torch.arange(len(forget.images)), batch_size):
        logits = model(forget.images[index])
        batch = Batch(logits, logits, forget.classes, None if forget.where is None else forget.where[index])
        margins.append(batch.select(log_odds_margin(logits, forget.classes)))
        left.append(batch.select(logits.float().softmax(1)[:, list(forget.classes)].sum(1)))
    return torch.cat(margins).min().item(), torch.cat(left).mean().item()
