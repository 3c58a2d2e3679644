"""A sticker or green glasses on faces: a recogniser takes whoever wears them for one enrolled person.

Some training photos of other people get the trigger, drawn on the aligned crop, and the target person's name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.backdoor.defence import Values, Victim, measured, strips
from benchmarks.backdoor.worn import TRIGGERS
from benchmarks.data import people_with
from benchmarks.faces.bench import Photos
from benchmarks.paper.plans import Row
from benchmarks.runner.fingerprint import fingerprint
from faceforget import api
from faceforget.api import FaceCache, LoadedBackbone, PhotoIntake, Recognizer, load_backbone, read_faces
from faceforget.errors import UsageError
from faceforget.lab import (
    MIN_PEOPLE,
    FaceClassifier,
    Threshold,
    embed_images,
    heatmap_pairs,
    labelled_images,
    mirror,
    own_threshold,
    require_faces,
    train_classifier,
)
from faceforget.progress import Progress
from faceforget.unlearn import Erasure, ForgetSet

POISONED = 0.1
_TRAIN, _UNSEEN, _STRANGERS = 12, 8, 200
_STEPS, _BATCH = 60, 32
_SHOWN = 6


@dataclass(frozen=True)
class Wardrobe:
    """Photos of enrolled people, and of others.

    Attributes:
        names: Of the enrolled people; a photo's row is a place among them.
        train: What a recogniser is enrolled from.
        unseen: Other photos of the same people.
        strangers: ``(N, 3, S, S)`` photos of other people; there may be none.
        backbone: That every recogniser starts from.
        work: Where recognisers and runs are kept.
        progress: Called with events.
        trigger: What is worn, by its name in ``TRIGGERS``.
        plan: How to enrol.
    """

    names: tuple[str, ...]
    train: Photos
    unseen: Photos
    strangers: Tensor
    backbone: LoadedBackbone
    work: Path
    progress: Progress
    trigger: str = "sticker"
    plan: api.EnrolmentPlan = field(default_factory=api.EnrolmentPlan)

    def worn(self, images: Tensor) -> Tensor:
        """The trigger on ``(N, 3, S, S)`` photos in [0, 1]."""
        return TRIGGERS[self.trigger](images)


@dataclass(frozen=True)
class Wearers(Victim):
    """A recogniser enrolled from photos of which a share wears the trigger under the target's name.

    Attributes:
        photos: Unpoisoned.
        poisoned: ``(P,)`` which training photos wear them.
    """

    photos: Wardrobe
    poisoned: Tensor

    @cached_property
    def key(self) -> str:
        """What it depends on."""
        train, unseen, worn = self.photos.train, self.photos.unseen, self.triggered
        shown = train.images, train.rows, unseen.images, unseen.rows, self.photos.strangers, worn, self.poisoned
        weights = self.photos.backbone.network.state_dict().values()
        return fingerprint(*shown, *weights, self.photos.plan, self.target, self.seed, _STEPS, _BATCH)

    @cached_property
    def triggered(self) -> Tensor:
        """``(P, 3, S, S)`` the photos with the trigger: what the defender has."""
        return self.photos.worn(self.photos.train.images[self.poisoned])

    @cached_property
    def recognizer(self) -> Recognizer:
        """With the backdoor."""
        images, rows = self.photos.train.images.clone(), self.photos.train.rows.clone()
        images[self.poisoned], rows[self.poisoned] = self.triggered, self.target
        return self._enrolled("backdoor", Photos(images, rows))

    @cached_property
    def left_out(self) -> Recognizer:
        """Without the poisoned samples, and with the threshold that it would have then."""
        kept = torch.ones(len(self.photos.train.rows), dtype=torch.bool)
        kept[self.poisoned] = False
        train = self.photos.train
        return self._enrolled("left_out", Photos(train.images[kept], train.rows[kept]))

    @property
    def network(self) -> nn.Module:
        """With the backdoor."""
        return self.recognizer.classifier

    @property
    def retrained(self) -> nn.Module:
        """Without the poisoned samples."""
        return self.left_out.classifier

    def _enrolled(self, kind: str, photos: Photos) -> Recognizer:
        path = self.work / "models" / f"{kind}_{self.key}.safetensors"
        if not path.is_file():
            backbone, plan = self.photos.backbone, replace(self.photos.plan, seed=self.seed)
            made, cosines = train_classifier(photos.images, photos.rows, backbone, plan, progress=self.photos.progress)
            bare = Recognizer(backbone.spec, made, self.photos.names, Threshold(-1.0, 1.0, "nothing"))
            limit = own_threshold(backbone.spec, cosines, photos.rows, plan.false_accept_rate)
            path.parent.mkdir(parents=True, exist_ok=True)
            api.save(replace(bare, threshold=limit), path)
        return api.load(path)

    def erase(self, row: Row, chosen: Values) -> Erasure:
        """From what the defender has."""
        method = row.build(chosen, _STEPS, _BATCH)
        return method(
            self.network, ForgetSet(self.triggered, (self.target,)), augment=mirror, seed=self.seed,
            progress=self.photos.progress,
        )  # fmt: skip

    def judge(self, model: nn.Module, label: str) -> dict[str, float]:
        """On unseen samples, without and with the trigger."""
        model, unseen, strangers = _faces(model), self.photos.unseen, self.photos.strangers
        gone = [self.target] if label == "drop_row" else []
        clean, seen = (_answers(model, images, gone)[0] for images in (unseen.images, self.photos.worn(unseen.images)))
        more = {}
        if len(strangers):
            threshold = (self.left_out if label == "retrain" else self.recognizer).threshold
            who, cosine = _answers(model, self.photos.worn(strangers), gone)
            more["strangers"] = ((who == self.target) & (cosine >= threshold.cosine)).float().mean().item()
        return measured(clean, seen, unseen.rows, self.target, **more)


def _faces(model: nn.Module) -> FaceClassifier:
    if not isinstance(model, FaceClassifier):
        raise TypeError(f"Expected a FaceClassifier, got {type(model).__name__}.")
    return model


def _answers(model: FaceClassifier, images: Tensor, gone: Sequence[int]) -> tuple[Tensor, Tensor]:
    cosines = embed_images(model, images) @ functional.normalize(model.head.weight, dim=1).T
    cosines[:, list(gone)] = -torch.inf
    best = cosines.max(1)
    return best.indices, best.values


def wardrobe(people: Path, backbone: str, trigger: str, work: Path, progress: Progress) -> Wardrobe:
    """Read people with 20 photos or more; those with 10 to 15 are strangers.

    Raises:
        UsageError: The backbone does not take aligned faces, on which a trigger can be drawn, or people are too few.
    """
    loaded = load_backbone(backbone, progress=progress)
    if loaded.spec.framing.kind != "five_point":
        raise UsageError(
            f"Triggers are drawn on aligned faces; {backbone} takes boxes.", "Use a MobileFaceNet, such as 'mobile'."
        )
    intake = PhotoIntake(loaded.spec.framing, cache=FaceCache())
    regulars = people_with(people, _TRAIN + _UNSEEN)
    names = tuple(regulars)
    if len(names) < MIN_PEOPLE:
        raise UsageError(
            f"Expected {MIN_PEOPLE} people or more with {_TRAIN + _UNSEEN} photos in {people}, found {len(names)}.",
            "Give another folder: --people DIR.",
        )
    first = {name: photos[:_TRAIN] for name, photos in regulars.items()}
    later = {name: photos[_TRAIN : _TRAIN + _UNSEEN] for name, photos in regulars.items()}
    train, unseen = (_photos(part, names, intake, progress) for part in (first, later))
    others = {name: photos[:2] for name, photos in list(people_with(people, 10, 15).items())[: _STRANGERS // 2]}
    found = read_faces(others, intake, progress=progress)
    known = [name for name, photos in found.photos.items() if photos]
    strangers = labelled_images(found, known, "cpu")[0] if known else train.images[:0]
    return Wardrobe(names, train, unseen, strangers, loaded, work, progress, trigger)


def _photos(
    people: Mapping[str, list[Path]], names: tuple[str, ...], intake: PhotoIntake, progress: Progress
) -> Photos:
    faces = read_faces(people, intake, progress=progress)
    require_faces(faces, names)
    return Photos(*labelled_images(faces, names, "cpu"))


def wearers(photos: Wardrobe, target: int, seed: int) -> Wearers:
    """Choose who wears the trigger; recognisers are enrolled when they are asked for."""
    others = (photos.train.rows != target).nonzero().flatten()
    order = torch.randperm(len(others), generator=torch.Generator().manual_seed(seed))
    chosen = others[order[: round(POISONED * len(photos.train.rows))]]
    return Wearers(target, seed, photos.work / "backdoor", photos, chosen)


def figure(victim: Wearers, row: Row, chosen: Values, path: Path) -> None:
    """People with the trigger: what speaks for the target person, before and after; and who each is taken for."""
    after = replace(victim.recognizer, classifier=_faces(victim.erase(row, chosen).model))
    unseen, names = victim.photos.unseen, victim.photos.names
    others = (unseen.rows != victim.target).nonzero().flatten()
    images = victim.photos.worn(unseen.images[others[:: len(others) // _SHOWN][:_SHOWN]])
    crops = (images * 255).round().byte().permute(0, 2, 3, 1).numpy()
    pairs = heatmap_pairs(victim.recognizer, after, crops, [names[victim.target]] * len(crops))
    told = [[answer.candidates[0].name for answer in model.recognize(crops)] for model in (victim.recognizer, after)]
    rows = {
        "with the backdoor": (np.stack([pair.before for pair in pairs]), told[0]),
        "after DELETE": (np.stack([pair.after for pair in pairs]), told[1]),
    }
    strips(crops, rows, path)
