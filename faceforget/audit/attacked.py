"""Questions that need the models themselves and not only what they made of the photos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from faceforget.audit.classifier import without_layer
from faceforget.audit.compared import Compared
from faceforget.audit.estimates import Rate, Sides
from faceforget.audit.measures.heat_energy import spread
from faceforget.audit.measures.relearning import Relearning, over_people, relearning
from faceforget.audit.questions.perturbation import perturbation
from faceforget.audit.view import Crops, Faces
from faceforget.progress import Progress, silent
from faceforget.recognizer.recognizer import Recognizer

_CHANGED = 12
# Of 255 levels; larger ones make any model name anybody.
_ATTACKS = (1, 2)
# Strangers who are taught for a reference: each takes seconds.
_TAUGHT = 3
# Of photos that stand for those which the erasure read.
_LEARNT = 5
# Photos of strangers whom the person must be told from, at each look: two of them may be accepted.
HELD_OUT = 200


@dataclass(frozen=True)
class Retaught:
    """How soon a person is learnt again.

    Attributes:
        as_it_is: By the models as they are handed out.
        layer_off: The same with AFTER's removable layer taken off, which whoever holds its file can do; None where it
            has none.
    """

    as_it_is: Sides[Relearning]
    layer_off: Sides[Relearning] | None = None


def perturbed(
    compared: Compared, faces: Faces, *, deep: bool = False, seed: int = 0, progress: Progress = silent
) -> Sides[Mapping[str, Rate]]:
    """Photos recognised again after a small change, the persons' rows in place.

    The reference is strangers' photos changed towards the same rows in the model after.

    Args:
        compared: The models.
        faces: Of the photos that the erasure read at most twelve are changed; without them, of the unseen.
        deep: Changes made on purpose too.
        seed: Of the random changes.
        progress: Called after each kind of change.
    """
    own = {name: crops[:_CHANGED] for name, crops in (faces.forget_photos or faces.forgotten).items()}
    others = [crop for _, _, crop in spread(faces.strangers, _CHANGED)]

    def changed(model: Recognizer, photos: Mapping[str, Crops]) -> dict[str, Rate]:
        found = [
            perturbation(
                model, crops, model.index_of(name), attacks=_ATTACKS if deep else (), seed=seed, progress=progress
            )
            for name, crops in photos.items()
        ]
        return {kind: _pooled([one[kind] for one in found]) for kind in found[0]}

    reference = changed(compared.after.model, dict.fromkeys(own, np.stack(others))) if others else None
    return Sides(changed(compared.before.model, own), changed(compared.after.model, own), reference)


def _pooled(rates: list[Rate]) -> Rate:
    return Rate(sum(rate.hits for rate in rates), sum(rate.photos for rate in rates))


def retaught(compared: Compared, faces: Faces, *, seed: int = 0, progress: Progress = silent) -> Retaught:
    """How soon each model learns the persons again; the reference is a retrained model, or strangers.

    Args:
        compared: The models; the persons' rows are taken out first.
        faces: Learnt from the photos that the erasure read; without them, from the first half of the unseen. The
            strangers who are not taught are held out: the person must be told from them.
        seed: Of the random rows and of the intervals.
        progress: Called at every look.
    """
    taught = () if compared.retrained is not None else compared.strangers[:_TAUGHT]
    rest = {name: crops for name, crops in faces.strangers.items() if name not in taught}
    held_out = _photos([crop for _, _, crop in spread(rest, HELD_OUT)], faces)
    people = tuple(faces.forgotten)
    known: dict[tuple[str, bool], Relearning] = {}  # a model without its layer is often the model before, bit for bit

    def steps(model: Recognizer, strangers: bool) -> Relearning:
        own = [person for person in people if person in model.labels]
        pupil = model.without(own) if own else model
        key = pupil.weights_hash(), strangers
        if key not in known:
            theirs = [(faces.strangers[name][:_LEARNT], faces.strangers[name][_LEARNT:]) for name in taught]
            photos = theirs if strangers else [_halves(faces, name) for name in people]
            found = [relearning(pupil, *parts, held_out, seed=seed, progress=progress) for parts in photos]
            known[key] = over_people(found, seed=seed)
        return known[key]

    def reference(model: Recognizer) -> Relearning | None:
        if compared.retrained is not None:
            return steps(compared.retrained.used, strangers=False)
        return steps(model, strangers=True) if taught else None

    def sides(after: Recognizer) -> Sides[Relearning]:
        return Sides(steps(compared.before.used, strangers=False), steps(after, strangers=False), reference(after))

    after = compared.after.used
    bare = without_layer(after)
    return Retaught(sides(after), None if bare is None else sides(bare))


def _photos(crops: Sequence[Crops], faces: Faces) -> Crops:
    """Crops ``(K, S, S, 3)``, also of none."""
    return np.stack(crops) if crops else next(iter(faces.forgotten.values()))[:0]


def _halves(faces: Faces, person: str) -> tuple[Crops, Crops]:
    """Photos to learn from, and others."""
    unseen, read = faces.forgotten[person], faces.forget_photos.get(person)
    if read is not None and len(read):
        return read, unseen
    middle = len(unseen) // 2
    return unseen[:middle], unseen[middle:]
