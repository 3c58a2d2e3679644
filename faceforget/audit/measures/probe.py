"""What do the frozen features still know? Three ways to find the person in them again, depth by depth.

Whoever holds the model can read its features and train something small on them, whatever the head says.
A stranger in the person's place (:meth:`View.as_if`) or a retrained model tells how much a network that
never saw the person knows anyway: most of it, so compare.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faceforget.audit.estimates import Estimate, Rate, not_measured
from faceforget.audit.view import Groups, View

FALSE_ALARMS = 0.01
SHOTS = 5

# Of the squared weights, where a feature vector has mean square 1. From 1e-4 to 1e-2 the recall on LFW is
# nearly the same; more of it hides people in early layers.
_RIDGE = 1e-3
# What few shots give depends on which photos they are.
_DRAWS = 3
# Everything is solved in one matrix of photos by photos: beyond this it would take minutes.
_MOST_OTHERS = 1500

Index = NDArray[np.intp]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class DepthProbe:
    """How well the person is found in the features of one depth, on photos not learnt from.

    Attributes:
        linear: Share of the person's photos that a linear probe finds, at a false-alarm rate of at most
            1 % among people whom it was not trained on.
        nearest: Share whose nearest neighbour, among the person's other photos and everybody else's, is
            the person's.
        few_shot: Share that a linear classifier of all people, trained on five photos of each, names.
    """

    linear: Estimate
    nearest: Estimate
    few_shot: Estimate


def probe(view: View, *, seed: int = 0) -> dict[str, DepthProbe]:
    """Look for the person at each depth, from early to late, then in the embedding.

    Learns from the photos that the erasure read, is tested on the unseen ones; without the former one half
    of the unseen photos serves the other. Features are standardised by everybody else's. The linear probe is
    class-balanced ridge regression on ±1 (twelve photos against hundreds leave a logistic regression nothing
    to add), trained with one half of the other people and tested with the other half, and the reverse.

    Args:
        view: Of one model.
        seed: Of the halves and of the few shots.
    """
    return {depth: _probe_depth(groups, seed) for depth, groups in depths(view).items()}


def depths(view: View) -> dict[str, Groups[Tensor]]:
    """Features by depth, from early to late; the last is ``"embedding"``."""
    return {**view.features, "embedding": view.embeddings}


@dataclass(frozen=True)
class _Photos:
    """Products of all photos' features ``(N, N)``, and whose is which.

    Attributes:
        products: Mean over the standardised features.
        folds: Photos of the person to learn from, photos to be tested on.
        others: Photos of each other person.
    """

    products: Matrix
    folds: Sequence[tuple[Index, Index]]
    others: Sequence[Index]
    note: str


def _probe_depth(groups: Groups[Tensor], seed: int) -> DepthProbe:
    photos = _photos(groups, seed)
    count = sum(len(test) for _, test in photos.folds)
    if not count:
        nothing = not_measured(0, "at least two photos of the person are needed, one to learn from")
        return DepthProbe(nothing, nothing, nothing)
    if len(photos.others) < 2:
        nothing = not_measured(count, "photos of at least two other people are needed to tell the person from")
        return DepthProbe(nothing, nothing, nothing)
    tested = sum(map(len, photos.others)) // 2
    strict = "" if tested >= 1 / FALSE_ALARMS else f"about {tested} photos of others: no false alarm at all allowed"

    def share(hits: Callable[[_Photos, Index, Index, int], Matrix], *notes: str) -> Estimate:
        found = float(np.concatenate([hits(photos, *fold, seed) for fold in photos.folds]).sum())
        note = "; ".join(text for text in (photos.note, *notes) if text)
        # Wilson's interval of the photos: draws and halves of the same photo are no new photos.
        return Estimate(found / count, count, Rate(round(found), count).interval, note)

    return DepthProbe(share(_linear, strict), share(_nearest), share(_few_shot))


def _photos(groups: Groups[Tensor], seed: int) -> _Photos:
    generator = np.random.default_rng(seed)
    own: list[Tensor] = []
    folds: list[tuple[Index, Index]] = []
    split = False
    start = 0
    for person, unseen in groups.forgotten.items():
        read = groups.forget_photos.get(person, unseen[:0])
        index = np.arange(start, start + len(read) + len(unseen))
        start += len(index)
        own += [read, unseen]
        split = split or not len(read)
        folds += _person_folds(index[: len(read)], index[len(read) :], generator)
    people = _some_people([*groups.retained.values(), *groups.strangers.values()], generator)
    ends = np.cumsum([start, *map(len, people)])
    others = [np.arange(low, high) for low, high in pairwise(ends)]
    note = "no forget photos: one half of the unseen photos finds the other" if split else ""
    return _Photos(_products(own, people), folds, others, note)


def _person_folds(read: Index, unseen: Index, generator: np.random.Generator) -> list[tuple[Index, Index]]:
    if len(read):
        return [(read, unseen)]
    if len(unseen) < 2:
        return []
    shuffled = generator.permutation(unseen)
    halves = shuffled[: len(shuffled) // 2], shuffled[len(shuffled) // 2 :]
    return [halves, halves[::-1]]


def _some_people(people: Sequence[Tensor], generator: np.random.Generator) -> list[Tensor]:
    """People in random order, as many as there is time for."""
    shuffled = [people[index] for index in generator.permutation(len(people)) if len(people[index])]
    within = np.cumsum([len(photos) for photos in shuffled]) <= _MOST_OTHERS
    return [photos for photos, kept in zip(shuffled, within, strict=True) if kept]


def _products(own: Sequence[Tensor], people: Sequence[Tensor]) -> Matrix:
    everything = torch.cat([*own, *people]).float()
    others = torch.cat(list(people)) if people else everything
    scale = others.float().std(0, unbiased=False).clamp_min(1e-6)
    standard = (everything - others.float().mean(0)) / scale
    products: Matrix = (standard @ standard.T / standard.shape[1]).double().cpu().numpy()
    return products


def _linear(photos: _Photos, train: Index, test: Index, seed: int) -> Matrix:
    middle = len(photos.others) // 2
    first, second = np.concatenate(photos.others[:middle]), np.concatenate(photos.others[middle:])
    hits = np.zeros(len(test))
    for known, unknown in ((first, second), (second, first)):
        learnt = np.concatenate([train, known])
        signs = np.repeat([1.0, -1.0], [len(train), len(known)])
        weights = np.repeat([0.5 / len(train), 0.5 / len(known)], [len(train), len(known)])
        score = _ridge(photos.products, learnt, signs, weights)
        alarms = np.sort(score(unknown))[::-1]
        hits += score(test) > alarms[int(FALSE_ALARMS * len(alarms))]
    return hits / 2


def _ridge(products: Matrix, train: Index, targets: Matrix, weights: Matrix) -> Callable[[Index], Matrix]:
    """Weighted ridge regression with a (penalised) constant, solved in its dual; gives scores of photos."""
    kernel = products[np.ix_(train, train)] + 1 + np.diag(_RIDGE / weights)
    dual = np.linalg.solve(kernel, targets)

    def score(index: Index) -> Matrix:
        scores: Matrix = (products[np.ix_(index, train)] + 1) @ dual
        return scores

    return score


def _nearest(photos: _Photos, train: Index, test: Index, seed: int) -> Matrix:
    gallery = np.concatenate([train, *photos.others])
    lengths = np.sqrt(photos.products.diagonal()[gallery]).clip(1e-12)
    cosines = photos.products[np.ix_(test, gallery)] / lengths
    hits: Matrix = (cosines.argmax(1) < len(train)).astype(np.float64)
    return hits


def _few_shot(photos: _Photos, train: Index, test: Index, seed: int) -> Matrix:
    generator = np.random.default_rng(seed)
    hits = np.zeros(len(test))
    for _ in range(_DRAWS):
        shots = [generator.permutation(own)[:SHOTS] for own in (train, *photos.others)]
        people = np.repeat(np.arange(len(shots)), [len(own) for own in shots])
        weights = np.full(len(people), 1 / len(people))
        score = _ridge(photos.products, np.concatenate(shots), np.eye(len(shots))[people], weights)
        hits += score(test).argmax(1) == 0
    return hits / _DRAWS
