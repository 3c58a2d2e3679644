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
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from faceforget.audit.attack import FloatArray, PopulationAttack, features
from faceforget.audit.estimates import RESAMPLES, Estimate, Measured, Rate, Sides, not_measured
from faceforget.audit.question import Material, Question
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.rows import known, measured, missing, reference_line, reference_name, table, who
from faceforget.audit.shown.section import Chart, Ranges, Row, Section
from faceforget.audit.shown.words import amount, photos_of, rate
from faceforget.audit.view import View
from faceforget.recognizer.recognizer import Recognizer

MIN_PHOTOS = 4
MIN_PEOPLE = 10
_SCORES = {"confidence": "confidence", "modified_entropy": "modified entropy"}
# An AUC whose interval holds this tells nothing.
_GUESSING = 0.5


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


class Told(Question[Sides[Membership]]):
    """The controlled and the trained attack."""

    name = "membership"
    place = 50
    asks = "Can it be told that these photos were enrolled?"

    def ask(self, material: Material) -> Sides[Membership]:
        """Of each model, and of strangers in the person's place."""
        return material.compared.ask(lambda view: membership(view, view.embeddings.members, seed=material.seed))

    def section(self, report: AuditReport, answer: Sides[Membership]) -> Section:
        """Areas under the curve, and what the trained attack takes for enrolled."""
        areas, judged = _areas(report, answer), _judged(answer)
        charts = []
        if measured(areas):
            words = "AUC of telling enrolled from unseen photos of the same person: 0.5 (dashed) is guessing, and best."
            charts.append(
                Chart(Ranges(measured(areas), reference=reference_name(report), mark=_GUESSING, percent=False), words)
            )
        if measured(judged):
            words = "Share of photos that the trained attack takes for enrolled; the unseen photos are its control."
            charts.append(Chart(Ranges(measured(judged), reference=reference_name(report)), words))
        after = answer.after
        return Section(
            title=self.asks,
            sentence=_sentence(answer),
            charts=tuple(charts),
            missing=missing([areas[0], judged[0]]),
            method="Controlled: the photos that the erasure read against unseen ones of the same person, ranked by "
            "confidence and by modified entropy (Song and Mittal 2021, arXiv 2003.10595). Trained: a support-vector "
            "machine that learns from people who stay (after Shokri et al. 2017, arXiv 1610.05820). Such attacks on "
            "a population overestimate privacy (arXiv 2403.01218).",
            basis=f"{photos_of(next(iter(after.auc.values()), None))} of {who(report)}; bootstrap over photos, Wilson "
            "for shares.",
            reference=reference_line(report)
            + " A number below the reference is not better: it marks the photos just as well.",
            tables=(
                table(report, "All areas under the curve", areas, percent=False),
                table(report, "The trained attack", [*judged, _accuracy(answer)]),
            ),
        )


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
    all_known = _all_known(view, view.used)
    tables = [[_table(view.used, name, group[name], all_known) for name in both] for group in (members, others)]
    attack = PopulationAttack(*tables, seed=seed)
    judged: list[Rate | Estimate] = []
    for group, count in zip((read, unseen), counts, strict=True):
        rows = [_table(view.used, name, own, all_known) for name, own in group.items() if len(own)]
        hits = int(attack.judge(np.concatenate(rows)).sum()) if rows else 0
        judged.append(Rate(hits, count) if count else not_measured(0, "no such photos"))
    return judged[0], judged[1], attack.accuracy()


def _controlled(view: View, model: Recognizer, seed: int) -> dict[str, Estimate]:
    """AUC of each score, forget photos against unseen ones of the same person."""
    read, unseen = view.embeddings.forget_photos, view.embeddings.forgotten
    all_known = _all_known(view, model)
    pairs = [
        (_table(model, name, read[name], all_known), _table(model, name, unseen[name], all_known))
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


def _table(model: Recognizer, name: str, embeddings: Tensor, all_known: bool) -> FloatArray:
    """Features of one person's photos; ``all_known``: whether right answers exist for everybody."""
    logits = model.classifier.head.scale * model.similarities(embeddings)
    return features(logits, torch.full((len(embeddings),), model.index_of(name)) if all_known else None)


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


def _row(sides: Sides[Membership], words: str, *path: str) -> Row:
    def value(side: object) -> Measured | None:
        for key in path:
            side = None if side is None else side.get(key) if isinstance(side, dict) else getattr(side, key)
        return side if isinstance(side, Measured) else None

    return Row(words, value(sides.before), value(sides.after), value(sides.reference))


def _areas(report: AuditReport, sides: Sides[Membership]) -> list[Row]:
    used = [_row(sides, f"By {words}", "auc", key) for key, words in _SCORES.items()]
    kept = [_row(sides, f"By {words}, the old row put back", "auc_row_kept", key) for key, words in _SCORES.items()]
    # A stranger has no old row.
    kept = [row if known(row.reference) else replace(row, reference=None) for row in kept]
    return [*used, *(kept if report.check.rows_removed else [])]


def _judged(sides: Sides[Membership]) -> list[Row]:
    return [
        _row(sides, "Photos that the erasure read, taken for enrolled", "judged_forget"),
        _row(sides, "Unseen photos of the person, taken for enrolled", "judged_unseen"),
    ]


def _accuracy(sides: Sides[Membership]) -> Row:
    return _row(sides, "The attack is right on people who stay", "attack_accuracy")


def _sentence(sides: Sides[Membership]) -> str:
    new = sides.after.auc.get("confidence")
    if new is None or new.value is None:
        return "Whether the photos can be told to have been enrolled could not be measured."
    low, high = new.interval or (new.value, new.value)
    told = "cannot be told" if low <= _GUESSING <= high else "can be told"
    first = (
        f"By the model's confidence the enrolled photos {told} from unseen photos of the same person "
        f"(AUC {amount(new.value)}, 95 % interval {amount(low)} to {amount(high)}; 0.50 is guessing)."
    )
    forget, unseen = sides.after.judged_forget, sides.after.judged_unseen
    if not known(forget, unseen):
        return first
    return f"{first} A trained attack takes {rate(forget)} of them for enrolled, and {rate(unseen)} of the unseen ones."


QUESTION = Told()
