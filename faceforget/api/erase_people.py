"""Erase people from a recogniser, from their own photos, and others' where a method reads them."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from faceforget.api.anchor_faces import read_anchors, some_anchors
from faceforget.api.method_words import METHOD_OF_PROMISE, caveat_of, notes_in_words
from faceforget.api.refusals import destroyed, not_forgotten
from faceforget.api.retained_people import Retained, check_retained, read_retained, recalibrated
from faceforget.api.runtime import People, Runtime, photo_report
from faceforget.audit.estimates import Rate
from faceforget.audit.health import Health, health
from faceforget.audit.measures.accuracy import accuracy
from faceforget.audit.view import Crops
from faceforget.errors import UsageError, WrongPersonError
from faceforget.files import sha256_bytes
from faceforget.people.faces import FaceSet, read_faces, require_faces
from faceforget.photos.cache import FaceCache
from faceforget.photos.photo import PhotoSource
from faceforget.recognizer.head import FaceClassifier, to_images
from faceforget.recognizer.recognizer import Recognizer
from faceforget.recognizer.same_person import doubtful_photos
from faceforget.recognizer.training import mirror
from faceforget.recognizer.vary import vary
from faceforget.unlearn.base import Method
from faceforget.unlearn.data import Erasure, ForgetSet
from faceforget.unlearn.methods.trivial.mask_logit import MaskedLogits
from faceforget.unlearn.registry import make_method

# Until one of its settings is safe on every backbone, DELETE is not what somebody gets who does not ask for it.
DEFAULT_METHOD = METHOD_OF_PROMISE["forgotten"]


class NobodyLeftError(UsageError):
    """Everybody in the model is to be erased."""


@dataclass(frozen=True)
class ErasureOutcome:
    """An erasure and what is known of it.

    Attributes:
        recognizer: The model without the persons: their rows and labels are gone.
        with_rows: The erased model with its own rows still in place, which the accuracies are of.
        people: The erased persons.
        faces: Their photos.
        erasure: The method's own record.
        before: Accuracy on the forget photos before.
        after: Accuracy on the forget photos after, the persons' rows still in place (the paper's number).
        caveat: What a user must know of the method's results; empty when they mean what they seem to.
        health: Whether the model still tells people apart, measured on rendered people whom nobody enrolled.
        doubts: Photos that seem to show somebody else, used all the same on request.
        seconds: Of the method alone.
        record: The new entry of the model's history.
    """

    recognizer: Recognizer
    with_rows: Recognizer
    people: tuple[str, ...]
    faces: FaceSet
    erasure: Erasure
    before: Rate
    after: Rate
    caveat: str
    health: Health
    doubts: tuple[str, ...]
    seconds: float
    record: Mapping[str, Any]

    @property
    def note(self) -> str:
        """What the method found out about how far it came; empty where it has nothing to say."""
        return notes_in_words(self.erasure.notes)

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "people": list(self.people),
            "photos": photo_report(self.faces),
            "doubts": list(self.doubts),
            "accuracy": {
                "before": {"forgotten": self.before.value},
                "after": {"forgotten": self.after.value},
                "measured_on": "the forget photos, without augmentation, the persons' rows still in place",
            },
            "erasure": {
                "forgotten": self.erasure.forgotten,
                "probability_left": self.erasure.probability_left,
                # JSON has no infinity: null where a logit is hidden.
                "smallest_margin": margin if math.isfinite(margin := self.erasure.smallest_margin) else None,
                "steps": len(self.erasure.steps),
                "stopped_early": self.erasure.stopped_early,
                "seconds": round(self.seconds, 3),
                "caveat": self.caveat,
                "note": self.note,
            },
            "health": self.health.to_dict(),
            "record": dict(self.record),
        }


def erase(
    recognizer: Recognizer,
    photos: Mapping[str, Sequence[PhotoSource]],
    *,
    method: str | Method = DEFAULT_METHOD,
    settings: Mapping[str, Any] | None = None,
    anchors: People | None = None,
    retained: People | None = None,
    backbone: str | Path | None = None,
    allow_mismatch: bool = False,
    allow_incomplete: bool = False,
    allow_damage: bool = False,
    runtime: Runtime | None = None,
) -> ErasureOutcome:
    """Erase these people; the model given in stays as it is.

    Their photos are the only data that is read, but for methods that say that they read others'.
    The persons' found faces are not cached, and what was cached of exactly these files earlier is
    removed.

    Args:
        recognizer: The model.
        photos: Photos of each person to erase.
        method: Name of a method, or one ready-made; without it, the one of the promise *forgotten*.
        settings: Hyperparameters of a method given by name.
        anchors: A folder per person of strangers, for methods that read anchors; without it, rendered people.
        retained: A folder per person of people who stay, for methods that read them; people whom the
            model does not know are left out.
        backbone: For `retrain`, the weights that the model was enrolled from, if they have no name.
        allow_mismatch: Use photos that seem to show somebody else.
        allow_incomplete: Return the model although a person is still named on their own photos.
        allow_damage: Return the model although it no longer tells people apart.
        runtime: Device, seed, cache, progress.

    Raises:
        UnknownPersonError: The model does not know a person.
        UsageError: Nobody is to be erased.
        NobodyLeftError: Everybody is.
        MethodError: The method or a setting is not known, or it reads photos that were not given.
        WrongPersonError: Photos seem to show somebody else.
        NotForgottenError: The step budget ended before the person was forgotten.
        DestroyedModelError: The model no longer tells people apart; ``health`` is among its values.
    """
    runtime = runtime or Runtime()
    eraser = make_method(method, settings) if isinstance(method, str) else method
    check_retained(eraser, retained)
    people = tuple(photos)
    classes = _classes(recognizer, people)
    recognizer = recognizer.to(runtime.torch_device)
    intake = runtime.intake(recognizer.spec.framing)
    faces = read_faces(photos, intake, remember=False, progress=runtime.progress)
    require_faces(faces, people)
    crops = {person: faces.crops(person) for person in people}
    seen = _embedded(recognizer, crops)
    doubts = _check_persons(recognizer, faces, seen, allow_mismatch)
    others = None if retained is None else read_retained(eraser, recognizer, retained, faces, backbone, runtime)
    holding = read_anchors(eraser, recognizer, anchors, faces, runtime)
    forget = replace(_forget_set(crops, classes, others, recognizer.device), anchors=holding)
    eraser = eraser.settled(recognizer.classifier, forget)  # the record says what was used
    start = time.perf_counter()
    erasure = eraser(
        recognizer.classifier,
        forget,
        augment=vary if eraser.varied else mirror,
        seed=runtime.seed,
        progress=runtime.progress,
    )
    seconds = time.perf_counter() - start
    if eraser.must_forget and not erasure.forgotten and not allow_incomplete:
        raise not_forgotten(erasure, eraser)
    with_rows = _with_classifier(recognizer, erasure.model)
    if others is not None and others.recipe is not None:
        with_rows = recalibrated(with_rows, others.data, others.recipe, people)
    found = health(recognizer, with_rows.without(people), some_anchors(recognizer, runtime))
    if found.destroyed and not allow_damage:
        raise destroyed(found, eraser)
    record = _record(recognizer, with_rows.without(people), eraser, (faces, others), runtime.seed)
    with_rows = replace(with_rows, history=(*recognizer.history, record))
    _purge(runtime, faces)
    return ErasureOutcome(
        with_rows.without(people),
        with_rows,
        people,
        faces,
        erasure,
        accuracy(recognizer, seen),
        accuracy(with_rows, _embedded(with_rows, crops)),
        caveat_of(eraser.name),
        found,
        doubts,
        seconds,
        record,
    )


def _forget_set(
    crops: Mapping[str, Crops], classes: tuple[int, ...], others: Retained | None, device: torch.device
) -> ForgetSet:
    counts = torch.tensor([len(own) for own in crops.values()])
    return ForgetSet(
        to_images(np.concatenate(list(crops.values())), device),
        classes,
        labels=torch.tensor(classes).repeat_interleave(counts).to(device),
        retained=others.data if others is not None else None,
    )


def _classes(recognizer: Recognizer, people: Sequence[str]) -> tuple[int, ...]:
    classes = tuple(recognizer.index_of(person) for person in people)
    if not classes:
        raise UsageError("Expected at least one person to erase, got none.", "Name them.", code="nobody-named")
    if len(classes) == len(recognizer.labels):
        raise NobodyLeftError(
            "These are all the people in the model; at least one must remain.",
            "Delete the model file instead.",
        )
    return classes


def _embedded(recognizer: Recognizer, crops: Mapping[str, Crops]) -> dict[str, torch.Tensor]:
    """Embeddings ``(N, D)`` of each person's photos; all go through the model together, which is faster."""
    together = recognizer.embed(np.concatenate(list(crops.values())))
    parts = torch.split(together, [len(own) for own in crops.values()])
    return dict(zip(crops, parts, strict=True))


def _check_persons(
    recognizer: Recognizer, faces: FaceSet, seen: Mapping[str, torch.Tensor], allow: bool
) -> tuple[str, ...]:
    """Texts of the doubts, or an error."""
    doubts = []
    for person, photos in faces.photos.items():
        found = doubtful_photos(recognizer, person, seen[person])
        doubts += [f"{photos[doubt.index].source}, given as {person}, {doubt}" for doubt in found]
    if doubts and not allow:
        raise WrongPersonError(
            f"{len(doubts)} of {faces.count} photos seem to show somebody else: {'; '.join(doubts[:5])}.",
            "Remove them, or confirm that they are right: allow_mismatch=True.",
            code="wrong-person",
            doubts=doubts,
        )
    return tuple(doubts)


def _record(
    before: Recognizer, after: Recognizer, eraser: Method, read: tuple[FaceSet, Retained | None], seed: int
) -> dict[str, Any]:
    """History entry: no name and no photo; the same request on the same model gives the same entry."""
    faces, others = read
    entry = {
        "event": "erased",
        "people": len(faces.photos),
        "photos": faces.count,
        "retained_photos": others.faces.count if others is not None else 0,
        "method": eraser.name,
        "settings": eraser.settings.model_dump(),
        "seed": seed,
        "starts_from": "backbone" if others is not None and others.data.recipe is not None else "model",
        "weights_before": before.weights_hash(),
    }
    # The id differs between persons, whose names must not be in it: it depends on what came out.
    entry["weights_after"] = after.weights_hash()
    return {"id": sha256_bytes(repr(sorted(entry.items())).encode())[:16], **entry}


def _with_classifier(recognizer: Recognizer, model: torch.nn.Module) -> Recognizer:
    if isinstance(model, MaskedLogits):  # a model file holds weights, no masks
        model = model.model
    if not isinstance(model, FaceClassifier):
        raise TypeError(f"Expected the method to return a FaceClassifier, got {type(model).__name__}.")
    return replace(recognizer, classifier=model)


def _purge(runtime: Runtime, faces: FaceSet) -> None:
    """Remove what was remembered of exactly these photos, also when the cache was not to be used."""
    cache = runtime.cache if runtime.cache is not None else FaceCache()
    for photo in (*(p for photos in faces.photos.values() for p in photos), *faces.refused):
        cache.forget(photo.sha256)
