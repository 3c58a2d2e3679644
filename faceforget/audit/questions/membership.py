"""Can one tell from the model that the person's photos were enrolled? Membership inference, with a control.

Beside the photos that were enrolled and erased always stand unseen photos of the same person: a model treats
these alike if it knows nothing of which were enrolled.

- Controlled: with what AUC does a score rank the enrolled photos above the unseen ones? Needs nobody else's
  photos. 0.5 cannot tell.
- Trained: an SVC learns from people who stay (:class:`~faceforget.audit.attack.PopulationAttack`), then judges
  both. Needs enrolled and unseen photos of the same people, preprocessed alike and without augmentation.

**A score near 0 is not "better"**: an erasure that pushes the enrolled photos below the unseen ones marks them
as well as the reverse. The goal is the reference's score.

Once the row of an erased person is gone there is no right answer for their photos: every photo, also of those
who stay, is then scored for its best row, and correctness is left out, so that all are treated alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from faceforget.audit.attack import FloatArray, PopulationAttack, features
from faceforget.audit.estimates import RESAMPLES, Estimate, Rate, not_measured
from faceforget.audit.view import View
from faceforget.recognizer.recognizer import Recognizer

MIN_PHOTOS = 4
MIN_PEOPLE = 10


@dataclass(frozen=True)
class Membership:
    """What attackers make of the erased persons' photos.

    Attributes:
        auc: By score (``confidence``, ``modified_entropy``), of the photos that the erasure read against the
            same persons' unseen ones, in the model as it is handed out.
        auc_row_kept: The same for the persons' own rows, put back: what somebody who kept them would see.
        judged_forget: Share of the photos that the erasure read which the trained attack takes for enrolled,
            in the model as it is handed out.
        judged_unseen: The same of the persons' unseen photos: the control.
        attack_accuracy: Balanced accuracy of the trained attack on people who stay and whom it did not learn
            from; 0.5 is guessing, and then its judgements mean nothing.
    """

    auc: Mapping[str, Estimate]
    auc_row_kept: Mapping[str, Estimate]
    judged_forget: Rate | Estimate
    judged_unseen: Rate | Estimate
    attack_accuracy: Estimate


def membership(view: View, members: Mapping[str, Tensor] | None = None, *, seed: int = 0) -> Membership:
    """Attack one model.

    Args:
        view: Of the model; ``forget_photos`` were enrolled, ``forgotten`` were not.
        members: Unit embeddings ``(N, D)`` by ``view.used`` of the enrolled photos of people who stay; their
            photos in ``view.embeddings.retained`` were not enrolled. None: only the AUCs.
        seed: Of folds and bootstrap.
    """
    auc = _controlled(view, view.used, seed)
    row_kept = _controlled(view, view.model, seed) if _all_known(view, view.model) else _without_row(view)
    forget, unseen, accuracy = _trained(view, members or {}, seed)
    return Membership(auc, row_kept, forget, unseen, accuracy)


def _trained(view: View, members: Mapping[str, Tensor], seed: int) -> tuple[Rate | Estimate, Rate | Estimate, Estimate]:
    """Shares judged enrolled, forget photos and control, and how good the attack is."""
    read, unseen = view.embeddings.forget_photos, view.embeddings.forgotten
    counts = [sum(map(len, group.values())) for group in (read, unseen)]
    others = view.embeddings.retained
    both = [n for n in members if n in view.used.labels and len(members[n]) and len(others.get(n, ()))]
    if len(both) < MIN_PEOPLE:
        note = f"needs enrolled and unseen photos of {MIN_PEOPLE} people who stay, got {len(both)}"
        return not_measured(counts[0], note), not_measured(counts[1], note), not_measured(0, note)
    known = _all_known(view, view.used)
    tables = [[_table(view.used, name, group[name], known) for name in both] for group in (members, others)]
    attack = PopulationAttack(*tables, seed=seed)
    judged: list[Rate | Estimate] = []
    for group, count in zip((read, unseen), counts, strict=True):
        rows = [_table(view.used, name, own, known) for name, own in group.items() if len(own)]
        hits = int(attack.judge(np.concatenate(rows)).sum()) if rows else 0
        judged.append(Rate(hits, count) if count else not_measured(0, "no such photos"))
    return judged[0], judged[1], attack.accuracy()


def _controlled(view: View, model: Recognizer, seed: int) -> dict[str, Estimate]:
    """AUC of each score, forget photos against unseen ones of the same person."""
    read, unseen = view.embeddings.forget_photos, view.embeddings.forgotten
    known = _all_known(view, model)
    pairs = [
        (_table(model, name, read[name], known), _table(model, name, unseen[name], known))
        for name in unseen
        if len(unseen[name]) and len(read.get(name, ()))
    ]
    # Low modified entropy is what members have.
    return {
        "confidence": auc_within([(a[:, 0], b[:, 0]) for a, b in pairs], seed=seed),
        "modified_entropy": auc_within([(-a[:, 2], -b[:, 2]) for a, b in pairs], seed=seed),
    }


def _without_row(view: View) -> dict[str, Estimate]:
    note = "the model has no row of the person"
    photos = sum(map(len, view.embeddings.forgotten.values()))
    return {score: not_measured(photos, note) for score in ("confidence", "modified_entropy")}


def _all_known(view: View, model: Recognizer) -> bool:
    return all(person in model.labels for person in view.people)


def _table(model: Recognizer, name: str, embeddings: Tensor, known: bool) -> FloatArray:
    """Features of one person's photos; ``known``: whether right answers exist for everybody."""
    logits = model.classifier.head.scale * model.similarities(embeddings)
    return features(logits, torch.full((len(embeddings),), model.index_of(name)) if known else None)


def auc_within(pairs: Sequence[tuple[FloatArray, FloatArray]], *, seed: int = 0) -> Estimate:
    """AUC over pairs of photos of the same person, with a bootstrap over each person's photos.

    Within a person, because some people are more confidently recognised than others.

    Args:
        pairs: Of each person the scores ``(N,)`` that should be high and ``(M,)`` that should be low.
        seed: Of the bootstrap.
    """
    counts = [sum(len(pair[side]) for pair in pairs) for side in (0, 1)]
    if min(counts) < MIN_PHOTOS:
        note = (
            f"needs {MIN_PHOTOS} enrolled and {MIN_PHOTOS} unseen photos of the person, got {counts[0]} and {counts[1]}"
        )
        return not_measured(sum(counts), note)
    generator = np.random.default_rng(seed)
    won, drawn = 0.0, np.zeros(RESAMPLES)
    for high, low in pairs:
        wins = (high[:, None] > low) + 0.5 * (high[:, None] == low)
        times = [generator.multinomial(len(side), np.full(len(side), 1 / len(side)), RESAMPLES) for side in (high, low)]
        won += float(wins.sum())
        drawn += ((times[0] @ wins) * times[1]).sum(1)
    total = sum(len(high) * len(low) for high, low in pairs)
    below, above = np.quantile(drawn / total, (0.025, 0.975))
    return Estimate(won / total, sum(counts), (float(below), float(above)))
