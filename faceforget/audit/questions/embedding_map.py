"""Where are the faces, before and after? A map of the embeddings in two dimensions.

t-SNE (van der Maaten & Hinton 2008) by scikit-learn, started from the principal components, which keeps the
large arrangement and makes it repeatable. Before and after are laid out together: on two separate maps
everything moves, on one a face that stays where it was in the embedding stays on the map. A map shows who
stands beside whom; distances between far groups mean nothing, so no verdict rests on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faceforget.audit.question import Material, Need, Question
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.rows import sentence, who
from faceforget.audit.shown.section import Chart, Cloud, ScatterChart, Section, Side
from faceforget.audit.shown.words import listed, photos
from faceforget.audit.view import GROUPS, Groups, View

Points = NDArray[np.float32]

# So many, each in both models, take about two seconds on two cores.
PHOTOS = 600
_STEPS = 500
# Enrolled photos of people who stay would only crowd the map.
_SHOWN = GROUPS[:4]
# Equal embeddings get one point: rounding apart is the same.
_DECIMALS = 5
# The erased last, above all others.
_WORDS = {"retained": "people who stay", "strangers": "strangers", "forget_photos": "read by the erasure"}


@dataclass(frozen=True)
class EmbeddingMap:
    """The same photos before and after on one layout; one entry per photo in each.

    Attributes:
        before: ``(N, 2)`` places under the model before, centred, the larger side of all in [-1, 1].
        after: ``(N, 2)`` places under the model after.
        groups: ``(N,)`` ``forgotten``, ``forget_photos``, ``retained`` or ``strangers``.
        people: ``(N,)`` whom each photo shows.
        shown: By group, how many people are on the map and how many there are.
    """

    before: Points
    after: Points
    groups: tuple[str, ...]
    people: tuple[str, ...]
    shown: Mapping[str, tuple[int, int]]


class WhereFacesAre(Question[EmbeddingMap]):
    """The map."""

    name = "map"
    place = 90
    asks = "Where are the faces, before and after?"
    needs: ClassVar[frozenset[Need]] = frozenset({"core"})
    view = "Map"

    def ask(self, material: Material) -> EmbeddingMap:
        """Of both models on one layout."""
        return embedding_map(material.compared.before, material.compared.after, seed=material.seed)

    def numbers(self, answer: EmbeddingMap | None) -> Mapping[str, object]:
        """None: a map is for the eye."""
        return {}

    def section(self, report: AuditReport, answer: EmbeddingMap) -> Section:
        """Both maps."""
        both = np.concatenate([answer.before, answer.after])
        limits = _limits(both, 0), _limits(both, 1)
        charts = tuple(
            Chart(
                ScatterChart(side, _clouds(answer, points, side), limits),
                f"The embeddings {side}; both maps have one layout.",
            )
            for side, points in _both(answer)
        )
        return Section(
            title=self.asks,
            sentence=_sentence(report, answer),
            charts=charts,
            method="t-SNE (van der Maaten and Hinton 2008) from the principal components, of both models together. "
            "It shows who stands beside whom; distances between far groups mean nothing, so no verdict rests on it.",
            basis=f"{photos(len(answer.groups))}: {_shown(answer)}.",
            reference="The same photos in the model before.",
        )


def embedding_map(before: View, after: View, *, photos: int = PHOTOS, seed: int = 0) -> EmbeddingMap:
    """Lay out two models' embeddings of the same photos.

    Args:
        before: The model before erasure.
        after: The model after, on the same photos.
        photos: At most so many: people who stay and strangers are drawn by ``seed``, with all their photos,
            as long as they fit, one of each at least; the erased persons are always shown.
        seed: Of the draw and of t-SNE; the same gives the same map.
    """
    chosen = _drawn(before.embeddings, photos, seed)
    old, new = (
        torch.cat([getattr(view.embeddings, group)[name] for group, name in chosen]).float().cpu().numpy()
        for view in (before, after)
    )
    placed = _layout(np.concatenate([old, new]), seed)
    owners = [(group, name) for group, name in chosen for _ in getattr(before.embeddings, group)[name]]
    counts = {g: (sum(of == g for of, _ in chosen), len(getattr(before.embeddings, g))) for g in _SHOWN}
    groups, people = tuple(group for group, _ in owners), tuple(name for _, name in owners)
    return EmbeddingMap(placed[: len(old)], placed[len(old) :], groups, people, counts)


def _drawn(embeddings: Groups[Tensor], photos: int, seed: int) -> list[tuple[str, str]]:
    """Group and name of whom to show: all the erased, then retained people and strangers half and half."""
    chosen = [(group, name) for group in GROUPS[:2] for name in getattr(embeddings, group)]
    left = photos - sum(len(getattr(embeddings, group)[name]) for group, name in chosen)
    generator = np.random.default_rng(seed)
    retained = _some(embeddings.retained, max(left - min(_count(embeddings.strangers), left // 2), 0), generator)
    left -= sum(len(embeddings.retained[name]) for name in retained)
    strangers = _some(embeddings.strangers, max(left, 0), generator)
    return [*chosen, *(("retained", n) for n in retained), *(("strangers", n) for n in strangers)]


def _count(people: Mapping[str, Tensor]) -> int:
    return sum(map(len, people.values()))


def _some(people: Mapping[str, Tensor], photos: int, generator: np.random.Generator) -> list[str]:
    """People in random order, whole, as long as their photos fit; at least one, so that a group shows."""
    names = sorted(people)
    order = [names[index] for index in generator.permutation(len(names))]
    ends = np.cumsum([len(people[name]) for name in order])
    fit = int((ends <= photos).sum())
    return sorted(order[: max(fit, 1)])


def _layout(embeddings: NDArray[np.float32], seed: int) -> Points:
    """``(M, D)`` to ``(M, 2)``; equal embeddings, as of a model whose features did not move, to equal places."""
    from sklearn.manifold import TSNE

    distinct, inverse = np.unique(embeddings.round(_DECIMALS), axis=0, return_inverse=True)
    if len(distinct) < 4:  # too few for neighbours: the two axes of what there is
        placed = np.pad(distinct - distinct.mean(0), ((0, 0), (0, 2)))[:, :2]
    else:
        perplexity = min(30.0, (len(distinct) - 1) / 3)
        tsne = TSNE(init="pca", perplexity=perplexity, max_iter=_STEPS, random_state=seed)
        placed = tsne.fit_transform(distinct)
        placed = placed - (placed.max(0) + placed.min(0)) / 2
    scaled: Points = (placed / max(float(np.abs(placed).max()), 1e-12)).astype(np.float32)
    return scaled[inverse.reshape(-1)]


def _limits(points: Points, axis: int) -> tuple[float, float]:
    low, high = float(points[:, axis].min()), float(points[:, axis].max())
    margin = 0.04 * (high - low or 1.0)
    return low - margin, high + margin


def _both(found: EmbeddingMap) -> tuple[tuple[Side, Points], ...]:
    return ("before", found.before), ("after", found.after)


def _clouds(found: EmbeddingMap, points: Points, side: Side) -> list[Cloud]:
    groups = np.asarray(found.groups)
    words = _WORDS | {"forgotten": f"the person, {side}"}
    placed = [(group, points[groups == group]) for group in words]
    return [Cloud(words[group], own, group) for group, own in placed if len(own) or group == "forgotten"]


def _shown(found: EmbeddingMap) -> str:
    names = {"forgotten": "the erased", "retained": "who stay", "strangers": "strangers"}
    parts = [
        f"{some} of {all_} {names[group]}"
        for group, (some, all_) in found.shown.items()
        if group in names and all_ and group != "forgotten"
    ]
    return sentence(f"all photos of the erased{', ' + listed(parts) if parts else ''}").replace("All", "all", 1)


def _sentence(report: AuditReport, found: EmbeddingMap) -> str:
    """How close the person's photos lie together on the map, in words that a map can bear."""
    own = np.asarray(found.groups) == "forgotten"
    old, new = (_spread(points[own]) for points in (found.before, found.after))
    name = who(report)
    if own.sum() < 2 or not old:
        return f"The map shows {name} among everybody else."
    if np.allclose(found.before, found.after, atol=1e-3):
        return f"Nothing has moved: the photos of {name} lie where they lay before."
    ratio = new / old
    if ratio > 1.5:
        return f"On the map the photos of {name} lie {ratio:.1f} times as far apart as before."
    if ratio < 0.67:
        return f"On the map the photos of {name} lie closer together than before: they have been moved, not dispersed."
    return f"On the map the photos of {name} lie about as close together as before."


def _spread(points: Points) -> float:
    """Median distance from the middle."""
    return float(np.median(np.linalg.norm(points - np.median(points, axis=0), axis=1))) if len(points) else 0.0


QUESTION = WhereFacesAre()
