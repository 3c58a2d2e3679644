"""The whole story on people who do not exist: enrol, erase one of them with DELETE, check, look, compare."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from faceforget.api.erase_people import ErasureOutcome, erase
from faceforget.api.methods_beside import Beside, Views, beside
from faceforget.api.runtime import People, Runtime, people_from
from faceforget.api.shipped import shipped_people
from faceforget.audit.classifier import ClassifierCheck, check_classifier
from faceforget.audit.estimates import Rate
from faceforget.audit.measures.accuracy import with_rows_of
from faceforget.audit.measures.heatmaps import HeatmapPair, heatmap_pairs
from faceforget.audit.view import Faces
from faceforget.errors import UnknownPersonError
from faceforget.people.faces import FaceSet, read_faces
from faceforget.people.folder import person_key
from faceforget.people.held_back import OF_RENDERED, held_back
from faceforget.photos.align import RGB
from faceforget.progress import Event, Progress
from faceforget.recognizer.backbone import load_backbone
from faceforget.recognizer.enroll import MIN_PHOTOS, EnrolmentPlan, TooFewPhotosError, enroll_faces
from faceforget.recognizer.recognizer import Recognition, Recognizer
from faceforget.recognizer.training import TrainingSettings
from faceforget.unlearn.methods.delete import Delete

# Three passes over the shipped people take seconds and name every unseen photo of them rightly.
PLAN = EnrolmentPlan(training=TrainingSettings(epochs=2))
_RETAINED_SHOWN = 6
_TOP = 3


@dataclass(frozen=True)
class ShownPhoto:
    """One photo that no training and no erasure has read, before and after.

    Attributes:
        person: Whom it shows.
        source: Its path.
        crop: ``(S, S, 3)`` the face as the model sees it.
        before: Names by the model before.
        after: Names by the erased model as it is used, without the person's row.
        heat: Evidence for ``person``; after: with the erased person's old row put back.
    """

    person: str
    source: str
    crop: RGB
    before: Recognition
    after: Recognition
    heat: HeatmapPair


@dataclass(frozen=True)
class Demo:
    """What the demo did and found.

    Attributes:
        person: Who was erased.
        before: The model with everybody.
        erasure: The erasure, with the model after it.
        audit: Accuracies on unseen photos before and after.
        beside: The same person erased in other ways, the shown one first, a model made without them last.
        forgotten: All unseen photos of the person.
        retained: One unseen photo each of the people whom the model finds most like the person.
        photos: Photos read, by use: ``enrolment`` of everybody, ``erasure``, ``unseen``.
        rendered: Whether these are the shipped people, who do not exist.
        seconds: Wall time by step, and ``total``.
    """

    person: str
    before: Recognizer
    erasure: ErasureOutcome
    audit: ClassifierCheck
    beside: tuple[Beside, ...]
    forgotten: tuple[ShownPhoto, ...]
    retained: tuple[ShownPhoto, ...]
    photos: Mapping[str, int]
    rendered: bool
    seconds: Mapping[str, float]

    @property
    def answers(self) -> tuple[Rate, Rate]:
        """Unseen photos of the others that get their name, before and after, the models as they are used."""
        before, after = (side.retained_named for side in (self.audit.accuracy.before, self.audit.accuracy.after))
        return before or Rate(0, 0), after or Rate(0, 0)

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "person": self.person,
            "people": list(self.before.labels),
            "photos": dict(self.photos),
            "erasure": self.erasure.to_dict(),
            "audit": self.audit.to_dict(),
            "beside": [row.to_dict() for row in self.beside],
            "seconds": {step: round(value, 2) for step, value in self.seconds.items()},
        }


def demo(
    person: str | None = None,
    *,
    people: People | None = None,
    backbone: str | Path = "mobile",
    plan: EnrolmentPlan = PLAN,
    runtime: Runtime | None = None,
) -> Demo:
    """Enrol people, erase one of them, and compare the two models.

    Half of each person's photos is kept back: everything that is shown and measured is on those.

    Args:
        person: Whom to erase; without one, the first by name.
        people: A folder per person; without one, the shipped people.
        backbone: Name or weights file.
        plan: How to enrol.
        runtime: Device, seed, progress; found faces are not cached.

    Raises:
        MissingResourceError: The shipped people are not in this installation.
        UnknownPersonError: Nobody is called ``person``.
        FaceForgetError: The photos or the backbone cannot be used, or the person was not forgotten.
    """
    runtime = replace(runtime or Runtime(), cache=None)
    watch = _Stopwatch()
    sources = shipped_people() if people is None else people_from(people)
    chosen = _find(person, tuple(sources))
    loaded = load_backbone(backbone)
    found = read_faces(sources, runtime.intake(loaded.spec.framing), progress=runtime.progress)
    enrolled, unseen = _halves(found)
    watch.lap("reading")
    seeded, device = replace(plan, seed=runtime.seed), runtime.torch_device
    before = enroll_faces(enrolled, loaded, seeded, device=device, progress=runtime.progress)
    watch.lap("enrolling")
    outcome = erase(
        before,
        {chosen: enrolled.photos[chosen]},
        method=Delete.name,
        runtime=replace(runtime, progress=_renamed(runtime.progress, "reading photos")),
    )
    watch.lap("erasing")
    report = _audit(before, outcome, enrolled, unseen, runtime.progress)
    forgotten = _shown(before, outcome.recognizer, unseen.only([chosen]))
    nearest = FaceSet({name: unseen.photos[name][:1] for name in _most_alike(before, chosen)})
    retained = _shown(before, outcome.recognizer, nearest)
    watch.lap("checking")
    rest = enrolled.only([name for name in enrolled.photos if name != chosen])
    rows = beside(
        before,
        Views(chosen, enrolled.crops(chosen), {name: unseen.crops(name) for name in unseen.photos}),
        (outcome.recognizer, Delete.name, outcome.seconds, len(outcome.erasure.steps)),
        lambda: enroll_faces(rest, loaded, seeded, device=device),
        runtime,
    )
    compared = tuple(rows)
    watch.lap("comparing")
    return Demo(
        person=chosen,
        before=before,
        erasure=outcome,
        audit=report,
        beside=compared,
        forgotten=forgotten,
        retained=retained,
        photos={"enrolment": enrolled.count, "erasure": outcome.faces.count, "unseen": unseen.count},
        rendered=people is None,
        seconds=watch.with_total(),
    )


def _find(person: str | None, names: tuple[str, ...]) -> str:
    """The person as the folders spell them; without one, the first."""
    if person is None:
        return names[0]
    for name in names:
        if person_key(name) == person_key(person):
            return name
    raise UnknownPersonError(f"The demo has nobody called {person!r}.", f"It has: {', '.join(names)}.")


def _halves(faces: FaceSet) -> tuple[FaceSet, FaceSet]:
    """Photos to enrol and erase from, and as many or one fewer that are only looked at."""
    few = {name: len(photos) for name, photos in faces.photos.items() if len(photos) <= MIN_PHOTOS}
    if few:
        listed = ", ".join(f"{name} ({count})" for name, count in few.items())
        raise TooFewPhotosError(
            f"The demo needs {MIN_PHOTOS + 1} usable photos of each person; too few of: {listed}.",
            "Add photos of them, or leave these people out.",
            people=few,
        )
    split = {name: held_back(photos, OF_RENDERED, last=True) for name, photos in faces.photos.items()}
    return (
        FaceSet({name: enrolled for name, (enrolled, _) in split.items()}),
        FaceSet({name: unseen for name, (_, unseen) in split.items()}),
    )


def _audit(
    before: Recognizer, outcome: ErasureOutcome, enrolled: FaceSet, unseen: FaceSet, progress: Progress
) -> ClassifierCheck:
    (person,) = outcome.people
    retained = {name: unseen.crops(name) for name in unseen.photos if name != person}
    faces = Faces({person: unseen.crops(person)}, {person: enrolled.crops(person)}, retained)
    return check_classifier(before, outcome.recognizer, faces, progress=progress)


def _most_alike(recognizer: Recognizer, person: str) -> list[str]:
    """The people whose rows are nearest to the person's: those whom an erasure could harm most."""
    rows = recognizer.classifier.head.weight.detach()
    own = recognizer.index_of(person)
    cosines = rows @ rows[own] / rows.norm(dim=1)
    order = [index for index in cosines.argsort(descending=True).tolist() if index != own]
    return [recognizer.labels[index] for index in order[:_RETAINED_SHOWN]]


def _shown(before: Recognizer, after: Recognizer, faces: FaceSet) -> tuple[ShownPhoto, ...]:
    people = [name for name, photos in faces.photos.items() for _ in photos]
    photos = [photo for own in faces.photos.values() for photo in own]
    crops = np.stack([photo.crop for photo in photos])
    return tuple(
        ShownPhoto(person, photo.source, photo.crop, old, new, heat)
        for person, photo, old, new, heat in zip(
            people,
            photos,
            before.recognize(crops, _TOP),
            after.recognize(crops, _TOP),
            heatmap_pairs(before, with_rows_of(before, after), crops, people),
            strict=True,
        )
    )


def _renamed(progress: Progress, stage: str) -> Progress:
    """Show the second look at photos as a stage of its own."""

    def show(event: Event) -> None:
        progress(replace(event, stage=stage) if event.stage == "finding faces" else event)

    return show


class _Stopwatch:
    """Seconds by step."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self._laps[step], self._last = now - self._last, now

    def with_total(self) -> dict[str, float]:
        return {**self._laps, "total": self._last - self._start}
