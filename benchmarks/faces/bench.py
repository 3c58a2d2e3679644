"""The people, the enrolled model and the data of each erasure, read once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from benchmarks.faces.config import Config
from benchmarks.world import World
from faceforget.api import Recognizer
from faceforget.errors import UsageError
from faceforget.lab import EnrolmentRecipe, embed_images, labelled_images, rendered_anchors, require_faces, to_images
from faceforget.progress import Progress
from faceforget.unlearn import ForgetSet, RetainSet


@dataclass(frozen=True)
class Photos:
    """Images ``(N, 3, S, S)`` and the row ``(N,)`` of each one's person."""

    images: Tensor
    rows: Tensor

    def of(self, rows: Sequence[int]) -> "Photos":
        """Those of some people."""
        chosen = torch.isin(self.rows, torch.tensor(list(rows)))
        return Photos(self.images[chosen], self.rows[chosen])

    def first(self, count: int) -> Tensor:
        """Which are among the first photos of their person, ``(N,)`` of bool."""
        return torch.stack([(self.rows[:i] == row).sum() < count for i, row in enumerate(self.rows)])


@dataclass(frozen=True)
class Bench:
    """What all cells share.

    Attributes:
        config: The protocol.
        recognizer: The enrolled model.
        recipe: How it was enrolled, for ``retrain``.
        train: The photos that it was enrolled from.
        unseen: Other photos of the same people.
    """

    config: Config
    recognizer: Recognizer
    recipe: EnrolmentRecipe
    train: Photos
    unseen: Photos

    @property
    def names(self) -> list[str]:
        """All people, sorted: the rows of the model."""
        return list(self.recognizer.labels)

    @property
    def reported(self) -> list[str]:
        """The people whose erasures are reported: every sixth from the third."""
        return self.names[2::6][: self.config.erase]

    @property
    def search(self) -> list[tuple[str, ...]]:
        """Whom each trial of the search erases, one person or several at once; never reported."""
        people = tuple(self.names[5::6][: self.config.search_people])
        return [people] if self.config.search_together else [(person,) for person in people]

    @property
    def groups(self) -> list[list[str]]:
        """The order in which people join the erasures of several, by group.

        Two groups have nobody in common up to ten people, and at most ten of twenty.
        """
        sixths = [self.names[start::6][:10] for start in (2, 3, 4, 0, 1)]
        return [[*sixths[group], *sixths[(group + 3) % 5]] for group in range(self.config.groups)]

    def require_people(self) -> None:
        """Refuse before anything runs what would be fewer people than the table says.

        Raises:
            UsageError: The search or a group has fewer people than the configuration asks for.
        """
        config, group = self.config, min(map(len, self.groups))
        several = max(config.together, default=0) if {"together", "in_turn"} & {*config.kinds} else 0
        for what, asked, found in (
            ("to search on", config.search_people, sum(map(len, self.search))),
            ("in each group", several, group),
        ):
            if found < asked:
                raise UsageError(
                    f"Expected {asked} people {what}, found {found}: {config.people} has {len(self.names)} people with "
                    f"{config.train_photos + config.unseen_photos} photos or more, and each sixth of them has its use.",
                    "Give a folder with more people, or ask for fewer: search_people, together.",
                )

    @cached_property
    def photos(self) -> Photos:
        """All train photos, then all unseen ones."""
        return Photos(
            torch.cat([self.train.images, self.unseen.images]), torch.cat([self.train.rows, self.unseen.rows])
        )

    @cached_property
    def embeddings(self) -> Tensor:
        """Unit embeddings of all photos by the enrolled model."""
        return embed_images(self.recognizer.classifier, self.photos.images)

    @cached_property
    def _some(self) -> Tensor:
        """Which photos every model is measured on: some train photos of each person, and all unseen ones."""
        unseen = torch.ones(len(self.unseen.rows), dtype=torch.bool)
        return torch.cat([self.train.first(self.config.retained_photos), unseen])

    def measured(self, people: Sequence[str]) -> Tensor:
        """Photos ``(M,)``, ascending, that a model without these people is measured on: all of theirs too."""
        gone = torch.tensor([self.recognizer.index_of(name) for name in people])
        return (self._some | torch.isin(self.photos.rows, gone)).nonzero().squeeze(1)

    def forget_set(self, people: Sequence[str], gone: Sequence[str] = ()) -> ForgetSet:
        """The data of one erasure; ``gone`` were erased before, so their photos are nobody's to read."""
        rows = tuple(self.recognizer.index_of(name) for name in people)
        before = [self.recognizer.index_of(name) for name in gone]
        own = self.train.of(rows)
        stay = self.train.of([row for row in range(len(self.names)) if row not in {*rows, *before}])
        retained = RetainSet(stay.images, stay.rows, self.recipe)
        return ForgetSet(own.images, rows, labels=own.rows, retained=retained, anchors=self._anchors)

    @cached_property
    def _anchors(self) -> Tensor:
        return to_images(rendered_anchors(self.recognizer.spec.framing))


def build_bench(config: Config, progress: Progress) -> Bench:
    """Read the photos and enrol everybody, or load what an earlier run has enrolled."""
    world = World(
        config.people, config.backbone, 0, config.work / "model.safetensors", progress=progress,
        train=config.train_photos, unseen=config.unseen_photos, strangers=None,
    )  # fmt: skip
    require_faces(world.faces_of["unseen"], tuple(world.photos["unseen"]))
    names = world.before.labels
    parts = (Photos(*labelled_images(world.faces_of[part], names, "cpu")) for part in ("train", "unseen"))
    return Bench(config, world.before, world.recipe, *parts)
