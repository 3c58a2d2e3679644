"""The recogniser: who is on this photo?"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from faceforget.errors import UnknownPersonError
from faceforget.photos.align import RGB
from faceforget.photos.cache import PREPROCESSING_VERSION
from faceforget.progress import Progress, silent, tracked
from faceforget.recognizer.backbone import Embedder
from faceforget.recognizer.head import CosineHead, FaceClassifier, to_images
from faceforget.recognizer.spec import BackboneSpec
from faceforget.unlearn.layers.folding import folded

UNKNOWN = "unknown"
# More at a time are slower on a CPU: their activations are mapped and unmapped at every layer, a third of the time.
_BATCH = 8
# As floats they take 150 KB each.
_IN_MEMORY = 512


@dataclass(frozen=True)
class Threshold:
    """When a face is called unknown.

    Attributes:
        cosine: A face whose best cosine is lower is unknown.
        false_accept_rate: Share of strangers that get a name at this cosine, as calibrated.
        calibrated_on: In words: how many people and photos stood in for strangers.
    """

    cosine: float
    false_accept_rate: float
    calibrated_on: str


@dataclass(frozen=True)
class Candidate:
    """A possible name: its probability among the enrolled people, and its cosine."""

    name: str
    confidence: float
    similarity: float


@dataclass(frozen=True)
class Recognition:
    """Who a face is.

    Attributes:
        name: The best candidate's, or ``"unknown"``.
        candidates: Best first.
    """

    name: str
    candidates: tuple[Candidate, ...]

    @property
    def confidence(self) -> float | None:
        """The name's probability among the enrolled people; None for unknown."""
        return self.candidates[0].confidence if self.name == self.candidates[0].name else None


@dataclass(frozen=True)
class Recognizer:
    """Backbone, head, labels and threshold; a value: changes make a new one.

    Attributes:
        spec: Architecture and preparation of photos.
        classifier: Embedder and cosine head, in evaluation mode.
        labels: One name per head row.
        threshold: When a face is unknown.
        history: What was done to the model, in order; ids, no names.
        preprocessing: Version of the crops that it was enrolled on.
    """

    spec: BackboneSpec
    classifier: FaceClassifier
    labels: tuple[str, ...]
    threshold: Threshold
    history: tuple[Mapping[str, Any], ...] = ()
    preprocessing: int = PREPROCESSING_VERSION

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.classifier.head.weight.device

    def to(self, device: str | torch.device) -> "Recognizer":
        """The same model on another device; the weights themselves move."""
        return replace(self, classifier=self.classifier.to(device))

    def index_of(self, name: str) -> int:
        """Row of a person.

        Raises:
            UnknownPersonError: The model does not know them.
        """
        if name not in self.labels:
            raise UnknownPersonError(
                f"The model does not know {name!r}.", _known_people(name, self.labels), person=name
            )
        return self.labels.index(name)

    def embed(self, crops: NDArray[np.uint8] | Sequence[RGB]) -> Tensor:
        """Unit embeddings ``(N, D)`` of crops ``(N, S, S, 3)``."""
        stacked = np.asarray(crops, dtype=np.uint8)
        parts = [
            embed_images(self.classifier, to_images(stacked[start : start + _IN_MEMORY], self.device))
            for start in range(0, len(stacked), _IN_MEMORY)
        ]
        return torch.cat(parts) if parts else torch.zeros(0, self.spec.embedding_size, device=self.device)

    @torch.no_grad()
    def similarities(self, embeddings: Tensor) -> Tensor:
        """Cosine ``(N, C)`` of each unit embedding ``(N, D)`` with each person's row."""
        return embeddings @ functional.normalize(self.classifier.head.weight, dim=1).T

    def cosines(self, crops: NDArray[np.uint8] | Sequence[RGB]) -> Tensor:
        """Cosine ``(N, C)`` of each crop with each person's row."""
        return self.similarities(self.embed(crops))

    def recognize(self, crops: NDArray[np.uint8] | Sequence[RGB], top: int = 5) -> list[Recognition]:
        """Name each face.

        Args:
            crops: ``(N, S, S, 3)`` uint8 in the backbone's framing.
            top: Candidates to return, at most the number of enrolled people.
        """
        return self.name(self.embed(crops), top)

    def name(self, embeddings: Tensor, top: int = 5) -> list[Recognition]:
        """Name each unit embedding ``(N, D)``."""
        cosines = self.similarities(embeddings).cpu()
        probabilities = (self.classifier.head.scale * cosines).softmax(1)
        order = cosines.argsort(1, descending=True)[:, :top]
        results = []
        for row, best in enumerate(order.tolist()):
            candidates = tuple(
                Candidate(self.labels[i], probabilities[row, i].item(), cosines[row, i].item()) for i in best
            )
            known = candidates[0].similarity >= self.threshold.cosine
            results.append(Recognition(candidates[0].name if known else UNKNOWN, candidates))
        return results

    def without(self, names: Sequence[str]) -> "Recognizer":
        """The model without these people's rows and labels: the rows are templates of the people.

        Raises:
            UnknownPersonError: The model does not know one of them.
        """
        gone = {self.index_of(name) for name in names}
        kept = [index for index in range(len(self.labels)) if index not in gone]
        rows = self.classifier.head.weight.detach()[kept]
        return self.with_head(rows, tuple(self.labels[index] for index in kept))

    def with_person(self, name: str, embeddings: Tensor) -> "Recognizer":
        """The model with one more row: the mean direction of these unit embeddings ``(N, D)``."""
        row = functional.normalize(embeddings.mean(0, keepdim=True), dim=1)
        return self.with_head(torch.cat([self.classifier.head.weight.detach(), row]), (*self.labels, name))

    def with_head(self, rows: Tensor, labels: Sequence[str]) -> "Recognizer":
        """The same embedder with other rows ``(C, D)`` and their labels."""
        head = CosineHead(rows, self.classifier.head.scale).requires_grad_(False)
        classifier = FaceClassifier(self.classifier.embedder, head).eval()
        return replace(self, classifier=classifier, labels=tuple(labels))

    def weights_hash(self) -> str:
        """SHA-256 over all weights by name, independent of the file they are in."""
        digest = hashlib.sha256()
        for key, value in sorted(self.classifier.state_dict().items()):
            digest.update(key.encode())
            digest.update(str(tuple(value.shape)).encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def new_classifier(spec: BackboneSpec, network: torch.nn.Module, rows: Tensor, scale: float) -> FaceClassifier:
    """Assemble embedder and head, channels last (a third faster on CPUs)."""
    classifier = FaceClassifier(Embedder(spec, network), CosineHead(rows, scale))
    classifier.to(memory_format=torch.channels_last)
    return classifier.eval()


@torch.no_grad()
def embed_images(
    classifier: FaceClassifier, images: Tensor, progress: Progress = silent, *, groups: Tensor | None = None
) -> Tensor:
    """Unit embeddings ``(N, D)`` of images ``(N, 3, S, S)`` in [0, 1], batch by batch.

    Args:
        classifier: In evaluation mode after it.
        images: At least one.
        progress: Called at every batch.
        groups: ``(N,)`` of integers from 0; images of two groups share no batch. The last bit of an embedding
            depends on what else is in the batch: with groups it depends on the own group alone.
    """
    embedder = classifier.eval().embedder
    order = torch.arange(len(images), device=images.device) if groups is None else torch.argsort(groups, stable=True)
    sizes = [len(images)] if groups is None else torch.bincount(groups).tolist()
    batches = [batch for own in torch.split(order, sizes) for batch in torch.split(own, _BATCH)]
    if len(batches) > 1:  # for a few photos the copy would cost more than it saves
        embedder = folded(embedder)
    parts = [embedder(images[batch]).float() for batch in tracked(batches, "embedding faces", len(batches), progress)]
    embeddings = functional.normalize(torch.cat(parts), dim=1)
    return torch.empty_like(embeddings).index_copy_(0, order, embeddings)


def _known_people(name: str, labels: Sequence[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, labels, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    shown = ", ".join(labels[:5]) + (", and others" if len(labels) > 5 else "")
    return f"It knows {len(labels)} people: {shown}."
