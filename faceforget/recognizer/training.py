"""Fine-tuning a backbone with its cosine head at enrolment."""

from collections.abc import Iterator

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from faceforget.compute.processes import add_up_gradients, added_up, own_part
from faceforget.progress import Event, Progress, silent
from faceforget.recognizer.head import FaceClassifier


class TrainingSettings(BaseModel):
    """How an enrolment with ``train="full"`` fine-tunes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(6, ge=1)
    batch_size: int = Field(32, ge=2)
    learning_rate: float = Field(0.01, gt=0, description="Peak of the cosine schedule.")
    weight_decay: float = Field(1e-4, ge=0)
    margin: float | None = Field(
        None,
        ge=0,
        lt=2,
        description="Taken off the cosine of each photo with its own row, while training. None: a hundredth for each "
        "enrolled person, at most 0.35.",
    )

    def margin_for(self, people: int) -> float:
        """Among few people a wide margin drives their photos to where strangers are: of ten, 4 % got a name, not 1."""
        return min(0.01 * people, 0.35) if self.margin is None else self.margin


def fine_tune(
    classifier: FaceClassifier,
    images: Tensor,
    targets: Tensor,
    settings: TrainingSettings,
    *,
    seed: int = 0,
    progress: Progress = silent,
    stage: str = "training",
) -> None:
    """Train ``classifier`` in place with cross-entropy; batch norm statistics and dropout stay frozen.

    With a margin (Wang et al., CosFace, CVPR 2018, arXiv 1801.09414, equation 4) a photo has to be nearer to its own
    row than to all others by that much. Without one, the loss is content as soon as it is nearest.

    The statistics are frozen because a few photos per person would pull what millions made towards a handful of
    cameras. Under ``torchrun`` each process computes a part of every batch (:mod:`faceforget.compute.processes`).

    Args:
        classifier: A model of the caller's own, e.g. freshly made.
        images: ``(N, 3, S, S)`` RGB in [0, 1], on the classifier's device.
        targets: ``(N,)`` class indices.
        settings: Epochs, batch size, rates.
        seed: Of the order and the augmentation.
        progress: Called after every step with the loss.
        stage: Name of the work in progress events.
    """
    classifier.eval().requires_grad_(True)
    steps = settings.epochs * -(-len(images) // settings.batch_size)
    optimizer = torch.optim.SGD(
        classifier.parameters(),
        settings.learning_rate,
        momentum=0.9,
        weight_decay=settings.weight_decay,
        nesterov=True,
    )
    rise = 0.1 if steps != 10 else 0.0  # of one step, torch divides by its length less one
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=max(steps, 2), pct_start=rise
    )
    margin = settings.margin_for(len(classifier.head.weight)) * classifier.head.scale
    generator = torch.Generator().manual_seed(seed)
    for step, index in enumerate(_epochs(len(images), settings, generator), start=1):
        own, share = own_part(len(index))
        asked = targets[index[own]]
        logits = classifier(augment(images[index], generator)[own])
        loss = share * functional.cross_entropy(logits - margin * functional.one_hot(asked, logits.shape[1]), asked)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        add_up_gradients(classifier.parameters())
        nn.utils.clip_grad_norm_(classifier.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        progress(Event(stage, step, steps, {"loss": added_up(loss.item())[0]}, final=step == steps))
    classifier.requires_grad_(False)


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror half of the images, change brightness and contrast a little.

    Shape: ``(N, 3, S, S)`` in [0, 1] to the same.
    """
    count, device = len(images), images.device
    brightness, contrast = (torch.rand(2, count, 1, 1, 1, generator=generator) * 0.3 - 0.15).to(device)
    changed = mirror(images, generator)
    means = changed.mean((1, 2, 3), keepdim=True)
    lit: Tensor = ((changed - means) * (1 + contrast) + means + brightness).clamp(0, 1)
    return lit


def mirror(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each image with probability one half."""
    flipped = torch.rand(len(images), 1, 1, 1, generator=generator).to(images.device) < 0.5
    return torch.where(flipped, images.flip(3), images)


def _epochs(count: int, settings: TrainingSettings, generator: torch.Generator) -> Iterator[Tensor]:
    for _ in range(settings.epochs):
        yield from torch.split(torch.randperm(count, generator=generator), settings.batch_size)
