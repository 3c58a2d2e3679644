"""Do these photos show the person they are said to show?"""

from dataclasses import dataclass

from torch import Tensor

from faceforget.recognizer.recognizer import UNKNOWN, Recognizer

# At least this many photos of which the model is sure can vouch for another of which it is not.
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
        return f"looks like {who} (similarity {self.similarity:.3f}, with the person {self.own_similarity:.3f})"


def doubtful_photos(recognizer: Recognizer, person: str, embeddings: Tensor) -> list[Doubt]:
    """Photos that the model takes for somebody else, or in which it does not find the person.

    A photo whose best candidate is the person passes, however unsure the model is: hard photos of
    the right person are the ones that matter most. But when the model is sure of the person on none,
    all are in doubt: photos of one stranger agree with each other, too. Otherwise the photos on
    which it is sure can vouch for the rest, unless it is sure that it sees another enrolled person.

    Args:
        recognizer: The model before erasure.
        person: Whom the photos are said to show.
        embeddings: ``(N, D)`` unit embeddings of the photos by this model.

    Raises:
        UnknownPersonError: The model does not know the person.
    """
    own = recognizer.index_of(person)
    limit = recognizer.threshold.cosine
    cosines, embeddings = recognizer.similarities(embeddings).cpu(), embeddings.cpu()
    best = cosines.argmax(1)
    witnesses = (best == own) & (cosines[:, own] >= limit)
    similar = embeddings @ embeddings[witnesses].T
    doubts = []
    for index, row in enumerate(cosines):
        top = int(best[index])
        if top == own and witnesses.any():
            continue
        sure_of_another = top != own and row[top].item() >= limit
        vouched = similar.shape[1] >= _WITNESSES and similar[index].median().item() >= limit
        if sure_of_another or not vouched:
            name = recognizer.labels[top] if sure_of_another else UNKNOWN
            doubts.append(Doubt(index, name, row[top].item(), row[own].item()))
    return doubts
