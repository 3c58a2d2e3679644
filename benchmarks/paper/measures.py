"""The paper's columns, from a cell's logits."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.faces.measures import harmonic
from benchmarks.paper.cells import Bench, Outcome, classes_of, outcome_of
from benchmarks.runner.cell import Cell, Numbers
from faceforget.lab import PopulationAttack, features

# Images of each class that the membership attack learns from; more changes little and is slow.
_ATTACKED = 200


def measured(bench: Bench, cell: Cell) -> Numbers:
    """Run a cell, or read what an earlier run has left; and measure it."""
    return measures(cell, outcome_of(cell, bench), bench)


def measures(cell: Cell, outcome: Outcome, bench: Bench) -> dict[str, float]:
    """Fractions and seconds.

    ``old_row`` is Acc_f,test once the old rows of the forgotten classes are back, ``by_means`` when the features alone
    answer, see :func:`right_by_means`.
    """
    labels, trained = bench.looked_at.labels, bench.trained_on
    classes = classes_of(cell)
    gone = torch.isin(labels, torch.tensor(classes))
    right, right_old = outcome.logits.argmax(1) == labels, outcome.old_rows.argmax(1) == labels
    forgotten, retained = _mean(right[gone & ~trained]), _mean(right[~gone & ~trained])
    stay = [index for index in range(bench.classes) if index not in classes]
    return {
        "acc_f_train": _mean(right[gone & trained]),
        "acc_f_test": forgotten,
        "acc_r_train": _mean(right[~gone & trained]),
        "acc_r_test": retained,
        "h": harmonic(1 - forgotten, retained),
        "old_row": _mean(right_old[gone & ~trained]),
        "by_means": _mean(right_by_means(outcome.features.float(), labels[bench.mapped])[gone[bench.mapped]]),
        **_membership(outcome.logits[:, stay], labels, trained, gone),
        "failed": float("error" in outcome.record),
        "seconds": float(outcome.record.get("seconds", math.nan)),
    }


def right_by_means(features: Tensor, labels: Tensor) -> Tensor:
    """Which of ``(K, D)`` features are nearest, by cosine, to the mean of the others of their class: ``(K,)``.

    What the features still know, whatever the head says: prototypical relearning (Ha, Park & Yoon 2025, arXiv
    2506.01318) of all classes at once. An image is not in the mean that it is compared with.
    """
    if not features.isfinite().all():  # a destroyed network knows nothing
        return torch.zeros(len(labels), dtype=torch.bool)
    features = functional.normalize(features, dim=1)
    sums = features.new_zeros(int(labels.max()) + 1, features.shape[1]).index_add_(0, labels, features)
    cosines = features @ functional.normalize(sums, dim=1).T
    own = functional.normalize(sums[labels] - features, dim=1)
    cosines[torch.arange(len(labels)), labels] = (own * features).sum(1)
    return cosines.argmax(1) == labels


def _membership(logits: Tensor, labels: Tensor, trained: Tensor, gone: Tensor) -> dict[str, float]:
    """Shares taken for trained on: of the forgotten classes' train images, and of their test images as the control.

    No forgotten class has a right answer any more, so no image is scored for one. A destroyed network tells nothing.
    """
    stay = labels[~gone].unique()
    if len(stay) < 2 or not logits.isfinite().all():
        return {"member_train": math.nan, "member_test": math.nan}

    def table(kind: Tensor) -> list[Tensor]:
        return [logits[(labels == label) & kind][:_ATTACKED] for label in stay]

    attack = PopulationAttack(*([features(own, None) for own in table(kind)] for kind in (trained, ~trained)))
    return {
        f"member_{name}": float(attack.judge(features(logits[gone & kind][:_ATTACKED], None)).mean())
        for name, kind in (("train", trained), ("test", ~trained))
    }


def _mean(values: Tensor) -> float:
    return values.float().mean().item()
