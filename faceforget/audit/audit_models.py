"""Ask every question of the model before and after an erasure, and judge the answers."""

import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from faceforget.audit.attacked import perturbed
from faceforget.audit.classifier import same_embedder
from faceforget.audit.compared import Compared, look_at_all
from faceforget.audit.estimates import Sides, if_given
from faceforget.audit.looking import Memory
from faceforget.audit.measures.collateral import collateral
from faceforget.audit.measures.compactness import compactness
from faceforget.audit.measures.heat_energy import HeatEnergy, heat_energy, spread
from faceforget.audit.measures.heatmaps import heatmap_pairs
from faceforget.audit.measures.probe import probe
from faceforget.audit.measures.similarity import cka
from faceforget.audit.promises import keep_promises
from faceforget.audit.questions.embedding_map import embedding_map
from faceforget.audit.questions.membership import membership
from faceforget.audit.questions.reenrolment import prototype_attack
from faceforget.audit.report import AuditedPhoto, AuditReport, HeatedFace
from faceforget.audit.view import Faces, View
from faceforget.compute.threads import one_blas_thread
from faceforget.progress import Event, Progress, silent
from faceforget.recognizer.recognizer import Recognizer

T = TypeVar("T")

_HEATED = 6
# Parts of the work that are timed; for progress.
_PARTS = 12


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
    faces = exhibits.faces
    clock = _Clock(progress)
    compared = look_at_all(
        before,
        after,
        exhibits.retrained,
        faces,
        rendered="strangers" in exhibits.stand_ins,
        memory=exhibits.memory,
        progress=progress,
    )
    clock.lap("looking")
    drawn = beside.submit(embedding_map, compared.before, compared.after, seed=seed)  # a second of one core

    def ask(name: str, question: Callable[[View], T]) -> Sides[T]:
        return clock.timed(name, lambda: compared.ask(question))

    promises = keep_promises(compared, faces, deep=deep, seed=seed, progress=progress)
    clock.lap("promises")
    return AuditReport(
        check=promises.check,
        verdict=promises.verdict,
        only_head=same_embedder(before, after),
        reference=compared.reference,
        stand_ins=exhibits.stand_ins,
        reenrolment=promises.reenrolment,
        prototype=ask("prototype", prototype_attack),
        verification=promises.verification,
        probe=ask("probe", partial(probe, seed=seed)),
        compactness=ask("compactness", partial(compactness, seed=seed)),
        cka=clock.timed("cka", lambda: cka(compared.before, compared.after, seed=seed)),
        cka_reference=if_given(compared.retrained, lambda view: cka(compared.before, view, seed=seed)),
        collateral=clock.timed("collateral", lambda: collateral(compared.before, compared.after, seed=seed)),
        membership=ask("membership", lambda view: membership(view, view.embeddings.members, seed=seed)),
        perturbation=clock.timed(
            "perturbation", lambda: perturbed(compared, faces, deep=deep, seed=seed, progress=progress)
        ),
        relearning=if_given(promises.relearning, lambda found: found.as_it_is),
        relearning_layer_off=promises.relearning.layer_off if promises.relearning else None,
        photos=_answered(compared, faces),
        heatmaps=clock.timed("heatmaps", lambda: _heated(compared, faces)),
        energy=clock.timed("heat energy", lambda: _energies(compared, faces, seed)),
        map=clock.timed("map", drawn.result),
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


def _heated(compared: Compared, faces: Faces) -> tuple[HeatedFace, ...]:
    shown = [*spread(faces.forgotten, _HEATED), *spread(faces.retained, _HEATED)]
    names, crops = [name for name, _, _ in shown], np.stack([crop for _, _, crop in shown])
    pairs = heatmap_pairs(compared.before.model, compared.after.model, crops, names)
    return tuple(HeatedFace(*found) for found in zip(names, crops, pairs, strict=True))


def _energies(compared: Compared, faces: Faces, seed: int) -> Sides[HeatEnergy]:
    def energy(view: View) -> HeatEnergy:
        return heat_energy(view.model, faces, seed=seed)

    return Sides(energy(compared.before), energy(compared.after), if_given(compared.retrained, energy))


class _Clock:
    """Wall time by part, and a progress event at the end of each."""

    def __init__(self, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._last = time.perf_counter()

    def timed(self, part: str, work: Callable[[], T]) -> T:
        """Do a part of the work."""
        done = work()
        self.lap(part)
        return done

    def lap(self, part: str) -> None:
        """The end of a part."""
        now = time.perf_counter()
        self.seconds[part] = self.seconds.get(part, 0.0) + now - self._last
        self._last = now
        self._progress(Event("asking", len(self.seconds), _PARTS, final=len(self.seconds) == _PARTS))
