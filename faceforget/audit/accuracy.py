"""Does the classifier still name the person? Accuracies before and after, and who is named instead.

A model whose row for the person is gone cannot name them by construction, which proves nothing.
So the row of the model *before* is put back: this is what somebody who kept the row would see.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from faceforget.errors import ModelFileError
from faceforget.recognizer.recognizer import Recognizer

Crops = NDArray[np.uint8]


@dataclass(frozen=True)
class Rate:
    """A share of photos.

    Attributes:
        hits: Photos for which it holds.
        photos: Photos in all.
    """

    hits: int
    photos: int

    @property
    def value(self) -> float | None:
        """In [0, 1]; None without photos."""
        return self.hits / self.photos if self.photos else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of Wilson 1927, which holds at 0 and 1 and for few photos; None without photos."""
        if not self.photos:
            return None
        z = NormalDist().inv_cdf(0.975)
        n, p = self.photos, self.hits / self.photos
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * ((p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5)
        return max(0.0, middle - half), min(1.0, middle + half)


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
