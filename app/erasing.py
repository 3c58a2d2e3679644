"""From photos to verdicts: erase, audit, and enrol again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np
import torch

from app.methods import method_of
from app.people import OpenModel, stand_ins
from faceforget import api
from faceforget.api import (
    METHOD_OF_PROMISE,
    OF_AN_ERASURE,
    RGB,
    AuditedPhoto,
    AuditReport,
    Crops,
    Exhibits,
    Faces,
    Memory,
    Photo,
    Recognition,
    Recognizer,
    audit_models,
    held_back,
    look,
)
from faceforget.errors import UsageError
from faceforget.progress import Progress, silent

# Two to erase from, one to check on.
FEWEST = OF_AN_ERASURE
_STRANGERS_TRIED = 6
_RETAINED_SHOWN = 6


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        person: Whom to forget.
        photos: Photos with the face that was chosen on each.
        promise: A key of ``METHOD_OF_PROMISE``.
        chosen: A key of ``METHODS``; None leaves it to the promise.
    """

    person: str
    photos: Sequence[Photo]
    promise: str
    chosen: str | None = None

    @property
    def method(self) -> str:
        """The method by its name."""
        return method_of(self.promise, self.chosen)


@dataclass(frozen=True)
class Named:
    """A face that the erasure reads, and what the models answer; ``after`` is None as long as there is no answer."""

    crop: RGB
    before: Recognition
    after: Recognition | None = None


@dataclass
class LiveErasure:
    """What can be shown of an erasure under way; the worker fills it.

    Attributes:
        method: Its name in the registry.
        named: The faces that it reads.
    """

    method: str = METHOD_OF_PROMISE["forgotten"]
    named: tuple[Named, ...] = ()


@dataclass(frozen=True)
class Erased:
    """An erasure with its audit.

    Attributes:
        before: The model before.
        promise: What was asked for.
        outcome: The erasure.
        report: Its audit.
        faces: What the audit looked at.
        read: How many photos the erasure read.
        retained: A photo that nothing has read of each of the people whom the model found most like the person.
    """

    before: Recognizer
    promise: str
    outcome: api.ErasureOutcome
    report: AuditReport
    faces: Faces
    read: int
    retained: tuple[AuditedPhoto, ...]

    @property
    def person(self) -> str:
        """Who was erased."""
        return self.outcome.people[0]

    @property
    def method(self) -> str:
        """How, by the name in the registry."""
        return str(self.outcome.record["method"])


def run(
    model: OpenModel, request: Request, progress: Progress = silent, *, live: LiveErasure | None = None, memory: Memory
) -> Erased:
    """Erase a copy and audit it; ``model`` stays as it is.

    Args:
        model: The open model.
        request: What is asked for.
        progress: Called with events.
        live: Filled as soon as there is something to show.
        memory: Of the session: what models made of photos in its audits before.

    Raises:
        UsageError: Too few photos to show anything.
        FaceForgetError: As :func:`faceforget.api.erase`.
    """
    import_module("torch._dynamo")  # which torch loads when first needed, or that would count as time of the method
    read, unseen = _photos(model, request)
    live, crops = live or LiveErasure(), np.stack([photo.crop for photo in read])
    live.named = tuple(map(Named, crops, model.recognizer.recognize(crops, 1)))
    if model.strangers:
        strangers: Mapping[str, Crops] = model.strangers
    else:
        strangers = stand_ins(model.recognizer, progress)
    outcome = api.erase(
        model.recognizer,
        {request.person: read},
        method=model.method(request.method),
        allow_mismatch=True,  # the user has seen the doubts, photo by photo
        runtime=api.Runtime(progress=progress),
    )
    answers = zip(live.named, outcome.recognizer.recognize(crops, 1), strict=True)
    live.named = tuple(replace(known, after=after) for known, after in answers)
    others = [name for name in model.recognizer.labels if name != request.person]
    faces = Faces(
        {request.person: unseen},
        {request.person: crops},
        {name: model.unseen[name] for name in others if name in model.unseen},
        strangers,
        {name: model.enrolled[name] for name in others if name in model.enrolled and name in model.unseen},
    )
    stood_in = () if model.strangers or not strangers else ("strangers",)
    report = audit_models(
        model.recognizer, outcome.recognizer, Exhibits(faces, stand_ins=stood_in, memory=memory), progress=progress
    )
    return Erased(
        model.recognizer,
        request.promise,
        outcome,
        report,
        faces,
        len(read),
        _most_alike(model, outcome.recognizer, request.person),
    )


def look_ahead(model: OpenModel, memory: Memory, progress: Progress = silent) -> None:
    """Show everybody's photos to the model before an erasure asks for it: a fifth of the time to its verdicts.

    Args:
        model: The open model.
        memory: Of the session: filled.
        progress: Called with events.
    """
    faces = Faces({}, retained=model.unseen, strangers=model.strangers, members=model.enrolled)
    look(model.recognizer, model.recognizer, faces, memory=memory, progress=progress)


def _most_alike(model: OpenModel, after: Recognizer, person: str) -> tuple[AuditedPhoto, ...]:
    """Those whom the erasure could harm most: whose rows are nearest to the person's."""
    before = model.recognizer
    rows = torch.nn.functional.normalize(before.classifier.head.weight.detach(), dim=1)
    order = (rows @ rows[before.index_of(person)]).argsort(descending=True).tolist()
    names = [before.labels[index] for index in order if before.labels[index] != person]
    names = [name for name in names if len(model.unseen.get(name, ()))][:_RETAINED_SHOWN]
    if not names:
        return ()
    crops = np.stack([model.unseen[name][0] for name in names])
    answers = zip(names, crops, before.recognize(crops, 3), after.recognize(crops, 3), strict=True)
    return tuple(AuditedPhoto(*answer) for answer in answers)


def _photos(model: OpenModel, request: Request) -> tuple[Sequence[Photo], Crops]:
    """Photos to erase from, and faces to check on that the erasure does not read."""
    kept_back = model.unseen.get(request.person)
    if kept_back is not None and len(kept_back) and request.photos:
        return request.photos, kept_back
    if len(request.photos) < FEWEST:
        raise UsageError(
            f"{len(request.photos)} usable photos were given, at least {FEWEST} are needed.",
            "Two are erased from, and one is kept back to check on.",
        )
    read, back = held_back(request.photos, OF_AN_ERASURE)
    return read, np.stack([photo.crop for photo in back])


@dataclass(frozen=True)
class Enrolled:
    """What happens when the person is enrolled in the erased model again.

    Attributes:
        answers: On each unseen photo.
        named: On how many the person was named.
        best: On how many they were the best candidate, also where that was too little to name them.
        strangers: Share of photos on which a stranger, enrolled the same way, is named; None without strangers.
    """

    answers: tuple[Recognition, ...]
    named: int
    best: int
    strangers: float | None


def enrol_again(erased: Erased, count: int) -> Enrolled:
    """Give the person a row in the erased model again, the mean of ``count`` photos, and ask for their name.

    Args:
        erased: The erasure.
        count: Of the photos that the erasure read.
    """
    model, person = erased.outcome.recognizer, erased.person
    answers = _named_again(model, person, erased.faces.forget_photos[person][:count], erased.faces.forgotten[person])
    others = [
        answer.name == name
        for name, crops in list(erased.faces.strangers.items())[:_STRANGERS_TRIED]
        if len(crops) > count
        for answer in _named_again(model, name, crops[:count], crops[count:])
    ]
    return Enrolled(
        answers,
        sum(answer.name == person for answer in answers),
        sum(answer.candidates[0].name == person for answer in answers),
        sum(others) / len(others) if others else None,
    )


def _named_again(model: Recognizer, person: str, photos: Crops, probes: Crops) -> tuple[Recognition, ...]:
    return tuple(model.with_person(person, model.embed(photos)).recognize(probes, 3))
