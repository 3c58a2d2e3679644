"""Questions that need the models themselves and not only what they made of the photos."""

from collections.abc import Mapping

import numpy as np

from faceforget.audit.compared import Compared
from faceforget.audit.estimates import Rate, Sides, mean_over_people
from faceforget.audit.questions.heat_energy import spread
from faceforget.audit.questions.perturbation import perturbation
from faceforget.audit.questions.relearning import Relearning, relearning
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


def retaught(compared: Compared, faces: Faces, *, seed: int = 0, progress: Progress = silent) -> Sides[Relearning]:
    """How soon each model learns the persons again; the reference is a retrained model, or strangers.

    Args:
        compared: The models; the persons' rows are taken out first.
        faces: Learnt from the photos that the erasure read; without them, from the first half of the unseen.
        seed: Of the intervals.
        progress: Called after every step.
    """
    people = tuple(faces.forgotten)

    def taught(model: Recognizer) -> Relearning:
        known = [person for person in people if person in model.labels]
        pupil = model.without(known) if known else model
        return mean_over_people(
            [relearning(pupil, *_halves(faces, name), seed=seed, progress=progress) for name in people]
        )

    if compared.retrained is not None:
        reference: Relearning | None = taught(compared.retrained.used)
    else:
        strangers = [faces.strangers[name] for name in compared.strangers[:_TAUGHT]]
        pupil = compared.after.used
        found = [relearning(pupil, own[:_LEARNT], own[_LEARNT:], seed=seed, progress=progress) for own in strangers]
        reference = mean_over_people(found) if found else None
    return Sides(taught(compared.before.used), taught(compared.after.used), reference)


def _halves(faces: Faces, person: str) -> tuple[Crops, Crops]:
    """Photos to learn from, and others."""
    unseen, read = faces.forgotten[person], faces.forget_photos.get(person)
    if read is not None and len(read):
        return read, unseen
    middle = len(unseen) // 2
    return unseen[:middle], unseen[middle:]
