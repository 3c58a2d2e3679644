r"""Dispersed: the person becomes nothing before their direction is masked. Towards *unrecognisable*, not there yet.

:mod:`anchored` masks a direction that is a mean over a dozen photos. The part of the person that it misses is
common to all their other photos and comes back once the embedding is given unit length again. No linear edit gets
below that, so what is left is made small too, against anchors: faces of nobody concerned, who hold everybody else in
place.

    start   student = P · teacher                                        as in anchored
    train   L = w_a · mean_anchors |e_s(x) - P e_t(x)|² / |e_t(x)|²
              + w_f · mean_forget  |e_s(x)|² / |e_t(x)|²                 e before it is given unit length
    end     what the student's own embeddings of the forget photos still share is masked once more

The forgetting target is zero and not a place: a common place would be a new template, and a random place for each
photo averages out on photos not seen (measured, ``docs/research.md``). Only the late layers move, so that everything
before them is computed once. Ours; dispersion as a goal is from Zakharov (arXiv 2512.13317) and Spotter
(arXiv 2506.01318).
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol, cast, runtime_checkable

import torch
from pydantic import Field
from torch import Tensor, nn

from faceforget.errors import MethodError
from faceforget.method.anchored import project_out
from faceforget.method.base import DivergedError, Edited, Method, MethodSettings, Reads, Run, frozen_copy, step_event
from faceforget.method.data import ForgetSet, Step
from faceforget.method.head import find_head

_WARM_UP = 5


@runtime_checkable
class InHalves(Protocol):
    """A classifier whose late layers can be trained on what its early layers gave."""

    def halves(self) -> tuple[nn.Module, nn.Module]:
        """Early layers, images to features, and late layers, features to embeddings ``(N, D)`` of any length."""
        ...


class DispersedSettings(MethodSettings):
    """Weights, steps and batches; the same for everybody."""

    learning_rate: float = Field(1.5e-3, gt=0, description="Peak of Adam's rate: five steps up, then a cosine to zero.")
    max_steps: int = Field(60, ge=1)
    forget_weight: float = Field(8.0, ge=0, description="w_f")
    anchor_weight: float = Field(4.0, ge=0, description="w_a")
    views: int = Field(12, ge=2, description="Of each forget photo: as it is, mirrored, the others augmented.")
    forget_batch: int = Field(32, ge=1)
    anchor_batch: int = Field(64, ge=1)
    anchors: int = Field(400, ge=1, description="At most so many are read.")


class Dispersed(Method):
    """Zero as the target for the person, the projected teacher for anchors."""

    name: ClassVar[str] = "dispersed"
    paper: ClassVar[str] = "FaceForget; after DELETE (arXiv 2503.23751), arXiv 2512.13317 and arXiv 2506.01318"
    reads: ClassVar[tuple[Reads, ...]] = ("forget photos", "anchors")
    settings_type: ClassVar[type[MethodSettings]] = DispersedSettings
    varied: ClassVar[bool] = True
    caveat: ClassVar[str] = (
        "dispersed is an experiment: on real faces it brought re-enrolment from 100 to 14-18 % and pairwise "
        "recognition to 4 %, not yet to nothing; the audit says how far it came on this person."
    )
    settings: DispersedSettings

    def edit(self, model: nn.Module, forget: ForgetSet, run: Run) -> Edited:
        """Projects, trains, projects."""
        size = self.settings.batch_size
        student = frozen_copy(model)
        early, late = _halves(student)
        generator = torch.Generator().manual_seed(run.seed)
        anchors = cast("Tensor", forget.anchors)[: self.settings.anchors]
        person = _through(early, _views(forget.images, self.settings.views, run, generator), size)
        others = _through(early, anchors, size)
        lengths = [_through(late, features, size).norm(dim=1) for features in (person, others)]
        project_out(student, forget, size)
        pool = _Pool(person, lengths[0], others, lengths[1], _through(late, others, size))
        head = copy.deepcopy(find_head(student, forget.images))
        steps = self._train(late, pool, lambda e: head(e).softmax(1)[:, list(forget.classes)].sum(1), generator, run)
        late.requires_grad_(False)
        return Edited(project_out(student, forget, size), steps)

    def _train(
        self,
        late: nn.Module,
        pool: "_Pool",
        probability: Callable[[Tensor], Tensor],
        generator: torch.Generator,
        run: Run,
    ) -> tuple[Step, ...]:
        settings = self.settings
        optimizer = torch.optim.Adam(list(late.requires_grad_(True).parameters()), settings.learning_rate)
        steps: list[Step] = []
        for step in range(1, settings.max_steps + 1):
            optimizer.param_groups[0]["lr"] = settings.learning_rate * _schedule(step, settings.max_steps)
            own = torch.randperm(len(pool.person), generator=generator)[: settings.forget_batch]
            others = torch.randperm(len(pool.others), generator=generator)[: settings.anchor_batch]
            both = torch.cat([pool.person[own], pool.others[others]])
            embeddings = late(both.contiguous(memory_format=torch.channels_last) if both.ndim == 4 else both)
            person, held = embeddings[: len(own)], embeddings[len(own) :]
            shrinking = (person.norm(dim=1) / pool.person_lengths[own]).square().mean()
            drift = ((held - pool.targets[others]).norm(dim=1) / pool.other_lengths[others]).square().mean()
            loss = settings.forget_weight * shrinking + settings.anchor_weight * drift
            if not loss.isfinite():
                raise DivergedError(
                    f"The loss became {loss.item()} at step {step}: the model was destroyed.",
                    f"Use a lower rate than learning_rate={settings.learning_rate:g}.",
                )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            left = probability(person.detach()).mean().item()
            steps.append(Step(step, loss.item(), shrinking.item(), drift.item(), left))
            run.progress(step_event(steps[-1], settings.max_steps))
        return tuple(steps)


@dataclass(frozen=True)
class _Pool:
    """What the early layers gave, computed once; lengths and targets are of the teacher's embeddings.

    Attributes:
        person: Features ``(V, ...)`` of all views of the forget photos.
        person_lengths: ``(V,)``.
        others: Features ``(A, ...)`` of the anchors.
        other_lengths: ``(A,)``.
        targets: ``(A, D)`` the projected teacher's embeddings of the anchors.
    """

    person: Tensor
    person_lengths: Tensor
    others: Tensor
    other_lengths: Tensor
    targets: Tensor


def _halves(student: nn.Module) -> tuple[nn.Module, nn.Module]:
    if isinstance(student, InHalves):
        return student.halves()
    raise MethodError(
        f"dispersed trains the late layers of a model that tells which they are; {type(student).__name__} does not.",
        "Give it a method halves() that returns early and late layers, or use the method anchored.",
    )


def _views(images: Tensor, views: int, run: Run, generator: torch.Generator) -> Tensor:
    """Each photo as it is and mirrored, and augmented, ``(views * N, 3, H, W)``."""
    mirrored = images.flip(3) if images.ndim == 4 else images
    if run.augment is None or views == 2:
        return torch.cat([images, mirrored])
    more = images.repeat(views - 2, *[1] * (images.ndim - 1))
    return torch.cat([images, mirrored, run.augment(more, generator)])


@torch.no_grad()
def _through(module: nn.Module, inputs: Tensor, size: int) -> Tensor:
    return torch.cat([module(part) for part in torch.split(inputs, size)])


def _schedule(step: int, steps: int) -> float:
    """Five steps up, a cosine down to zero."""
    return min(1.0, step / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * (step - 1) / steps))
