"""Where are the faces, before and after?"""

import numpy as np

from faceforget.audit.questions.embedding_map import EmbeddingMap, Points
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.words import listed, photos
from faceforget.report.charts import AFTER_SIDE, BEFORE_SIDE, Side
from faceforget.report.charts_more import Cloud, scatter
from faceforget.report.document import Chart, Section
from faceforget.report.sections.common import sentence, who

_WORDS = {"retained": "people who stay", "strangers": "strangers"}
_COLOURS = {"retained": ("#c3cad4", "o", 3.6), "strangers": ("#97a1af", "v", 4.4)}


def section(report: AuditReport) -> Section:
    """The map."""
    found = report.map
    both = np.concatenate([found.before, found.after])
    limits = _limits(both, 0), _limits(both, 1)
    charts = tuple(
        Chart(scatter(_clouds(found, points, side), limits), f"The embeddings {side.words}; both maps have one layout.")
        for side, points in ((BEFORE_SIDE, found.before), (AFTER_SIDE, found.after))
    )
    return Section(
        title="Where are the faces, before and after?",
        sentence=_sentence(report, found),
        charts=charts,
        method="t-SNE (van der Maaten and Hinton 2008) from the principal components, of both models together. It "
        "shows who "
        "stands beside whom; distances between far groups mean nothing, so no verdict rests on it.",
        basis=f"{photos(len(found.groups))}: {_shown(found)}.",
        reference="The same photos in the model before.",
    )


def _limits(points: Points, axis: int) -> tuple[float, float]:
    low, high = float(points[:, axis].min()), float(points[:, axis].max())
    margin = 0.04 * (high - low or 1.0)
    return low - margin, high + margin


def _clouds(found: EmbeddingMap, points: Points, side: Side) -> list[Cloud]:
    groups = np.asarray(found.groups)
    clouds = []
    for group, words in _WORDS.items():
        if (groups == group).any():
            colour, mark, size = _COLOURS[group]
            clouds.append(Cloud(words, points[groups == group], colour, mark, size))
    read, own = points[groups == "forget_photos"], points[groups == "forgotten"]
    if len(read):
        clouds.append(Cloud("read by the erasure", read, side.colour, "P", 6, 0.55))
    clouds.append(Cloud(f"the person, {side.words}", own, side.colour, side.mark, 6))
    return clouds


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
