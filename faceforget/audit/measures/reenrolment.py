"""Is a person recognised again once they are enrolled again? From a few photos, or by a new head row.

An erasure that only touches the head passes every accuracy and fails here: the features still know the
person. But so does a retrained model, as for any stranger: the share means something only beside that of
strangers in the person's place (:meth:`~faceforget.audit.view.View.as_if`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from faceforget.audit.estimates import Estimate, Rate, not_measured, times_drawn
from faceforget.audit.measures.accuracy import closed_set_accuracy
from faceforget.audit.shares import share
from faceforget.audit.view import View

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class PrototypeAttack:
    """What the classifier says once the persons' rows are made anew from the photos that the erasure read.

    Attributes:
        forgotten: Unseen photos of the erased persons whose best candidate is the right one.
        forgotten_named: The same with the right name, not "unknown", at the model's threshold.
        retained: Photos of people who stay whose best candidate is still the right one; None without any.
    """

    forgotten: Rate | Estimate
    forgotten_named: Rate | Estimate
    retained: Rate | None


def reenrolment(
    view: View,
    *,
    counts: Sequence[int] = (1, 5, 10),
    draws: int = 20,
    seed: int = 0,
    gallery: Tensor | None = None,
) -> Mapping[str, Estimate]:
    """Rank-1 share of each person's unseen photos, with the person back in the gallery of all who stay.

    The template is the normalised mean of a few photos, drawn from those that the erasure read and from the
    unseen ones; probes are the unseen photos that were not drawn. A draw never takes more than half of the
    unseen photos: it goes on with the others. Each person is put back alone, and their photos are pooled.

    Args:
        view: One model.
        counts: Photos to enrol from.
        draws: Over which the share is averaged.
        seed: Of the draws; the same for every model.
        gallery: ``(C', D)`` unit templates of everybody else; the model's rows unless others are given. Where
            an erasure moved the embedding away from the rows, a template made from photos beats them on
            *anybody's* photo, so that the share says little: see :func:`photo_gallery`.

    Returns:
        By count. Intervals are from a bootstrap over the unseen photos, with the drawn templates as they are.
    """
    others = view.gallery() if gallery is None else gallery
    return {str(count): _reenrolled(view, others, count, draws, seed) for count in counts}


def photo_gallery(view: View) -> Tensor:
    """Unit templates ``(C', D)`` of everybody else, enrolled again as the person is: the mean of their photos.

    Who has no photos keeps the row.
    """
    labels = [label for label in view.used.labels if label not in view.people]
    templates = view.gallery().clone()
    for index, label in enumerate(labels):
        if len(view.embeddings.retained.get(label, ())):
            templates[index] = functional.normalize(view.embeddings.retained[label].mean(0), dim=0)
    return templates


def _reenrolled(view: View, gallery: Tensor, count: int, draws: int, seed: int) -> Estimate:
    unseen = sum(map(len, view.embeddings.forgotten.values()))
    if not len(gallery):
        return not_measured(unseen, "nobody else is enrolled")
    hits, probes = [], []
    for place, (person, photos) in enumerate(view.embeddings.forgotten.items()):
        read = view.embeddings.forget_photos.get(person, photos[:0])
        chosen = draw_photos(len(read), len(photos), count, draws, np.random.default_rng((seed, count, place)))
        if chosen is not None:
            hits.append(_best(torch.cat([read, photos]), chosen, photos, gallery) & ~chosen[:, len(read) :])
            probes.append(~chosen[:, len(read) :])
    if not hits:
        note = f"too few photos to enrol from {count} and keep half of the unseen ones as probes"
        return not_measured(unseen, note, few=True)
    left_out = len(view.people) - len(hits)
    note = f"{left_out} of {len(view.people)} persons have too few photos" if left_out else ""
    return _averaged(np.concatenate(hits, axis=1), np.concatenate(probes, axis=1), seed, note)


def draw_photos(read: int, unseen: int, count: int, draws: int, generator: np.random.Generator) -> Flags | None:
    """Which photos make the template in each draw, at most half of the unseen ones.

    Returns:
        ``(draws, read + unseen)``, the unseen ones last; None where there are too few.
    """
    most = unseen // 2
    if not unseen or count > read + most:
        return None
    chosen = np.zeros((draws, read + unseen), dtype=bool)
    for row in chosen:
        order = generator.permutation(read + unseen)
        is_unseen = order >= read
        row[order[~is_unseen | (np.cumsum(is_unseen) <= most)][:count]] = True
    return chosen


def _best(photos: Tensor, chosen: Flags, probes: Tensor, gallery: Tensor) -> Flags:
    """Whether the person beats everybody else, ``(draws, N)``; who only draws level does not."""
    means = torch.from_numpy(chosen).to(photos) @ photos
    own = functional.normalize(means, dim=1) @ probes.T
    best: Flags = (own > (gallery @ probes.T).amax(0)).cpu().numpy()
    return best


def _averaged(hits: Flags, probes: Flags, seed: int, note: str) -> Estimate:
    """Mean over draws of the share of probes, ``(draws, N)`` each."""

    def average(photos: NDArray[np.intp]) -> NDArray[np.float64]:
        times = times_drawn(photos)
        with np.errstate(invalid="ignore"):
            shares = (times @ hits.T) / (times @ probes.T)
            # A resample of a few photos may hold no probe of a draw.
            known = np.isfinite(shares)
            found: NDArray[np.float64] = np.where(known, shares, 0).sum(-1) / known.sum(-1)
        return found

    photos = hits.shape[1]
    return share(float(average(np.arange(photos))), photos, photos, average, seed=seed, note=note)


def prototype_attack(view: View) -> PrototypeAttack:
    """Prototypical relearning (Ha, Park & Yoon 2025, arXiv 2506.01318) on the head.

    The row of each erased person becomes the mean embedding of the photos that the erasure read: no training
    at all. The head compares cosines, so the mean is normalised, and the paper's scale and bias fall away.
    """
    photos = view.embeddings
    people = [p for p in view.people if len(photos.forgotten[p]) and len(photos.forget_photos.get(p, ()))]
    gallery = view.gallery()
    if not people or not len(gallery):
        why = "nobody else is enrolled" if people else "needs photos that the erasure read, and unseen ones"
        missing = not_measured(sum(map(len, photos.forgotten.values())), why)
        return PrototypeAttack(missing, missing, None)
    prototypes = functional.normalize(torch.stack([photos.forget_photos[p].mean(0) for p in people]), dim=1)
    rows = torch.cat([gallery, prototypes])
    labels = [*(label for label in view.used.labels if label not in view.people), *people]
    cosines = torch.cat([photos.forgotten[p] for p in people]) @ rows.T
    own = [labels.index(p) for p in people for _ in photos.forgotten[p]]
    sure = cosines.amax(1) >= view.used.threshold.cosine
    right = cosines.argmax(1).cpu() == torch.tensor(own)
    return PrototypeAttack(
        closed_set_accuracy(cosines, own),
        Rate(int((right & sure.cpu()).sum()), len(own)),
        _retained(view, rows, labels),
    )


def _retained(view: View, rows: Tensor, labels: Sequence[str]) -> Rate | None:
    known = {name: own for name, own in view.embeddings.retained.items() if name in labels and len(own)}
    if not known:
        return None
    targets = [labels.index(name) for name, own in known.items() for _ in own]
    return closed_set_accuracy(torch.cat(list(known.values())) @ rows.T, targets)
