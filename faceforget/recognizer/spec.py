"""What there is to know of a backbone: an architecture, how photos are prepared for it, and where its weights are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import nn

from faceforget.photos.align import Framing
from faceforget.progress import Progress


class Weights(Protocol):
    """Where a backbone's weights are, or are to come from."""

    def __call__(self, variant: str, progress: Progress) -> tuple[Path, str]:
        """The file, and its name in the history of a model.

        Args:
            variant: Which of several; empty for the usual ones.
            progress: Told about a download.

        Raises:
            BackboneError: There is no such variant, or the weights cannot be had.
        """
        ...


@dataclass(frozen=True)
class Layers:
    """Names of layers of a network.

    Attributes:
        places: The last whose output still has places, 3 x 3 or more; what follows is linear.
        embedding: The one whose output is the embedding before it is given unit length.
        depths: From early to late, where features are read; the embedding itself is not among them.
        tail: The linear layers at the end, one after another with nothing but flattening between them; an erasure that
            masks directions changes these alone.
    """

    places: str
    embedding: str
    depths: tuple[str, ...]
    tail: tuple[str, ...]


@dataclass(frozen=True)
class BackboneSpec:
    """An architecture and how its photos are prepared.

    Attributes:
        name: As stored in model files, and as the backbone's own file is called.
        framing: The crop it was trained on.
        mean: Per channel, of RGB in [0, 1].
        std: Per channel, of RGB in [0, 1].
        embedding_size: Values per face.
        stranger_cosines: Mean and standard deviation of a stranger's cosine with one row; for enrolments of
            too few people to measure it.
        build: Makes the network with random weights, ``(N, 3, S, S)`` to ``(N, embedding_size)``; also on the device
            ``meta``, where tensors have shapes and no values.
        weights: Finds the file of its weights, from the part of ``name:variant`` behind the colon; None where a user
            brings the file.
        layers: Where the audit looks; None: it looks at embeddings alone, and asks for no heatmaps.
    """

    name: str
    framing: Framing
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    embedding_size: int
    stranger_cosines: tuple[float, float]
    build: Callable[[], nn.Module]
    weights: "Weights | None" = None
    layers: Layers | None = None
