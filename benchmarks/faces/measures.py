"""Numbers of one cell, from its embeddings and rows."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.faces.bench import Bench
from benchmarks.faces.cells import Outcome, method_of, outcome_of
from benchmarks.runner.cell import Cell, Numbers
from faceforget.lab import PopulationAttack, features


def measured(bench: Bench, cell: Cell) -> Numbers:
    """Run a cell, or read what an earlier run has left; and measure it."""
    return measures(cell, outcome_of(cell, bench), bench)


def measures(cell: Cell, outcome: Outcome, bench: Bench) -> dict[str, float]:
    """All columns, as fractions and seconds of one core (whatever else the machine does).

    ``acc_f_*`` and ``acc_r_*`` are the paper's: each method's own logits; where the forgotten class has no
    logit any more (drop_row, mask_logit, retrain) it cannot win, whatever the features know.
    ``old_row`` is what no method chooses: the person's row of the model before is put back.
    ``worst_person`` is the lowest Acc_r,test of a person who stays. ``member_train`` and ``member_test``
    are what a trained membership attack takes for enrolled: of the photos that were erased, and of unseen
    ones of the same people as the control. A method that ``failed`` (diverged) has erased nothing: its
    numbers are the original model's.
    """
    gone = [bench.recognizer.index_of(name) for name in cell.people]
    rows, old = outcome.rows, functional.normalize(bench.recognizer.classifier.head.weight.detach(), dim=1)
    restored = rows.clone()
    restored[gone] = old[gone]
    cosines, with_old = outcome.embeddings @ rows.T, outcome.embeddings @ restored.T
    if not method_of(cell, bench).must_forget or outcome.record.get("hidden"):
        cosines[:, gone] = -torch.inf
    index = bench.measured(cell.people)
    labels, unseen = bench.photos.rows[index], index >= len(bench.train.rows)
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
        **_membership(_without(cosines, gone) * bench.recognizer.classifier.head.scale, labels, unseen, of_gone),
        "failed": float("error" in outcome.record),
        "seconds": float(outcome.record.get("seconds", float("nan"))),
    }


def _without(cosines: Tensor, rows: list[int]) -> Tensor:
    """The answers of the model as it is handed out, ``(M, C')``: the erased persons' rows are removed."""
    stay = torch.ones(cosines.shape[1], dtype=torch.bool)
    stay[rows] = False
    return cosines[:, stay]


def _membership(logits: Tensor, labels: Tensor, unseen: Tensor, of_gone: Tensor) -> dict[str, float]:
    """Shares judged enrolled by an attack that learns from the people who stay.

    Nobody erased has a right answer any more, so no photo is scored for one: everybody is treated alike.
    """
    table = features(logits, None)
    stay = labels[~of_gone].unique()
    if len(stay) < 2:
        return {"member_train": math.nan, "member_test": math.nan}
    groups = [[table[((labels == row) & kind).numpy()] for row in stay] for kind in (~unseen, unseen)]
    judged = PopulationAttack(*groups).judge(table)
    return {
        "member_train": float(judged[(of_gone & ~unseen).numpy()].mean()),
        "member_test": float(judged[(of_gone & unseen).numpy()].mean()),
    }


def harmonic(first: float, second: float) -> float:
    """Harmonic mean of two fractions; 0 where one is."""
    return 2 * first * second / (first + second) if first + second > 0 else 0.0


def _mean(values: Tensor) -> float:
    return values.float().mean().item()
