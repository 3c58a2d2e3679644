"""What the audit of an erasure finds of both promises, and how soon the person is learnt again: as numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.data import TRAIN
from benchmarks.world import World
from faceforget.api import Crops, Recognizer
from faceforget.lab import (
    HELD_OUT,
    PHOTOS,
    Relearning,
    collateral,
    keep_promises,
    look_at_all,
    over_people,
    relearning,
    spread,
)

FAR = "tar_far_0.001"
_TAUGHT = 4
# Teaching is given up after so many steps.
_MAX_STEPS = 40


def judged(world: World, after: Recognizer, people: Sequence[str], photos: int = TRAIN) -> dict[str, Any]:
    """Fractions after an erasure and, as ``..._before``, in the enrolled model; None where nothing was measured.

    Args:
        world: Whose photos are asked about.
        after: The erased model.
        people: Who was erased.
        photos: How many of each were read.
    """
    faces = world.audited(people, photos)
    compared = look_at_all(world.before, after, None, faces, depths=False, memory=world.memory)
    found = keep_promises(compared, faces, seed=world.seed)
    price = collateral(compared.before, compared.after, seed=world.seed)
    accuracy, verified, again, nearest = (
        found.check.accuracy, found.answers["verification"],
        found.answers["reenrolment"].reenrolment, price.strangers_nearest,
    )  # fmt: skip
    sides = {
        "_before": (accuracy.before, verified.before, again.before, nearest.before),
        "": (accuracy.after, verified.after, again.after, nearest.after),
    }
    values: dict[str, Any] = {}
    for side, (right, matches, rank, alike) in sides.items():
        measured = {
            "acc_f": right.forgotten,
            "acc_r": right.retained,
            "named": right.retained_named,
            "strangers_named": right.strangers_named,
            "nearest": alike,
            "tar_f": matches.forgotten[FAR],
            "tar_s": matches.strangers[FAR],
            "rank_1": rank["5"],
        }
        values |= {f"{key}{side}": None if value is None else value.value for key, value in measured.items()}
    # One person's photos are too few to say for each erasure alone; a table counts many of them.
    verdict = {promise: found.verdict.at_value(promise) for promise in found.verdict.findings}
    return {**values, "verdict": verdict}


def relearned(world: World, after: Recognizer, person: str) -> float | None:
    """Steps until an erased person is learnt again; None: not within the budget."""
    return _relearning(world, after, world.crops["train"][person], world.crops["unseen"][person]).steps.value


def stranger_relearned(world: World) -> float | None:
    """Steps until a stranger is learnt by the enrolled model, over a few; None: not within the budget."""
    taught = list(world.crops["strangers"].values())[:_TAUGHT]
    runs = [_relearning(world, world.before, own[:PHOTOS], own[PHOTOS:]) for own in taught]
    return over_people(runs).steps.value


def _relearning(world: World, model: Recognizer, learn: Crops, probe: Crops) -> Relearning:
    held_out = dict(list(world.crops["strangers"].items())[_TAUGHT:])
    strangers = np.stack([crop for _, _, crop in spread(held_out, HELD_OUT)])
    return relearning(model, learn, probe, strangers, seed=world.seed, max_steps=_MAX_STEPS)
