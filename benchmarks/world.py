"""The one world of measurements on faces: photos of people, who is erased, and enrolled models."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
import torch

from benchmarks.data import STRANGERS, TRAIN, UNSEEN, needed, people_with, search_people
from faceforget import api
from faceforget.api import (
    Crops,
    FaceCache,
    Faces,
    FaceSet,
    LoadedBackbone,
    Memory,
    PhotoIntake,
    Recognizer,
    load_backbone,
    make_method,
    read_faces,
)
from faceforget.lab import (
    EnrolmentRecipe,
    FaceClassifier,
    enroll_faces,
    labelled_images,
    mirror,
    rendered_anchors,
    require_faces,
    to_images,
    vary,
)
from faceforget.progress import Progress, silent
from faceforget.unlearn import ForgetSet, RetainSet

REPORTED = 10
# Methods with settings, as rows of tables.
VARIANTS: dict[str, tuple[str, dict[str, str]]] = {"delete_all_layers": ("delete", {"moves": "all"})}


@dataclass(frozen=True)
class World:
    """A people folder, a backbone and a seed; photos are read and people enrolled when they are first asked for.

    Attributes:
        people: A folder per person: who has ``train`` photos and ``unseen`` ones is enrolled.
        backbone: A name or a file of weights.
        seed: Of the enrolment and of the erasures.
        model: Where the enrolled model is kept.
        searched: Whether methods were searched for on some of these people, who are then left out.
        progress: Called with events.
        train: Photos of each person to enrol, and to erase with: the first by name.
        unseen: Photos of each person to ask about: the next.
        most: Enrol so many people, evenly over the names; None: all.
        strangers: Who has so many photos is a stranger; None: nobody.
    """

    people: Path
    backbone: str
    seed: int
    model: Path
    _: KW_ONLY
    searched: bool = False
    progress: Progress = silent
    train: int = TRAIN
    unseen: int = UNSEEN
    most: int | None = None
    strangers: tuple[int, int] | None = STRANGERS

    @cached_property
    def photos(self) -> dict[str, dict[str, list[Path]]]:
        """Files by person of ``train``, ``unseen`` and ``strangers``."""
        needed(self.people, self.backbone)
        regulars = people_with(self.people, self.train + self.unseen)
        names = sorted(regulars)
        if self.most is not None:
            names = names[:: max(1, len(names) // self.most)][: self.most]
        return {
            "train": {name: regulars[name][: self.train] for name in names},
            "unseen": {name: regulars[name][self.train : self.train + self.unseen] for name in names},
            "strangers": people_with(self.people, *self.strangers) if self.strangers else {},
        }

    @property
    def names(self) -> list[str]:
        """Who is enrolled, or will be."""
        return sorted(self.photos["train"])

    @property
    def loaded(self) -> LoadedBackbone:
        """The backbone, as it is before an enrolment."""
        return load_backbone(self.backbone)

    def read(self, people: dict[str, list[Path]]) -> FaceSet:
        """Faces of any photos, as this backbone wants them; found ones are remembered."""
        return read_faces(people, PhotoIntake(self.loaded.spec.framing, cache=FaceCache()), progress=self.progress)

    @cached_property
    def before(self) -> Recognizer:
        """The enrolled model."""
        return self._enrolled(self.model, self.photos["train"])

    @cached_property
    def retrained(self) -> Recognizer:
        """The same enrolment without the reported people; kept beside the model."""
        left = {name: photos for name, photos in self.photos["train"].items() if name not in self.reported}
        return self._enrolled(self.model.with_name(f"{self.model.stem}_without_ten.safetensors"), left)

    def _enrolled(self, model: Path, people: dict[str, list[Path]]) -> Recognizer:
        if not model.is_file():
            faces = self.read(people)
            require_faces(faces, tuple(people))
            model.parent.mkdir(parents=True, exist_ok=True)
            api.save(enroll_faces(faces, self.loaded, self.plan, progress=self.progress), model)
        return api.load(model)

    @property
    def plan(self) -> api.EnrolmentPlan:
        """How people are enrolled: as ``faceforget enroll`` does."""
        return api.EnrolmentPlan(seed=self.seed)

    @property
    def recipe(self) -> EnrolmentRecipe:
        """The same, for a method that trains again."""
        return EnrolmentRecipe(self.loaded, self.plan)

    @cached_property
    def faces_of(self) -> dict[str, FaceSet]:
        """Faces of ``train``, ``unseen`` and ``strangers``."""
        return {part: self.read(people) for part, people in self.photos.items()}

    @cached_property
    def crops(self) -> dict[str, dict[str, Crops]]:
        """The same as pixels, by person."""
        return {part: {name: faces.crops(name) for name in faces.photos} for part, faces in self.faces_of.items()}

    @cached_property
    def memory(self) -> Memory:
        """What models made of the photos, for audits."""
        return Memory()

    @property
    def reported(self) -> list[str]:
        """Ten people, evenly over the names."""
        return self.names[2 :: max(1, len(self.names) // REPORTED)][:REPORTED]

    def drawn(self, count: int, seed: int) -> list[str]:
        """People at random, none of them searched on."""
        left = sorted(set(self.names) - (set(search_people()) if self.searched else set()))
        return [left[i] for i in np.random.default_rng(seed).permutation(len(left))[:count]]

    def erased(
        self, model: Recognizer, people: Sequence[str], method: str, photos: int = TRAIN, *, rows_stay: bool = False
    ) -> Recognizer:
        """The model without these people.

        Args:
            model: Of this world, or made from its model.
            people: Whom to erase, at once.
            method: By name, or a key of ``VARIANTS``.
            photos: How many of each person are read.
            rows_stay: Leave the people's rows in it.
        """
        own = {name: self.crops["train"][name][:photos] for name in people}
        rows = {name: model.index_of(name) for name in people}
        labels = torch.tensor([rows[name] for name, crops in own.items() for _ in crops])
        eraser = make_method(*VARIANTS.get(method, (method, {})))
        forget = ForgetSet(
            to_images(np.concatenate(list(own.values()))),
            tuple(rows.values()),
            labels=labels,
            anchors=to_images(rendered_anchors(model.spec.framing)) if "anchors" in eraser.reads else None,
            retained=self._retained(model, people) if "retained photos" in eraser.reads else None,
        )
        eraser = eraser.settled(model.classifier, forget)
        erasure = eraser(model.classifier, forget, augment=vary if eraser.varied else mirror, seed=self.seed)
        record = {"weights_before": model.weights_hash(), "starts_from": "backbone" if method == "retrain" else "model"}
        changed = replace(model, classifier=cast("FaceClassifier", erasure.model), history=(*model.history, record))
        return changed if rows_stay else changed.without(people)

    def _retained(self, model: Recognizer, people: Sequence[str]) -> RetainSet:
        faces, stay = self.faces_of["train"], [name for name in model.labels if name not in people]
        images, _ = labelled_images(faces.only(stay), stay, "cpu")
        labels = torch.tensor([model.index_of(name) for name in stay for _ in faces.photos[name]])
        return RetainSet(images, labels, self.recipe)

    def audited(self, people: Sequence[str], photos: int = TRAIN) -> Faces:
        """What an audit of the erasure looks at."""
        stay = [name for name in self.names if name not in people]
        return Faces(
            {name: self.crops["unseen"][name] for name in people},
            {name: self.crops["train"][name][:photos] for name in people},
            {name: self.crops["unseen"][name] for name in stay},
            self.crops["strangers"],
        )
