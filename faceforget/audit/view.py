"""What one model makes of the audit's photos."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from faceforget.recognizer.recognizer import Recognizer

Crops = NDArray[np.uint8]
T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Groups(Generic[T]):
    """Something of each person, in the groups that an audit looks at.

    Attributes:
        forgotten: Photos of each erased person, best those that the erasure did not read.
        forget_photos: The photos that the erasure read, by person.
        retained: Photos of people who stay, by person.
        strangers: Photos of people who were never enrolled, by person.
        members: Enrolled photos of people who stay, by person: known members for the membership attack.
    """

    forgotten: Mapping[str, T]
    forget_photos: Mapping[str, T] = field(default_factory=dict)
    retained: Mapping[str, T] = field(default_factory=dict)
    strangers: Mapping[str, T] = field(default_factory=dict)
    members: Mapping[str, T] = field(default_factory=dict)

    def all(self) -> Iterator[tuple[str, str, T]]:
        """Group, person and content, in a fixed order."""
        for group in GROUPS:
            for person, content in getattr(self, group).items():
                yield group, person, content

    def map(self, change: Callable[[T], U]) -> "Groups[U]":
        """The same people with changed contents."""
        return grouped((group, person, change(content)) for group, person, content in self.all())


GROUPS = ("forgotten", "forget_photos", "retained", "strangers", "members")
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
    return Groups({stranger: own[read:]}, {stranger: own[:read]}, groups.retained, others, groups.members)
