"""What one model makes of the audit's photos: every photo goes through the model once, for all questions."""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from faceforget.audit.layers import layers_of
from faceforget.progress import Progress, silent, tracked
from faceforget.recognizer.head import FaceClassifier, to_images
from faceforget.recognizer.recognizer import Recognizer

Crops = NDArray[np.uint8]
T = TypeVar("T")
U = TypeVar("U")

_BATCH = 64
# Places that are left of a feature map: where in the face something is matters to who it is.
_GRID = 2


@dataclass(frozen=True)
class Groups(Generic[T]):
    """Something of each person, in the four groups that an audit looks at.

    Attributes:
        forgotten: Photos of each erased person, best those that the erasure did not read.
        forget_photos: The photos that the erasure read, by person.
        retained: Photos of people who stay, by person.
        strangers: Photos of people who were never enrolled, by person.
    """

    forgotten: Mapping[str, T]
    forget_photos: Mapping[str, T] = field(default_factory=dict)
    retained: Mapping[str, T] = field(default_factory=dict)
    strangers: Mapping[str, T] = field(default_factory=dict)

    def all(self) -> Iterator[tuple[str, str, T]]:
        """Group, person and content, in a fixed order."""
        for group in GROUPS:
            for person, content in getattr(self, group).items():
                yield group, person, content

    def map(self, change: Callable[[T], U]) -> "Groups[U]":
        """The same people with changed contents."""
        return grouped((group, person, change(content)) for group, person, content in self.all())


GROUPS = ("forgotten", "forget_photos", "retained", "strangers")
Faces = Groups[Crops]


def grouped(contents: Iterator[tuple[str, str, T]]) -> Groups[T]:
    """The reverse of :meth:`Groups.all`."""
    groups: dict[str, dict[str, T]] = {group: {} for group in GROUPS}
    for group, person, content in contents:
        groups[group][person] = content
    return Groups(**groups)


@dataclass(frozen=True)
class View:
    """One model and what it makes of the photos.

    Attributes:
        model: With the erased persons' rows in place: what somebody who kept the rows would use.
        used: As it is handed out; after an erasure the rows are gone.
        embeddings: Unit embeddings ``(N, D)`` of each person's photos.
        features: The same at earlier layers, by name from early to late: ``(N, F)``, pooled to 2x2 places
            and flattened. Empty where they were not asked for.
    """

    model: Recognizer
    used: Recognizer
    embeddings: Groups[Tensor]
    features: Mapping[str, Groups[Tensor]] = field(default_factory=dict)

    @property
    def people(self) -> tuple[str, ...]:
        """The erased persons."""
        return tuple(self.embeddings.forgotten)

    def gallery(self) -> Tensor:
        """Unit templates ``(C', D)`` of everybody enrolled but the erased persons: the rows of the model."""
        labels = [index for index, label in enumerate(self.used.labels) if label not in self.people]
        return functional.normalize(self.used.classifier.head.weight.detach()[labels], dim=1)

    def as_if(self, stranger: str) -> "View":
        """The same model, with a stranger in the place of the erased persons: the reference of many measures.

        The first 60 % of the stranger's photos (at least one) stand for the photos that the erasure read, the
        others are unseen.
        """
        return replace(
            self,
            embeddings=_stranger_as_forgotten(self.embeddings, stranger),
            features={depth: _stranger_as_forgotten(groups, stranger) for depth, groups in self.features.items()},
        )


def _stranger_as_forgotten(groups: Groups[Tensor], stranger: str) -> Groups[Tensor]:
    own = groups.strangers[stranger]
    read = max(1, round(0.6 * len(own)))
    others = {name: content for name, content in groups.strangers.items() if name != stranger}
    return Groups({stranger: own[read:]}, {stranger: own[:read]}, groups.retained, others)


def look(
    model: Recognizer,
    used: Recognizer,
    faces: Faces,
    *,
    depths: bool = True,
    progress: Progress = silent,
    stage: str = "looking",
) -> View:
    """Send every photo through a model once.

    Args:
        model: With the erased persons' rows.
        used: As it is handed out; the same embedder.
        faces: ``(N, S, S, 3)`` crops of each person.
        depths: Read features at earlier layers too.
        progress: Called after each batch.
        stage: Name of the work in progress events.

    Raises:
        BackboneError: No layers are known for the backbone, and ``depths`` is asked for.
    """
    everything = list(faces.all())
    crops = np.concatenate([content for _, _, content in everything])
    names = layers_of(used.spec.name).depths if depths else ()
    layers: dict[str, list[Tensor]] = {name: [] for name in (*names, "")}
    starts = range(0, len(crops), _BATCH)
    with torch.no_grad(), _listening(used.classifier, names) as (classifier, heard):
        for start in tracked(starts, stage, len(starts), progress):
            embedded = classifier.embedder(to_images(crops[start : start + _BATCH], used.device)).float()
            layers[""].append(functional.normalize(embedded, dim=1))
            for name in names:
                layers[name].append(_pooled(heard[name]))
    sizes = [len(content) for _, _, content in everything]
    parts = {name: torch.split(torch.cat(values), sizes) for name, values in layers.items()}

    def regrouped(name: str) -> Groups[Tensor]:
        found = zip(everything, parts[name], strict=True)
        return grouped((group, person, part) for (group, person, _), part in found)

    return View(model, used, regrouped(""), {name: regrouped(name) for name in names})


@contextmanager
def _listening(
    classifier: FaceClassifier, names: tuple[str, ...]
) -> Iterator[tuple[FaceClassifier, dict[str, Tensor]]]:
    """A copy of the classifier, so that the model itself never carries a hook, and what its layers last said."""
    classifier = copy.deepcopy(classifier).eval()
    network = classifier.embedder.get_submodule("network")
    heard: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
            heard[name] = output

        return hook

    for name in names:
        network.get_submodule(name).register_forward_hook(keep(name))
    yield classifier, heard


def _pooled(features: Tensor) -> Tensor:
    """``(N, C, H, W)`` or ``(N, C)`` as ``(N, F)``."""
    if features.ndim == 4 and min(features.shape[2:]) > _GRID:
        features = functional.adaptive_avg_pool2d(features, _GRID)
    return features.flatten(1).float()
