"""Numbers of one cell, from its embeddings and rows."""

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.faces.cells import Cell, Outcome
from benchmarks.faces.world import World


def measures(cell: Cell, outcome: Outcome, world: World) -> dict[str, float]:
    """All columns, as fractions and seconds.

    ``acc_f_*`` and ``acc_r_*`` are the paper's: each method's own logits; where the forgotten class has no
    logit any more (drop_row, mask_logit, retrain) it cannot win, whatever the features know.
    ``old_row`` is what no method chooses: the person's row of the model before is put back.
    ``worst_person`` is the lowest Acc_r,test of a person who stays. A method that
    ``failed`` (diverged) has erased nothing: its numbers are the original model's.
    """
    gone = [world.recognizer.index_of(name) for name in cell.people]
    rows, old = outcome.rows, functional.normalize(world.recognizer.classifier.head.weight.detach(), dim=1)
    restored = rows.clone()
    restored[gone] = old[gone]
    cosines, with_old = outcome.embeddings @ rows.T, outcome.embeddings @ restored.T
    if not cell.method.must_forget or outcome.record.get("hidden"):
        cosines[:, gone] = -torch.inf
    labels = world.measured.rows
    unseen = torch.arange(len(labels)) >= len(labels) - len(world.unseen.rows)
    of_gone = torch.isin(labels, torch.tensor(gone))
    right, right_old = cosines.argmax(1) == labels, with_old.argmax(1) == labels
    forgotten, retained = _mean(right[of_gone & unseen]), _mean(right[~of_gone & unseen])
    return {
        "acc_f_train": _mean(right[of_gone & ~unseen]),
        "acc_f_test": forgotten,
        "acc_r_train": _mean(right[~of_gone & ~unseen]),
        "acc_r_test": retained,
        "h": harmonic(1 - forgotten, retained),
        "old_row": _mean(right_old[of_gone & unseen]),
        "worst_person": min(_mean(right[unseen & (labels == row)]) for row in labels[~of_gone].unique()),
        "failed": float("error" in outcome.record),
        "seconds": float(outcome.record.get("seconds", float("nan"))),
    }


def harmonic(first: float, second: float) -> float:
    """Harmonic mean of two fractions; 0 where one is."""
    return 2 * first * second / (first + second) if first + second > 0 else 0.0


def _mean(values: Tensor) -> float:
    return values.float().mean().item()
