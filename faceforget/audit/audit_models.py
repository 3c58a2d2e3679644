"""Ask every question of the model before and after an erasure, and judge the answers."""

import time
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from faceforget.audit.classifier import check_of, same_embedder
from faceforget.audit.compared import Compared, look_at_all
from faceforget.audit.looking import Memory
from faceforget.audit.promises import judged
from faceforget.audit.question import Material
from faceforget.audit.registry import asked
from faceforget.audit.report import AuditedPhoto, AuditReport
from faceforget.audit.view import Faces
from faceforget.compute.threads import one_blas_thread
from faceforget.progress import Event, Progress, silent
from faceforget.recognizer.recognizer import Recognizer


@dataclass(frozen=True)
class Exhibits:
    """What an audit looks at.

    Attributes:
        faces: Of the erased persons, of people who stay, of strangers.
        retrained: A model enrolled without the erased persons.
        stand_ins: Groups of ``faces`` for which rendered people stand in.
        memory: What models made of photos in audits before.
    """

    faces: Faces
    retrained: Recognizer | None = None
    stand_ins: tuple[str, ...] = ()
    memory: Memory | None = None


def audit_models(
    before: Recognizer,
    after: Recognizer,
    exhibits: Exhibits,
    *,
    deep: bool = False,
    seed: int = 0,
    progress: Progress = silent,
) -> AuditReport:
    """Audit an erasure.

    Args:
        before: The model before erasure; it knows all the erased persons.
        after: The model after, with or without the persons' rows.
        exhibits: What to look at.
        deep: The slow questions too: relearning and adversarial changes.
        seed: Of everything random.
        progress: Called with events.

    Raises:
        UnknownPersonError: ``before`` does not know a person.
        ModelFileError: ``after``, or the retrained model, cannot be compared with ``before``.
    """
    faces = exhibits.faces
    for person in faces.forgotten:
        before.index_of(person)
    with one_blas_thread("scipy.linalg"), ThreadPoolExecutor(1) as beside:  # scikit-learn asks scipy
        return _asked_and_judged(before, after, exhibits, deep, seed, progress, beside)


def _asked_and_judged(
    before: Recognizer,
    after: Recognizer,
    exhibits: Exhibits,
    deep: bool,
    seed: int,
    progress: Progress,
    beside: Executor,
) -> AuditReport:
    faces, every = exhibits.faces, asked(deep, before.spec.layers is not None)
    clock = _Clock(progress, len(every) + 2)
    compared = look_at_all(
        before,
        after,
        exhibits.retrained,
        faces,
        depths=any("depths" in question.needs for question in every),
        rendered="strangers" in exhibits.stand_ins,
        memory=exhibits.memory,
        progress=progress,
    )
    check = check_of(compared, tuple(faces.forgotten))
    material = Material(compared, faces, check, deep=deep, seed=seed, progress=progress)
    clock.lap("looking")
    begun = {q.name: beside.submit(material.answer, q) for q in every if "core" in q.needs}
    for question in every:
        _ = begun[question.name].result() if question.name in begun else material.answer(question)
        clock.lap(question.name)
    verdict = judged(material)
    clock.lap("verdict")
    return AuditReport(
        check=check,
        verdict=verdict,
        only_head=same_embedder(before, after),
        reference=compared.reference,
        stand_ins=exhibits.stand_ins,
        answers=material.answers,
        photos=_answered(compared, faces),
        seconds=clock.seconds,
    )


def _answered(compared: Compared, faces: Faces) -> tuple[AuditedPhoto, ...]:
    """The erased persons' unseen photos with the answers of the models as they are handed out."""
    return tuple(
        AuditedPhoto(person, crop, old, new)
        for person, crops in faces.forgotten.items()
        for crop, old, new in zip(
            crops,
            compared.before.used.name(compared.before.embeddings.forgotten[person]),
            compared.after.used.name(compared.after.embeddings.forgotten[person]),
            strict=True,
        )
    )


class _Clock:
    """Wall time by part, and a progress event at the end of each."""

    def __init__(self, progress: Progress, parts: int) -> None:
        self.seconds: dict[str, float] = {}
        self._progress, self._parts = progress, parts
        self._last = time.perf_counter()

    def lap(self, part: str) -> None:
        """The end of a part."""
        now = time.perf_counter()
        self.seconds[part] = now - self._last
        self._last = now
        self._progress(Event("asking", len(self.seconds), self._parts, final=len(self.seconds) == self._parts))
