"""What all methods are: ``Method(settings)(model, forget_set)`` returns an :class:`Erasure`.

A method changes a copy of its own; the checks before and the measurement after are here, so that
every method is held to the same ones. Methods by gradient steps are in :mod:`eraser`.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from faceforget.compute.processes import process
from faceforget.errors import FaceForgetError, MethodError
from faceforget.progress import Event, Progress, silent
from faceforget.unlearn.data import Erasure, ForgetSet, RetainSet, Step
from faceforget.unlearn.losses import LossInputError, log_odds_margin, remaining

Augment = Callable[[Tensor, torch.Generator], Tensor]
Reads = Literal["nothing", "forget photos", "anchors", "retained photos", "training recipe"]


class DivergedError(FaceForgetError):
    """The optimisation left the finite numbers."""


class MethodSettings(BaseModel):
    """Hyperparameters that every method has; a misspelt one is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    batch_size: int = Field(32, ge=1)


@dataclass(frozen=True)
class Run:
    """How one call runs: augmentation of a batch ``(N, ...)`` or None, seed, progress callback."""

    augment: Augment | None
    seed: int
    progress: Progress


@dataclass(frozen=True)
class Edited:
    """A changed copy of the model, the steps that led there, and what the method says of how far it came."""

    model: nn.Module
    steps: tuple[Step, ...] = ()
    stopped_early: bool = False
    note: str = ""


class Method(ABC):
    """Base of the methods.

    Attributes:
        name: As on the command line.
        paper: Where it comes from.
        reads: The data it reads; it refuses to run without.
        settings_type: Its hyperparameters with their defaults.
        caveat: What a user must know of its results; empty when they mean what they seem to.
        shares_batches: Whether it trains on a mean over photos that do not see each other: then processes can share
            a batch.
        dense: Whether it erases at positions of dense logits, as :attr:`ForgetSet.where` says.
        must_forget: Whether a forgotten class that still wins is a failure. False for the baselines
            that leave the old row recognising its photos by design.
    """

    name: ClassVar[str]
    paper: ClassVar[str]
    reads: ClassVar[tuple[Reads, ...]] = ("forget photos",)
    settings_type: ClassVar[type[MethodSettings]] = MethodSettings
    caveat: ClassVar[str] = ""
    must_forget: ClassVar[bool] = True
    shares_batches: ClassVar[bool] = False
    dense: ClassVar[bool] = False
    settings: MethodSettings

    def __init__(self, settings: MethodSettings | None = None) -> None:
        settings = settings if settings is not None else self.settings_type()
        if not isinstance(settings, self.settings_type):
            raise MethodError(
                f"{self.name} expects {self.settings_type.__name__}, got {type(settings).__name__}.",
                "Build methods with make_method(name, settings).",
            )
        self.settings = settings

    @property
    def varied(self) -> bool:
        """Whether it wants strongly varied versions of the photos instead of mirrored ones."""
        return False

    def settled(self, model: nn.Module, forget: ForgetSet) -> "Method":
        """The method with all that depends on the model settled; by default itself.

        Raises:
            MethodError: A setting does not fit the model.
        """
        return self

    @abstractmethod
    def edit(self, model: nn.Module, forget: ForgetSet, run: Run) -> Edited:
        """Change a copy of the model; global randomness is seeded, and put back afterwards."""

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
            augment: Random change of a batch ``(N, ...)``, the same for teacher and student; not with positions.
            seed: Of the order of photos, the augmentation and dropout.
            progress: Called after each step with loss, both terms and the probability left.

        Raises:
            LossInputError: No forget photos, one without a position to forget, or classes that the model does not have.
            MethodError: The method reads data that was not given, has no loss at positions, or has nothing that several
                processes could share.
            DivergedError: The learning rate was too high.
        """
        if len(forget.images) == 0:
            raise LossInputError("Expected at least one forget photo, got none.", "Give photos of the person.")
        if forget.where is not None:
            self._check_positions(forget.where, forget, augment)
        settled = self.settled(model, forget)
        if process()[1] > 1 and not settled.can_share(forget):
            raise MethodError(
                f"{self.name} with these settings has no batches that several processes could share.",
                "Run it in one process, without torchrun; `delete` with moves=all, batch_norm=frozen can use several.",
                code="one-process",
            )
        if "retained photos" in self.reads:
            self.retained(forget)
        if "anchors" in self.reads and (forget.anchors is None or len(forget.anchors) == 0):
            raise MethodError(
                f"{self.name} reads photos of people who are neither forgotten nor retained, and none were given.",
                "Give ForgetSet(anchors=...); faceforget.api.erase does it by itself.",
            )
        with torch.random.fork_rng(devices=_cuda_devices(forget.images)):
            torch.manual_seed(seed)
            edited = settled.edit(model, forget, Run(augment, seed, progress))
        student = edited.model.eval().requires_grad_(False)
        margin, left = measure(student, forget, self.settings.batch_size)
        return Erasure(student, edited.steps, margin > 0, left, margin, edited.stopped_early, edited.note)

    def _check_positions(self, where: Tensor, forget: ForgetSet, augment: Augment | None) -> None:
        if not self.dense:
            raise MethodError(
                f"{self.name} erases whole photos, not positions in them.",
                "Use a method that is `dense`, such as delete, or leave out `where`.",
            )
        if augment is not None:
            raise MethodError(
                "An augmentation moves photos but not the positions to forget in them.",
                "Leave out augment; augment photos and `where` alike before the call.",
            )
        if len(where) != len(forget.images) or not where.flatten(1).any(1).all():
            raise LossInputError(
                "Expected a position to forget in each forget photo; in some there is none.",
                "Leave out the photos in which nothing is to be forgotten.",
            )

    def can_share(self, forget: ForgetSet) -> bool:
        """Whether several processes come to the same as one, each with a part of every batch."""
        return self.shares_batches

    def retained(self, forget: ForgetSet) -> RetainSet:
        """The retained photos.

        Raises:
            MethodError: There are none, or one is of a forgotten class.
        """
        retained = forget.retained
        if retained is None or len(retained.images) == 0:
            raise self.lacks_retained()
        if set(retained.labels.tolist()) & set(forget.classes):
            raise MethodError("Retained photos of a forgotten class were given.", "Leave these photos out.")
        return retained

    def lacks_retained(self) -> MethodError:
        """The refusal of a method that reads retained photos and has none."""
        return MethodError(
            f"{self.name} reads photos of people who stay, and none were given.",
            "Give their photos as retained, or use a method that reads the forget photos only.",
            code="retained-needed",
        )

    def advice(self) -> str:
        """What to try when a class was not forgotten, in the names of the settings."""
        values = ", ".join(f"{key}={value}" for key, value in self.settings.model_dump().items())
        return f"Try other settings; these were {values}."


def frozen_copy(model: nn.Module) -> nn.Module:
    """A copy in evaluation mode whose weights take no gradient."""
    return copy.deepcopy(model).eval().requires_grad_(False)


@torch.no_grad()
def kept_classes(model: nn.Module, forget: ForgetSet) -> Tensor:
    """Indices ``(C - F,)`` of the classes that stay; ``model`` must be in evaluation mode."""
    return remaining(model(forget.images[:1]).shape[1], forget.classes)


def _cuda_devices(images: Tensor) -> Sequence[torch.device]:
    return [images.device] if images.is_cuda else []


@torch.no_grad()
def measure(model: nn.Module, forget: ForgetSet, batch_size: int) -> tuple[float, float]:
    """Smallest margin and mean probability left on the forget photos as they are."""
    margins, left = _on_photos(model, forget, batch_size)
    return margins.min().item(), left.mean().item()


@torch.no_grad()
def photos_won(model: nn.Module, forget: ForgetSet, batch_size: int) -> Tensor:
    """On which of the photos ``(N,)`` a forgotten class still wins."""
    return ~(_on_photos(model, forget, batch_size)[0] > 0)


def _on_photos(model: nn.Module, forget: ForgetSet, batch_size: int) -> tuple[Tensor, Tensor]:
    """Margin and probability left of each photo, or of each position to forget."""
    margins, left = [], []
    for index in torch.split(torch.arange(len(forget.images)), batch_size):
        logits = model(forget.images[index])
        where = None if forget.where is None else forget.where[index]
        margins.append(chosen(log_odds_margin(logits, forget.classes), where))
        left.append(chosen(logits.float().softmax(1)[:, list(forget.classes)].sum(1), where))
    return torch.cat(margins), torch.cat(left)


def chosen(values: Tensor, where: Tensor | None) -> Tensor:
    """The entries of ``(N,)`` or ``(N, H, W)`` values that count, flat."""
    return values.flatten() if where is None else values[where]


def step_event(step: Step, budget: int) -> Event:
    """A step as progress."""
    values = {
        "loss": step.loss,
        "forgetting": step.forgetting,
        "retention": step.retention,
        "probability_left": step.probability_left,
    }
    return Event("erasing", step.step, budget, values, final=step.step == budget)
