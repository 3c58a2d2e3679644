"""The one loop of every gradient method: a frozen teacher, a student, and a step budget.

A method is a subclass that states its loss; everything around it (modes, seeds, progress,
stopping) is here and is written once. Besides the loss there are four seams: what the student
starts and ends as, which weights move, and which of their entries.
"""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from faceforget.compute.processes import add_up_gradients, added_up, own_part
from faceforget.progress import Event
from faceforget.unlearn.base import (
    Augment,
    DivergedError,
    Edited,
    Method,
    Run,
    frozen_copy,
    step_event,
)
from faceforget.unlearn.data import ForgetSet, RetainSet, Step
from faceforget.unlearn.images import in_batches
from faceforget.unlearn.losses import DecoupledKL, decoupled_kl, log_odds_margin, mask_logits
from faceforget.unlearn.measures import chosen
from faceforget.unlearn.moving import Hold, first_parameters
from faceforget.unlearn.settings import MethodSettings

Objective = Callable[["Batch"], Tensor]


class Settings(MethodSettings):
    """Hyperparameters that every gradient method has."""

    learning_rate: float = Field(2e-4, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)
    max_steps: int = Field(60, ge=1, description="Optimiser steps that cannot be exceeded.")
    margin: float | None = Field(
        2.0,
        description="Stop once every forget image prefers another class by this many log-odds; none: never.",
    )
    margin_share: float = Field(
        1.0, gt=0, le=1, description="The share of the forget set for which `margin` suffices; the last are slow."
    )
    batch_norm: Literal["frozen", "train"] = Field(
        "frozen",
        description="`train` lets running statistics drift and dropout act, as the paper's protocol does.",
    )
    first_layers: int | None = Field(
        None,
        ge=1,
        description="How many layers move, from the input on, each with the norm that follows it; none: all. For a "
        "trigger, which the first layers see.",
    )


@dataclass(frozen=True)
class RetainBatch:
    """One batch of the retain set: the student's logits ``(M, C)``, the classes ``(M,)``, augmented images."""

    student_logits: Tensor
    labels: Tensor
    images: Tensor
    teacher: nn.Module

    @property
    def teacher_logits(self) -> Tensor:
        """Of the same images, ``(M, C)``; computed when asked for, as not every method does."""
        with torch.no_grad():
            logits: Tensor = self.teacher(self.images)
        return logits


@dataclass(frozen=True)
class Batch:
    """One batch of forget images with both models' logits, ``(N, C)`` or ``(N, C, H, W)``.

    Attributes:
        student_logits: Gradients flow here; the student may have outputs beyond the teacher's.
        teacher_logits: Of the same, augmented, images.
        classes: All forgotten classes.
        where: Positions that count, for dense prediction.
        images: ``(N, ...)``, augmented.
        index: ``(N,)`` of the images in the forget set.
        step: From 0.
        retained: A batch of the retain set, for methods that read them.
        share: Of the whole batch, where several processes have a part of it each.
    """

    student_logits: Tensor
    teacher_logits: Tensor
    classes: tuple[int, ...]
    where: Tensor | None
    images: Tensor
    index: Tensor
    step: int
    retained: RetainBatch | None = None
    share: float = 1.0

    def select(self, values: Tensor) -> Tensor:
        """The entries of ``(N,)`` or ``(N, H, W)`` values that count."""
        return chosen(values, self.where)

    def cross_entropy(self, labels: Tensor) -> Tensor:
        """Of the student with labels ``(N,)`` or ``(N, H, W)``; flat, one value per image or position that counts."""
        labels = labels.to(self.student_logits.device)
        shape = self.student_logits[:, 0].shape
        dense = labels if labels.shape == shape else labels.view(-1, *[1] * (len(shape) - 1)).expand(shape)
        return self.select(functional.cross_entropy(self.student_logits.float(), dense, reduction="none"))


@dataclass(frozen=True)
class Scene:
    """What a method may look at before its first step.

    Attributes:
        teacher: The frozen original.
        student: Where the steps start; in the mode of the training.
        forget: The data.
        generator: The run's randomness, on the CPU.
    """

    teacher: nn.Module
    student: nn.Module
    forget: ForgetSet
    generator: torch.Generator


@dataclass(frozen=True)
class _Read:
    """Images ``(N, ...)`` of one step, and their positions ``(N,)`` in the forget set."""

    index: Tensor
    images: Tensor
    step: int


class Eraser(Method):
    """Base of the gradient methods: override :meth:`loss`, or :meth:`objective` where it needs a start."""

    settings_type: ClassVar[type[MethodSettings]] = Settings
    trains: ClassVar[bool] = True
    settings: Settings

    def loss(self, batch: Batch) -> Tensor:
        """Scalar to minimise on one batch."""
        raise NotImplementedError

    def objective(self, scene: Scene) -> Objective:
        """The loss, after whatever has to be computed once before the first step."""
        return self.loss

    def start(self, model: nn.Module, forget: ForgetSet) -> nn.Module:
        """The student before the first step: a copy of the model by default."""
        return copy.deepcopy(model)

    def finish(self, student: nn.Module, forget: ForgetSet) -> nn.Module:
        """The result, from the student after the last step."""
        return student

    def trainable(self, student: nn.Module, forget: ForgetSet) -> Iterable[nn.Parameter]:
        """Parameters that move; all, or those of the first layers."""
        return first_parameters(student, self.settings.first_layers)

    def after_step(self, student: nn.Module) -> None:
        """Put the student back on what it may be, after each step; anything, by default."""

    def movable(self, scene: Scene) -> Mapping[str, Tensor] | None:
        """For each parameter the entries that may move, as booleans; None: all."""
        return None

    def edit(self, model: nn.Module, forget: ForgetSet, run: Run) -> Edited:
        """The loop."""
        teacher = frozen_copy(model)
        student = self.start(model, forget).requires_grad_(False)
        moving = list(self.trainable(student, forget))
        for parameter in moving:
            parameter.requires_grad_(True)
        optimizer = self._sgd(moving) if run.optimizer is None else run.optimizer(moving)
        student.train(self.settings.batch_norm == "train")
        generator = torch.Generator().manual_seed(run.seed)
        steps, stopped_early = self._optimise(Scene(teacher, student, forget, generator), optimizer, run)
        return Edited(self.finish(student, forget), steps, stopped_early)

    def _sgd(self, moving: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        settings = self.settings
        return torch.optim.SGD(
            moving, settings.learning_rate, momentum=settings.momentum, weight_decay=settings.weight_decay
        )

    def can_share(self, forget: ForgetSet) -> bool:
        """Only where no layer mixes images, and every image counts alike."""
        return self.shares_batches and self.settings.batch_norm == "frozen" and forget.where is None

    def advice(self) -> str:
        """A larger budget or another rate."""
        return (
            f"Try a larger budget, max_steps={2 * self.settings.max_steps}, or another "
            f"rate than learning_rate={self.settings.learning_rate:g}: higher when little moved, lower when all did."
        )

    def _forward(self, scene: Scene, read: _Read, retained: RetainSet | None, augment: Augment | None) -> Batch:
        forget = scene.forget
        own, share = own_part(len(read.index))
        images, index = _augmented(read.images, augment, scene.generator)[own], read.index[own]
        with torch.no_grad():
            teacher_logits = scene.teacher(images)
        student_logits = scene.student(images)
        where = None if forget.where is None else forget.where[index]
        beside = None
        if retained is not None:
            drawn = torch.randperm(len(retained.images), generator=scene.generator)[: self.settings.batch_size]
            images_beside = _augmented(retained.images[drawn], augment, scene.generator)
            beside = RetainBatch(scene.student(images_beside), retained.labels[drawn], images_beside, scene.teacher)
        return Batch(student_logits, teacher_logits, forget.classes, where, images, index, read.step, beside, share)

    def _optimise(self, scene: Scene, optimizer: torch.optim.Optimizer, run: Run) -> tuple[tuple[Step, ...], bool]:
        settings = self.settings
        objective = self.objective(scene)
        hold = Hold(scene.student, self.movable(scene))
        moving = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        retained = self.retained(scene.forget) if "retained photos" in self.reads else None
        steps: list[Step] = []
        while len(steps) < settings.max_steps:
            seen, ahead = 0.0, 0.0  # in this pass; the training logits serve, so it costs nothing
            indices = _shuffled(len(scene.forget.images), settings.batch_size, scene.generator)
            indices = indices[: settings.max_steps - len(steps)]
            for index, images in zip(indices, in_batches(scene.forget.images, indices), strict=True):
                batch = self._forward(scene, _Read(index, images, len(steps)), retained, run.augment)
                loss = objective(batch)
                if not loss.isfinite():
                    raise DivergedError(
                        f"The loss became {loss.item()} at step {len(steps) + 1}: the model was destroyed.",
                        f"Use a lower rate than learning_rate={settings.learning_rate:g}.",
                    )
                optimizer.zero_grad(set_to_none=True)
                (batch.share * loss).backward()  # type: ignore[no-untyped-call]
                add_up_gradients(moving)
                steps.append(_record(len(steps) + 1, loss, batch))
                if settings.margin is not None:
                    counts = _ahead(batch, settings.margin)
                    seen, ahead = seen + counts[0], ahead + counts[1]
                optimizer.step()
                hold.put_back()
                self.after_step(scene.student)
                run.progress(step_event(steps[-1], settings.max_steps))
                if len(steps) == settings.max_steps:
                    return tuple(steps), False
            if settings.margin is not None and ahead / max(seen, 1.0) >= settings.margin_share:
                run.progress(Event("erasing", len(steps), settings.max_steps, final=True))
                return tuple(steps), True
        return tuple(steps), False


def _shuffled(count: int, batch_size: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    return torch.split(torch.randperm(count, generator=generator), batch_size)


def _augmented(images: Tensor, augment: Augment | None, generator: torch.Generator) -> Tensor:
    return images if augment is None else augment(images, generator)


def _visible(batch: Batch) -> Tensor:
    """The student's logits of the teacher's classes: outputs beyond them are gone in the end."""
    return batch.student_logits.detach()[:, : batch.teacher_logits.shape[1]]


def _ahead(batch: Batch, margin: float) -> tuple[float, float]:
    """How many images, or positions, of the whole batch count, and at how many another class is ahead by the margin."""
    margins = batch.select(log_odds_margin(_visible(batch), batch.classes))
    seen, ahead = added_up(margins.numel() * (batch.share > 0), (margins >= margin).sum().item() * (batch.share > 0))
    return seen, ahead


def _terms(batch: Batch) -> DecoupledKL:
    """Both terms against DELETE's target, whatever the method: one yardstick for all curves."""
    return decoupled_kl(mask_logits(batch.teacher_logits, batch.classes), _visible(batch), batch.classes)


def _record(step: int, loss: Tensor, batch: Batch) -> Step:
    terms = _terms(batch)
    left = _visible(batch).float().softmax(1)[:, list(batch.classes)].sum(1)
    means = (loss, *(batch.select(values).mean() for values in (terms.forgetting, terms.retention, left)))
    return Step(step, *added_up(*(batch.share * mean.item() for mean in means)))
