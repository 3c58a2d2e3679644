"""Do these photos show the person they are said to show?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceforget.recognizer.recognizer import UNKNOWN, Recognizer

# With at least this many photos, they can vouch for each other against a model that errs.
_WITNESSES = 3


@dataclass(frozen=True)
class Doubt:
    """A photo that seems to show somebody else.

    Attributes:
        index: Of the photo.
        looks_like: The person whom the model sees, or ``"unknown"``.
        similarity: Cosine with that person's row (for unknown: the best one).
        own_similarity: Cosine with the row of the person it is said to show.
    """

    index: int
    looks_like: str
    similarity: float
    own_similarity: float

    def __str__(self) -> str:
        who = "nobody in the model" if self.looks_like == UNKNOWN else self.looks_like
        return (
            f"looks like {who} (similarity {self.similarity:.2f}, with the person {self.own_similarity:.2f})"
        )


def doubtful_photos(recognizer: Recognizer, person: str, crops: NDArray[np.uint8]) -> list[Doubt]:
    """Photos that the model takes for somebody else, or that resemble nobody and not the other photos.

    A photo whose best candidate is the person passes, however unsure the model is: hard photos of
    the right person are the ones that matter most. Otherwise the median cosine with the other
    photos can vouch for it, unless the model is sure that it sees another enrolled person.

    Args:
        recognizer: The model before erasure.
        person: Whom the photos are said to show.
        crops: ``(N, S, S, 3)``.

    Raises:
        UnknownPersonError: The model does not know the person.
    """
    own = recognizer.index_of(person)
    cosines = recognizer.cosines(crops).cpu()
    embeddings = recognizer.embed(crops).cpu()
    between = (embeddings @ embeddings.T).numpy()
    limit = recognizer.threshold.cosine
    doubts = []
    for index, row in enumerate(cosines):
        best = int(row.argmax())
        if best == own:
            continue
        sure_of_another = row[best].item() >= limit
        others = np.delete(between[index], index)
        vouched = len(others) >= _WITNESSES and float(np.median(others)) >= limit
        if sure_of_another or not vouched:
            name = recognizer.labels[best] if sure_of_another else UNKNOWN
            doubts.append(Doubt(index, name, row[best].item(), row[own].item()))
    return doubts
