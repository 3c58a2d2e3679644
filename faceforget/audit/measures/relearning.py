"""How soon does the model learn the person again? Optimiser steps of an attacker with a few of their photos.

A model that still knows somebody inside is back sooner than one that never met them: so compare with a
retrained model, or with strangers who are taught to the same model.

Learnt is who is told from strangers: most of the person's other photos are more alike to the new row than all but one
in a hundred photos of strangers who took no part. Whether the person is the best candidate of the photos says less: a
network that is trained on one face alone soon takes everybody for it. When nine in ten photos had the person as best
candidate, so had 44 to 83 % of strangers' photos.

The new row starts at random, and so do two more runs, because the number of steps is partly luck; the rows are the
same for every model and person. The mean of the person's embeddings would be the re-enrolment, a question of its own.
All weights and the new row are trained with one rate; the row hardly moves, so that the network has to bring the
person there. The other rows stay, as rivals: the attacker has no photos of other people.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from faceforget.audit.estimates import Estimate, bootstrap, not_measured
from faceforget.audit.roc import false_accepts, threshold_at
from faceforget.progress import Event, Progress, silent
from faceforget.recognizer.head import to_images
from faceforget.recognizer.recognizer import Recognizer

PHOTOS = 5
STARTS = 3
MAX_STEPS = 200
# Learnt: this share of the person's other photos is accepted where at most this share of strangers' photos is.
TAR, FAR = 0.85, 0.01

# Adam, whose steps do not depend on the size of gradients, is fair between models.
RATE = 2e-5
# With fewer photos of strangers one false accept would be more than two per cent: the rate could be anything.
FEWEST_HELD_OUT = 50
# Looked at after each of the first steps, then at steps that are further and further apart, by this factor.
_EACH, _FURTHER = 5, 1.2
# In place of a number of steps that is not known: larger than any budget, and finite, so that it can be sorted.
_NEVER = 1e9
_BATCH = 32


@dataclass(frozen=True)
class Relearning:
    """How soon a person is recognised again and strangers are not.

    Attributes:
        steps: Until 85 % of the photos that are not learnt from are accepted where at most 1 % of the photos of
            held-out strangers are; the median over the starts, and over the persons. None where that did not happen
            within the budget from half of the starts or more: then all that is known is that it takes longer. With
            fewer than seven photos 85 % means all of them.
        runs: The steps of each start; None where they did not suffice.
        budget: Steps that were tried.
        learnt_from: Photos that were learnt from.
        held_out: Photos of strangers.
        curve: Steps and share of photos accepted then, mean over the starts; a start that is done stays where it got.
    """

    steps: Estimate
    runs: tuple[int | None, ...] = ()
    budget: int = MAX_STEPS
    learnt_from: int = 0
    held_out: int = 0
    curve: tuple[tuple[int, float], ...] = ()

    @property
    def reached(self) -> bool:
        """Whether there is a number."""
        return self.steps.value is not None

    @property
    def never(self) -> bool:
        """Whether it was tried, and did not happen within the budget."""
        return not self.reached and bool(self.runs)


def relearning(
    recognizer: Recognizer,
    learn: NDArray[np.uint8],
    probe: NDArray[np.uint8],
    strangers: NDArray[np.uint8],
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
        strangers: ``(K, S, S, 3)`` crops of people who are neither enrolled nor taught.
        seed: Of the random rows and of the interval.
        photos: How many to learn from at most.
        starts: Random rows, each taught to a fresh copy.
        max_steps: When to give up.
        rate: Of Adam; steps of different rates cannot be compared.
        progress: Called at each look with the share accepted.
    """
    learn = learn[:photos]
    if not len(learn) or not len(probe) or not recognizer.labels:
        note = "photos to learn from, other photos to test with and other enrolled people are needed"
        return Relearning(not_measured(len(probe), note))
    if len(strangers) < FEWEST_HELD_OUT:
        note = f"needs {FEWEST_HELD_OUT} photos of strangers who are not taught themselves, there are {len(strangers)}"
        return Relearning(not_measured(len(probe), note))
    learnt, asked, others = (to_images(crops, recognizer.device) for crops in (learn, probe, strangers))
    generator = torch.Generator().manual_seed(seed)
    curves = []
    with torch.enable_grad():
        for _ in range(starts):
            pupil = _Pupil(recognizer, torch.randn(1, recognizer.spec.embedding_size, generator=generator))
            optimizer = torch.optim.Adam(pupil.parameters(), rate)
            curves.append(list(_until_known(pupil, optimizer, learnt, asked, others, max_steps, progress)))
    runs = tuple(curve[-1][0] if curve[-1][1] >= TAR else None for curve in curves)
    steps = _median([runs], len(probe), max_steps, seed)
    return Relearning(steps, runs, max_steps, len(learn), len(strangers), _mean_curve(curves))


def over_people(people: Sequence[Relearning], *, seed: int = 0) -> Relearning:
    """The median over several persons, with an interval over them; the curve is that of the first.

    Args:
        people: Of one model, with the same budget.
        seed: Of the bootstrap.
    """
    tried = [person for person in people if person.runs]
    if len(tried) < 2:
        return (tried or people)[0]
    photos = sum(person.steps.photos for person in tried)
    runs = tuple(run for person in tried for run in person.runs)
    return replace(tried[0], steps=_median([person.runs for person in tried], photos, tried[0].budget, seed), runs=runs)


def _median(people: Sequence[Sequence[int | None]], photos: int, budget: int, seed: int) -> Estimate:
    """Over the persons of the median over each one's starts; of one person alone the starts are resampled."""
    starts = [np.array([_NEVER if run is None else run for run in runs]) for runs in people]
    units = starts[0] if len(people) == 1 else np.array([np.median(runs) for runs in starts])
    value = float(np.median(units))
    failed, kind = int((units > budget).sum()), "starts" if len(people) == 1 else "persons"
    note = f"not within {budget} steps from {failed} of {len(units)} {kind}" if failed else ""
    if value > budget:
        return Estimate(None, photos, note=note)
    interval = bootstrap(len(units), lambda drawn: np.median(units[drawn], axis=-1), seed=seed)
    # What was cut off has no upper end.
    return Estimate(value, photos, None if interval is None or interval[1] > budget else interval, note)


def _mean_curve(curves: Sequence[Sequence[tuple[int, float]]]) -> tuple[tuple[int, float], ...]:
    longest = max(curves, key=len)
    shares = [[share for _, share in curve] + [curve[-1][1]] * (len(longest) - len(curve)) for curve in curves]
    return tuple(zip([step for step, _ in longest], np.mean(shares, axis=0).tolist(), strict=True))


def _looks(max_steps: int) -> Iterator[int]:
    """After which steps one looks."""
    step = 0
    while step < max_steps:
        yield step
        step += 1 if step < _EACH else round(step * _FURTHER) - step
    yield max_steps


def _until_known(
    pupil: "_Pupil",
    optimizer: torch.optim.Optimizer,
    learn: Tensor,
    probe: Tensor,
    strangers: Tensor,
    max_steps: int,
    progress: Progress,
) -> Iterator[tuple[int, float]]:
    """Steps and share of the person's photos that are accepted then, until there are enough."""
    done = 0
    # The person is class 0.
    target = torch.zeros(len(learn), dtype=torch.long, device=learn.device)
    for look in _looks(max_steps):
        for _ in range(look - done):
            optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(pupil(learn), target)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        done = look
        share = accepted(pupil.scores(probe), pupil.scores(strangers))
        last = look == max_steps or share >= TAR
        progress(Event("relearning", look, max_steps, {"recognised": share}, final=last))
        yield look, share
        if last:
            return


def accepted(own: NDArray[np.float64], strangers: NDArray[np.float64]) -> float:
    """Share of a person's scores ``(M,)`` above all but a share ``FAR`` of strangers' scores ``(K,)``."""
    return float((own > threshold_at(strangers, FAR)).mean())


def allowed(strangers: int) -> int:
    """How many of so many photos of strangers may be accepted."""
    return false_accepts(strangers, FAR)


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
    def scores(self, images: Tensor) -> NDArray[np.float64]:
        """How alike images ``(N, ...)`` are to the new row: cosines ``(N,)``."""
        row = functional.normalize(self.row, dim=1)
        parts = [functional.normalize(self.embedder(batch), dim=1) @ row[0] for batch in torch.split(images, _BATCH)]
        found: NDArray[np.float64] = torch.cat(parts).double().cpu().numpy()
        return found
