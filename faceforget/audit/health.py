"""Does a model still tell people apart after an erasure? Asked of anchors: rendered people whom nobody enrolled.

An erasure may forget a person by making all faces alike. Then everybody's photos are answered with "unknown", and on
the forget photos alone it looks perfect. So anchors go through the model before and after, and two things are
compared: their cosines with each other, and with the rows of those who stay. A model that does as before keeps both
patterns, even if all cosines move together; in one that was destroyed little is left of them.

It says whether a model was ruined, and not that others were kept: rendered people are told apart more easily than real
ones, so small losses do not show here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from faceforget.audit.classifier import same_embedder
from faceforget.recognizer.recognizer import Recognizer

# Below this a model was destroyed. Chosen on real and rendered people, see docs/method.md.
LEAST = 0.8


@dataclass(frozen=True)
class Health:
    """What is left of a model's ability to tell people apart.

    Attributes:
        anchors: How many rendered people were looked at.
        alike_before: Mean cosine of two of them in the model before.
        alike_after: The same in the model after: near 1 where all faces became alike.
        pattern: Correlation of their cosines with each other before and after, in [-1, 1].
        rows: Correlation of their cosines with the rows of those who stay, before and after.
    """

    anchors: int
    alike_before: float
    alike_after: float
    pattern: float
    rows: float

    @property
    def left(self) -> float:
        """The lesser correlation, in [0, 1]: 1 is as before."""
        return min(1.0, max(0.0, min(self.pattern, self.rows)))

    @property
    def destroyed(self) -> bool:
        """Whether the model no longer tells people apart as it did."""
        return self.left < LEAST

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "anchors": self.anchors,
            "mean_cosine_before": round(self.alike_before, 4),
            "mean_cosine_after": round(self.alike_after, 4),
            "pattern": round(self.pattern, 4),
            "rows": round(self.rows, 4),
            "left": round(self.left, 4),
            "least": LEAST,
            "destroyed": self.destroyed,
            "measured_on": "rendered people whom nobody enrolled, in the model before and after",
        }


def health(before: Recognizer, after: Recognizer, anchors: NDArray[np.uint8]) -> Health:
    """Compare two models on anchors.

    Args:
        before: The model before.
        after: The model after, on the same backbone; people whom it does not know are left out.
        anchors: ``(N, S, S, 3)`` faces that neither knows, three or more.
    """
    old = before.embed(anchors)
    new = old if same_embedder(before, after) else after.embed(anchors)
    stay = [label for label in after.labels if label in before.labels]
    pairs = np.triu_indices(len(anchors), 1)
    among = tuple((own @ own.T).cpu().numpy()[pairs] for own in (old, new))
    near = _with_rows(old, before, stay), _with_rows(new, after, stay)
    alike_before, alike_after = (float(own.mean()) for own in among)
    return Health(len(anchors), alike_before, alike_after, _correlation(*among), _correlation(*near))


def _with_rows(embeddings: Tensor, model: Recognizer, people: list[str]) -> NDArray[np.floating]:
    rows = functional.normalize(model.classifier.head.weight.detach(), dim=1)
    chosen = rows[[model.index_of(person) for person in people]]
    found: NDArray[np.floating] = (embeddings @ chosen.T).cpu().numpy().ravel()
    return found


def _correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Pearson's; 0 where one of them does not vary or is not finite: nothing can be told from it."""
    if min(one.std(), other.std()) < 1e-6 or not np.isfinite(other).all():
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
