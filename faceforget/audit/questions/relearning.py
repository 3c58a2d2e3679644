"""How soon does the model learn the person again? Optimiser steps of an attacker with a few of their photos.

A model that still knows somebody inside is back sooner than one that never met them: so compare with a
retrained model, or with strangers who are taught to the same model.

The new row starts at random, and so do two more runs, because the number of steps is partly luck; the rows are the
same for every model and person. Two other starts look better and are not: the mean of the person's embeddings
would be the re-enrolment, a question of its own, and the mean of the other people's rows is where an erasure that
levels all probabilities has just put the person: 13 steps for an erased one, 20 before, 21 to 34 for strangers,
where random rows take 29, 19 and 21 to 34.
All weights and the new row are trained with one rate; the row hardly moves, so that the network has to bring the
person there. The other rows stay, as rivals: the attacker has no photos of other people.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from faceforget.audit.estimates import Estimate, bootstrap, not_measured
from faceforget.progress import Event, Progress, silent
from faceforget.recognizer.head import to_images
from faceforget.recognizer.recognizer import Recognizer

PHOTOS = 5
STARTS = 3
MAX_STEPS = 200
SHARE = 0.9

# Adam, whose steps do not depend on the size of gradients, is fair between models; at this rate strangers on
# LFW take 20 to 40 steps with the mobile backbone.
RATE = 2e-5
# Beyond the answer: what the interval over photos needs to see.
_MORE = 5


@dataclass(frozen=True)
class Relearning:
    """How soon a person is recognised again.

    Attributes:
        steps: Until 90 % of the photos that are not learnt from get the person as best candidate, mean over
            the starts; where that did not happen, the number of steps tried counts. With fewer than ten
            photos 90 % means all of them, and the interval over photos reaches downwards only.
        reached: Whether it happened from every start.
        learnt_from: Photos that were learnt from.
        curve: Share of photos that get the person as best candidate, before the first step and after each, mean
            over the starts; a start that is done stays where it got.
    """

    steps: Estimate
    reached: bool
    learnt_from: int
    curve: tuple[float, ...]


def relearning(
    recognizer: Recognizer,
    learn: NDArray[np.uint8],
    probe: NDArray[np.uint8],
    *,
    seed: int = 0,
    photos: int = PHOTOS,
    starts: int = STARTS,
    max_steps: int = MAX_STEPS,
    rate: float = RATE,
    progress: Progress = silent,
) -> Relearning:
    """Teach a copy of a model a person and count the steps.

    Args:
        recognizer: Without the person's row; it stays as it is.
        learn: ``(N, S, S, 3)`` crops of the person; the first ``photos`` are learnt from, all in each step.
        probe: ``(M, S, S, 3)`` other crops of the person.
        seed: Of the random rows and of the interval.
        photos: How many to learn from at most.
        starts: Random rows, each taught to a fresh copy.
        max_steps: When to give up.
        rate: Of Adam; steps of different rates cannot be compared.
        progress: Called after each step with the share recognised.
    """
    learn = learn[:photos]
    if not len(learn) or not len(probe) or not recognizer.labels:
        note = "photos to learn from, other photos to test with and other enrolled people are needed"
        return Relearning(not_measured(len(probe), note), False, len(learn), ())
    images = to_images(learn, recognizer.device), to_images(probe, recognizer.device)
    generator = torch.Generator().manual_seed(seed)
    runs = []
    with torch.enable_grad():
        for _ in range(starts):
            pupil = _Pupil(recognizer, torch.randn(1, recognizer.spec.embedding_size, generator=generator))
            optimizer = torch.optim.Adam(pupil.parameters(), rate)
            runs.append(np.stack(list(_until_known(pupil, optimizer, *images, max_steps, progress))))
    return _summary(runs, len(learn), max_steps, seed)


def _summary(runs: Sequence[NDArray[np.bool_]], learnt_from: int, max_steps: int, seed: int) -> Relearning:
    """From which photos were named, ``(steps, M)`` for each start."""
    photos = runs[0].shape[1]

    def steps(drawn: NDArray[np.intp]) -> NDArray[np.float64]:
        # (steps, ..., photos) to (...)
        found: NDArray[np.float64] = np.mean([_steps(named[:, drawn].mean(-1)) for named in runs], axis=0)
        return found

    longest = max(map(len, runs))
    curve = np.mean([np.pad(named.mean(1), (0, longest - len(named)), "edge") for named in runs], axis=0)
    failed = sum(bool(named.mean(1).max() < SHARE) for named in runs)
    note = f"not within {max_steps} steps from {failed} of {len(runs)} starts" if failed else ""
    # What was cut off has no upper end.
    interval = None if failed else bootstrap(photos, steps, seed=seed)
    estimate = Estimate(float(steps(np.arange(photos))), photos, interval, note)
    return Relearning(estimate, not failed, learnt_from, tuple(curve.tolist()))


def _steps(curve: NDArray[np.float64]) -> NDArray[np.intp]:
    """The first step ``(...)`` of ``(steps, ...)`` at which enough photos are named; the last where there is none."""
    enough = curve >= SHARE
    found: NDArray[np.intp] = np.where(enough.any(0), enough.argmax(0), len(curve) - 1)
    return found


def _until_known(
    pupil: "_Pupil",
    optimizer: torch.optim.Optimizer,
    learn: Tensor,
    probe: Tensor,
    max_steps: int,
    progress: Progress,
) -> Iterator[NDArray[np.bool_]]:
    """Which photos ``(M,)`` are named, before the first step and after each."""
    more = _MORE
    for step in range(max_steps + 1):
        named = pupil.names(probe)
        share = float(named.mean())
        more -= share >= SHARE
        last = step == max_steps or share == 1 or not more
        progress(Event("relearning", step, max_steps, {"recognised": share}, final=last))
        yield named
        if last:
            return
        optimizer.zero_grad(set_to_none=True)
        # The person is class 0.
        loss = functional.cross_entropy(pupil(learn), torch.zeros(len(learn), dtype=torch.long, device=learn.device))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


class _Pupil(nn.Module):
    """A copy of a model with one more row, the first; the others are fixed. Logits ``(N, 1 + C)``.

    In evaluation mode: five photos are no statistics for batch norm, and dropout would be luck.
    """

    rivals: Tensor

    def __init__(self, recognizer: Recognizer, row: Tensor) -> None:
        super().__init__()
        self.embedder = copy.deepcopy(recognizer.classifier.embedder).requires_grad_(True)
        self.scale = recognizer.classifier.head.scale
        rows = functional.normalize(recognizer.classifier.head.weight.detach(), dim=1)
        self.register_buffer("rivals", rows)
        self.row = nn.Parameter(functional.normalize(row.to(rows.device), dim=1))
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        rows = torch.cat([functional.normalize(self.row, dim=1), self.rivals])
        logits: Tensor = self.scale * functional.normalize(self.embedder(images), dim=1) @ rows.T
        return logits

    @torch.no_grad()
    def names(self, images: Tensor) -> NDArray[np.bool_]:
        """Which of the images are the new person: more alike than every rival, not just as much."""
        logits = self(images)
        named: NDArray[np.bool_] = (logits[:, 0] > logits[:, 1:].amax(1)).cpu().numpy()
        return named
