"""Does the classifier still name the person? Accuracies before and after, and who is named instead.

A model whose row for the person is gone cannot name them by construction, which proves nothing.
So the row of the model *before* is put back: this is what somebody who kept the row would see.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from faceforget.audit.estimates import Rate
from faceforget.audit.view import View
from faceforget.errors import ModelFileError
from faceforget.recognizer.recognizer import Recognizer


@dataclass(frozen=True)
class Accuracies:
    """What the classifier says; each None where there were no photos for it.

    Attributes:
        forgotten: Photos of the erased persons whose best candidate is the right one, their rows in place.
        forgotten_train: The same on the photos that the erasure read.
        forgotten_named: Photos of the erased persons whose best candidate is the right one in the model as
            it is handed out: 0 by construction once the rows are gone.
        retained: Photos of people who stay whose best candidate is the right one, all rows in place.
        retained_named: The same with the right name, not "unknown", in the model as it is handed out.
        strangers_named: Photos of strangers that get a name in the model as it is handed out.
        absorbed_by: Shares of the erased persons' photos by the name they get in the model as it is handed
            out, "unknown" included; largest first.
        retained_by_person: As ``retained``, for each of them.
    """

    forgotten: Rate | None
    forgotten_train: Rate | None
    forgotten_named: Rate | None
    retained: Rate | None
    retained_named: Rate | None
    strangers_named: Rate | None
    absorbed_by: Mapping[str, float]
    retained_by_person: Mapping[str, Rate]

    def rates(self) -> dict[str, Rate | None]:
        """The rates by name."""
        return {name: getattr(self, name) for name in RATES}


RATES = ("forgotten", "forgotten_train", "forgotten_named", "retained", "retained_named", "strangers_named")


def accuracies(view: View) -> Accuracies:
    """All of them, of one model."""
    photos = view.embeddings
    return Accuracies(
        forgotten=_if_any(accuracy, view.model, photos.forgotten),
        forgotten_train=_if_any(accuracy, view.model, photos.forget_photos),
        forgotten_named=_if_any(_still_named, view.used, photos.forgotten),
        retained=_if_any(accuracy, view.model, photos.retained),
        retained_named=_if_any(named_rightly, view.used, photos.retained),
        strangers_named=_if_any(_named, view.used, photos.strangers),
        absorbed_by=absorbed_by(view.used, torch.cat(list(photos.forgotten.values()))),
        retained_by_person={name: accuracy(view.model, {name: own}) for name, own in photos.retained.items()},
    )


def _if_any(
    measure: Callable[[Recognizer, Mapping[str, Tensor]], Rate], model: Recognizer, people: Mapping[str, Tensor]
) -> Rate | None:
    return measure(model, people) if people else None


def _still_named(used: Recognizer, people: Mapping[str, Tensor]) -> Rate:
    """Right candidates, where the row may be gone."""
    known = {name: own for name, own in people.items() if name in used.labels}
    return Rate(accuracy(used, known).hits, sum(map(len, people.values())))


def _named(used: Recognizer, people: Mapping[str, Tensor]) -> Rate:
    return named_share(used, torch.cat(list(people.values())))


def closed_set_accuracy(cosines: torch.Tensor, rows: Sequence[int]) -> Rate:
    """Share of photos whose best row is the right one.

    Args:
        cosines: ``(N, C)``.
        rows: The right row of each photo.
    """
    hits = (cosines.argmax(1).cpu() == torch.tensor(list(rows), dtype=torch.long)).sum().item()
    return Rate(int(hits), len(rows))


def accuracy(recognizer: Recognizer, people: Mapping[str, Tensor]) -> Rate:
    """Closed-set accuracy over unit embeddings ``(N, D)`` of people whom the model knows."""
    rates = [
        closed_set_accuracy(recognizer.similarities(embeddings), [recognizer.index_of(name)] * len(embeddings))
        for name, embeddings in people.items()
    ]
    return Rate(sum(rate.hits for rate in rates), sum(rate.photos for rate in rates))


def named_rightly(recognizer: Recognizer, people: Mapping[str, Tensor]) -> Rate:
    """Share of photos that the model as it is used answers with the right name, not with "unknown".

    Stricter than :func:`accuracy`: an erasure that pulls everybody's similarities down leaves the
    best candidates in order and yet names nobody.
    """
    right = [found.name == name for name, own in people.items() for found in recognizer.name(own, top=1)]
    return Rate(sum(right), len(right))


def named_share(recognizer: Recognizer, embeddings: Tensor) -> Rate:
    """Share of faces that get a name: of strangers, the false-accept rate."""
    named = (recognizer.similarities(embeddings).amax(1) >= recognizer.threshold.cosine).sum().item()
    return Rate(int(named), len(embeddings))


def absorbed_by(recognizer: Recognizer, embeddings: Tensor) -> dict[str, float]:
    """Whom the photos go to in the model as it is used, "unknown" included: shares by name, largest first."""
    names = Counter(recognition.name for recognition in recognizer.name(embeddings, top=1))
    return {name: count / len(embeddings) for name, count in names.most_common()}


def with_rows_of(before: Recognizer, after: Recognizer) -> Recognizer:
    """``after`` with the rows that it lacks taken from ``before``, in the order of ``before``.

    Raises:
        ModelFileError: ``after`` does not come from ``before``.
    """
    strange = [label for label in after.labels if label not in before.labels]
    if after.spec.name != before.spec.name or strange:
        reason = f"it knows {strange[0]!r}, who is not in BEFORE" if strange else "the backbones differ"
        raise ModelFileError(f"AFTER was not made from BEFORE: {reason}.", "Give the two models of one erasure.")
    old, new = before.classifier.head, after.classifier.head
    rows = functional.normalize(old.weight.detach().to(new.weight.device), dim=1).clone()
    for index, label in enumerate(before.labels):
        if label in after.labels:
            rows[index] = functional.normalize(new.weight[after.labels.index(label)].detach(), dim=0)
    return after.with_head(rows, before.labels)
