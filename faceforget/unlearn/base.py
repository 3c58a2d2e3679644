"""What all methods are: ``Method(learning_rate=1e-3)(model, images, classes=7)`` returns an :class:`Erasure`.

A method changes a copy of its own; the checks before and the measurement after are here, so that
every method is held to the same ones. Methods by gradient steps are in :mod:`eraser`.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from faceforget.compute.processes import process
from faceforget.errors import FaceForgetError, MethodError
from faceforget.progress import Event, Progress, silent
from faceforget.unlearn.data import Erasure, ForgetSet, Note, RetainSet, Step, read_forget_set
from faceforget.unlearn.images import Data, batch_size_of
from faceforget.unlearn.losses import LossInputError, remaining
from faceforget.unlearn.measures import measure
from faceforget.unlearn.settings import MethodSettings, settings_of, signature_of

Augment = Callable[[Tensor, torch.Generator], Tensor]
OptimizerFactory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
Reads = Literal["nothing", "forget photos", "anchors", "retained photos", "training recipe"]


class DivergedError(FaceForgetError):
    """The optimisation left the finite numbers."""


@dataclass(frozen=True)
class Run:
    """How one call runs: augmentation of a batch ``(N, ...)`` or None, seed, progress callback, optimiser or None."""

    augment: Augment | None
    seed: int
    progress: Progress
    optimizer: OptimizerFactory | None = None


@dataclass(frozen=True)
class Edited:
    """A changed copy of the model, the steps that led there, and what the method says of how far it came."""

    model: nn.Module
    steps: tuple[Step, ...] = ()
    stopped_early: bool = False
    notes: tuple[Note, ...] = ()


class Method(ABC):
    """Base of the methods.

    Args:
        settings: All hyperparameters, as an object of ``settings_type``; or none.
        hyperparameters: Those that are not the defaults, by name.

    Raises:
        MethodError: A hyperparameter is misspelt or out of range.

    Attributes:
        name: As ``make_method`` knows it.
        paper: Where it comes from.
        reads: The data it reads; it refuses to run without.
        settings_type: Its hyperparameters with their defaults.
        caveat: What a user must know of its results; empty when they mean what they seem to.
        shares_batches: Whether it trains on a mean over images that do not see each other: then processes can share
            a batch.
        dense: Whether it erases at positions of dense logits, as :attr:`ForgetSet.where` says.
        trains: Whether it makes steps of an optimiser, which the caller may choose.
        structure: How modules and ``state_dict`` keys of the result differ from the model's; empty where they do not.
        must_forget: Whether a forgotten class that still wins is a failure; not for baselines that keep the old row.
    """

    name: ClassVar[str]
    paper: ClassVar[str]
    reads: ClassVar[tuple[Reads, ...]] = ("forget photos",)
    settings_type: ClassVar[type[MethodSettings]] = MethodSettings
    caveat: ClassVar[str] = ""
    must_forget: ClassVar[bool] = True
    shares_batches: ClassVar[bool] = False
    dense: ClassVar[bool] = False
    trains: ClassVar[bool] = False
    structure: ClassVar[str] = ""
    settings: MethodSettings

    def __init_subclass__(cls, **more: Any) -> None:  # noqa: ANN401 - as of object
        """Let ``help`` and editors show the hyperparameters as the parameters that they are."""
        super().__init_subclass__(**more)
        cls.__signature__ = signature_of(cls.settings_type)  # type: ignore[attr-defined]

    def __init__(self, settings: MethodSettings | None = None, /, **hyperparameters: Any) -> None:  # noqa: ANN401
        if settings is None:
            settings = settings_of(self.settings_type, hyperparameters, self.name)
        elif hyperparameters or not isinstance(settings, self.settings_type):
            raise MethodError(
                f"{self.name} expects {self.settings_type.__name__} or hyperparameters, got {type(settings).__name__}"
                f"{' and hyperparameters' if hyperparameters else ''}.",
                "Give hyperparameters by name.",
            )
        self.settings = settings

    @property
    def varied(self) -> bool:
        """Whether it wants strongly varied versions of the images instead of mirrored ones."""
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
        forget: ForgetSet | Data,
        *,
        classes: int | Sequence[int] | None = None,
        retain: Data | None = None,
        anchors: Data | None = None,
        augment: Augment | None = None,
        optimizer: OptimizerFactory | None = None,
        device: str | torch.device | None = None,
        seed: int = 0,
        progress: Progress = silent,
    ) -> Erasure:
        """Erase classes from a copy of ``model``.

        Args:
            model: Classifier of ``(N, ...)`` inputs; never changed.
            forget: Images of the forgotten classes, as a tensor, a data set or a loader, which are read batch by
                batch where they have indices; with labels where there are several classes. Or a :class:`ForgetSet`,
                which says all of what is read, so that ``classes``, ``retain`` and ``anchors`` are left out.
            classes: Index of the forgotten class in the logits, or several.
            retain: Images and labels of classes that stay, for a method that reads them.
            anchors: Images of no class, for a method that reads them.
            augment: Random change of a batch ``(N, ...)``, the same for teacher and student; not with positions.
            optimizer: Makes the optimiser of the parameters that move; else SGD as the settings say.
            device: Where to compute; else where the model is. The result is where the model is.
            seed: Of the order of images, the augmentation and dropout.
            progress: Called after each step with loss, both terms and the probability left.

        Raises:
            InputDataError: No images can be read from what was given.
            LossInputError: No forget images, one without a position to forget, or classes that the model does not have.
            MethodError: The method reads data that was not given, has no loss at positions, has no optimiser, or has
                nothing that several processes could share.
            DivergedError: The learning rate was too high.
        """
        home = _device_of(model)
        where = home if device is None else torch.device(device)
        if where != home:
            model = copy.deepcopy(model).to(where)
        with torch.random.fork_rng(devices=_cuda_devices(where)):  # loaders and data sets may draw numbers as well
            given = self._forget_set(forget, classes, retain, anchors, where, progress)
            run = Run(augment, seed, progress, optimizer)
            erasure = self._with_batches_of(forget)._erase(model, given, run)
        erasure.model.to(home)
        return erasure

    def _forget_set(
        self,
        forget: ForgetSet | Data,
        classes: int | Sequence[int] | None,
        retain: Data | None,
        anchors: Data | None,
        device: torch.device,
        progress: Progress,
    ) -> ForgetSet:
        if isinstance(forget, ForgetSet):
            if classes is not None or retain is not None or anchors is not None:
                raise MethodError(
                    "A ForgetSet says itself which classes are forgotten, and what else is read.",
                    "Leave out classes, retain and anchors, or give images in place of the ForgetSet.",
                )
            return forget.to(device)
        if classes is None:
            raise MethodError("Expected the classes to forget, got none.", "Give classes=7, or several.")
        return read_forget_set(forget, classes, device, retain=retain, anchors=anchors, progress=progress)

    def _with_batches_of(self, data: object) -> "Method":
        """With a loader's batch size, unless the settings say one."""
        size = batch_size_of(data)
        if size is None or "batch_size" in self.settings.model_fields_set:
            return self
        return type(self)(self.settings.model_copy(update={"batch_size": size}))

    def _erase(self, model: nn.Module, forget: ForgetSet, run: Run) -> Erasure:
        if len(forget.images) == 0:
            raise LossInputError("Expected at least one forget image, got none.", "Give images of the class.")
        if forget.where is not None:
            self._check_positions(forget.where, forget, run.augment)
        if run.optimizer is not None and not self.trains:
            raise MethodError(f"{self.name} makes no steps of an optimiser.", "Leave out optimizer.")
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
                f"{self.name} reads images of classes that are neither forgotten nor kept, and none were given.",
                "Give anchors=...",
            )
        torch.manual_seed(run.seed)
        edited = settled.edit(model, forget, run)
        student = edited.model.eval().requires_grad_(False)
        margin, left = measure(student, forget, self.settings.batch_size)
        return Erasure(student, edited.steps, margin > 0, left, margin, edited.stopped_early, edited.notes)

    def _check_positions(self, where: Tensor, forget: ForgetSet, augment: Augment | None) -> None:
        if not self.dense:
            raise MethodError(
                f"{self.name} erases whole images, not positions in them.",
                "Use a method that is `dense`, such as delete, or leave out `where`.",
            )
        if augment is not None:
            raise MethodError(
                "An augmentation moves images but not the positions to forget in them.",
                "Leave out augment; augment images and `where` alike before the call.",
            )
        if len(where) != len(forget.images) or not where.flatten(1).any(1).all():
            raise LossInputError(
                "Expected a position to forget in each forget image; in some there is none.",
                "Leave out the images in which nothing is to be forgotten.",
            )

    def can_share(self, forget: ForgetSet) -> bool:
        """Whether several processes come to the same as one, each with a part of every batch."""
        return self.shares_batches

    def retained(self, forget: ForgetSet) -> RetainSet:
        """The retain set.

        Raises:
            MethodError: There are none, or one is of a forgotten class.
        """
        retained = forget.retained
        if retained is None or len(retained.images) == 0:
            raise self.lacks_retained()
        if set(retained.labels.tolist()) & set(forget.classes):
            raise MethodError("Retained images of a forgotten class were given.", "Leave these images out.")
        return retained

    def lacks_retained(self) -> MethodError:
        """The refusal of a method that reads the retain set and has none."""
        return MethodError(
            f"{self.name} reads images of classes that stay, and none were given.",
            "Give images and labels as retain, or use a method that reads the forget set only.",
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


def _device_of(model: nn.Module) -> torch.device:
    return next((tensor.device for tensor in (*model.parameters(), *model.buffers())), torch.device("cpu"))


def _cuda_devices(device: torch.device) -> Sequence[torch.device]:
    return [device] if device.type == "cuda" else []


def step_event(step: Step, budget: int) -> Event:
    """A step as progress."""
    values = {
        "loss": step.loss,
        "forgetting": step.forgetting,
        "retention": step.retention,
        "probability_left": step.probability_left,
    }
    return Event("erasing", step.step, budget, values, final=step.step == budget)
