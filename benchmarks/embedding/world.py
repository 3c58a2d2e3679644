"""Photos, people and enrolled models of one data set."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
import torch

from benchmarks.protocol import TRAIN, UNSEEN, people_with, search_people
from faceforget.audit.attacked import HELD_OUT
from faceforget.audit.looking import Memory
from faceforget.audit.questions.heat_energy import spread
from faceforget.audit.questions.relearning import PHOTOS, Relearning, over_people, relearning
from faceforget.audit.view import Crops, Faces
from faceforget.people.anchors import rendered_anchors
from faceforget.people.faces import read_faces
from faceforget.photos.cache import FaceCache
from faceforget.photos.intake import PhotoIntake
from faceforget.progress import Progress
from faceforget.recognizer.backbone import load_backbone
from faceforget.recognizer.enroll import Plan, enroll_faces, labelled_images
from faceforget.recognizer.head import FaceClassifier, to_images
from faceforget.recognizer.recipe import EnrolmentRecipe
from faceforget.recognizer.recognizer import Recognizer
from faceforget.recognizer.storage import load_recognizer, save_recognizer
from faceforget.recognizer.training import mirror
from faceforget.recognizer.vary import vary
from faceforget.unlearn.data import ForgetSet, RetainSet
from faceforget.unlearn.registry import make_method

REPORTED = 10
_TAUGHT = 4
# Methods with settings, as rows of tables.
VARIANTS: Mapping[str, tuple[str, Mapping[str, str]]] = {"delete_all_layers": ("delete", {"moves": "all"})}
# Teaching is given up after so many steps.
MAX_STEPS = 40


@dataclass(frozen=True)
class World:
    """A people folder, a backbone and a seed.

    Attributes:
        people: A folder per person: who has twelve photos and the unseen ones is enrolled, 10 to 15 are strangers.
        backbone: A name or a file of weights.
        seed: Of the enrolment and of the erasures.
        model: Where the enrolled model is kept.
        searched: Whether methods were searched for on some of these people, who are then left out.
        progress: Called with events.
        unseen: Photos of each person to ask about.
    """

    people: Path
    backbone: str
    seed: int
    model: Path
    searched: bool
    progress: Progress
    unseen: int = UNSEEN

    @cached_property
    def before(self) -> Recognizer:
        """The enrolled model."""
        if not self.model.is_file():
            faces = read_faces(self._split()["train"], self._intake(), progress=self.progress)
            loaded = load_backbone(self.backbone)
            save_recognizer(enroll_faces(faces, loaded, Plan(seed=self.seed), progress=self.progress), self.model)
        return load_recognizer(self.model)

    @cached_property
    def crops(self) -> dict[str, dict[str, Crops]]:
        """Crops by person of ``train``, ``unseen`` and ``strangers``."""
        parts = self._split().items()
        found = {part: read_faces(people, self._intake(), progress=self.progress) for part, people in parts}
        return {part: {name: faces.crops(name) for name in faces.photos} for part, faces in found.items()}

    @cached_property
    def memory(self) -> Memory:
        """What models made of the photos."""
        return Memory()

    @cached_property
    def stranger_steps(self) -> float | None:
        """Steps until a stranger is learnt by the enrolled model, median over a few; None: not within the budget."""
        taught = list(self.crops["strangers"].values())[:_TAUGHT]
        return over_people([self._relearning(self.before, own[:PHOTOS], own[PHOTOS:]) for own in taught]).steps.value

    def steps(self, after: Recognizer, person: str) -> float | None:
        """Steps until an erased person is learnt again; None: not within the budget."""
        return self._relearning(after, self.crops["train"][person], self.crops["unseen"][person]).steps.value

    def _relearning(self, model: Recognizer, learn: Crops, probe: Crops) -> Relearning:
        held_out = dict(list(self.crops["strangers"].items())[_TAUGHT:])
        strangers = np.stack([crop for _, _, crop in spread(held_out, HELD_OUT)])
        return relearning(model, learn, probe, strangers, seed=self.seed, max_steps=MAX_STEPS)

    @property
    def reported(self) -> list[str]:
        """Ten people, evenly over the names."""
        names = sorted(self.before.labels)
        return names[2 :: max(1, len(names) // REPORTED)][:REPORTED]

    def drawn(self, count: int, seed: int) -> list[str]:
        """People at random, none of them searched on."""
        left = sorted(set(self.before.labels) - (set(search_people()) if self.searched else set()))
        return [left[i] for i in np.random.default_rng(seed).permutation(len(left))[:count]]

    def photos_of(self, person: str) -> list[Path]:
        """The files of a person's enrolled photos."""
        return self._split()["train"][person]

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

    def faces(self, people: Sequence[str], photos: int = TRAIN) -> Faces:
        """What an audit of the erasure looks at."""
        stay = [name for name in self.before.labels if name not in people]
        return Faces(
            {name: self.crops["unseen"][name] for name in people},
            {name: self.crops["train"][name][:photos] for name in people},
            {name: self.crops["unseen"][name] for name in stay},
            self.crops["strangers"],
        )

    def _retained(self, model: Recognizer, people: Sequence[str]) -> RetainSet:
        faces = read_faces(self._split()["train"], self._intake())
        stay = [name for name in model.labels if name not in people]
        images, _ = labelled_images(faces.only(stay), stay, "cpu")
        labels = torch.tensor([model.index_of(name) for name in stay for _ in faces.photos[name]])
        return RetainSet(images, labels, EnrolmentRecipe(load_backbone(self.backbone), Plan(seed=self.seed)))

    def _split(self) -> dict[str, dict[str, list[Path]]]:
        regulars = people_with(self.people, TRAIN + self.unseen)
        return {
            "train": {name: photos[:TRAIN] for name, photos in regulars.items()},
            "unseen": {name: photos[TRAIN : TRAIN + self.unseen] for name, photos in regulars.items()},
            "strangers": people_with(self.people, 10, 15),
        }

    def _intake(self) -> PhotoIntake:
        return PhotoIntake(load_backbone(self.backbone).spec.framing, cache=FaceCache())


def rendered_people(folder: Path, render: Callable[[int, int, Path], None]) -> Path:
    """A data set of people who do not exist: 30 to enrol, 20 strangers; rendered where it is not there yet.

    Args:
        folder: Where it is kept.
        render: Makes so many people with so many photos in a folder.
    """
    if not (folder / "done").is_file():
        render(50, TRAIN + UNSEEN, folder / "all")
        for number, person in enumerate(sorted((folder / "all").iterdir())):
            photos = sorted(person.glob("*.jpg"))
            for photo in photos if number % 5 < 3 else photos[:TRAIN]:
                link = folder / "people" / person.name / photo.name
                link.parent.mkdir(parents=True, exist_ok=True)
                link.unlink(missing_ok=True)
                link.symlink_to(photo.resolve())
        (folder / "done").touch()
    return folder / "people"
