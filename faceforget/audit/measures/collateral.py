"""What did the erasure cost everybody else? Those who stay, those who look alike, and strangers.

Changes are paired: the same photos before and after, so that their interval is that of the change, not of two
numbers apart. Photos of one person are not independent, so people are resampled.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from faceforget.audit.estimates import Estimate, Rate, Sides
from faceforget.audit.shares import Flags, change_of, rate_of, share_of
from faceforget.audit.view import View

LOOK_ALIKES = 5
GALLERY_PHOTOS = 3


@dataclass(frozen=True)
class RetainedPerson:
    """A person who stays, before and after.

    Attributes:
        number: Position among the rows of the model before, from 1: who is meant, without a name.
        name: Theirs.
        accuracy: Photos whose best candidate is the right one, all rows in place.
    """

    number: int
    name: str
    accuracy: Sides[Rate]


@dataclass(frozen=True)
class LookAlike(RetainedPerson):
    """A person who stays and looks like an erased one.

    Attributes:
        erased: Whom they look like.
        similarity: Cosine of the two rows in the model before.
    """

    erased: str
    similarity: float


@dataclass(frozen=True)
class Collateral:
    """What others lost; a change is after minus before, so a loss is negative.

    Attributes:
        look_alikes: The retained people whose rows are nearest to each erased person's, nearest first.
        worst: The retained person who lost most photos' share; of equals the less accurate one after.
        accuracy_change: Of retained photos whose best candidate is the right one, all rows in place.
        named_change: Of retained photos that get the right name, not "unknown", in the model as it is used.
        retained_unknown: Retained photos answered with "unknown" in the model as it is used.
        became_unknown: Retained photos that had a name before and are "unknown" after.
        strangers_named: Photos of strangers that get a name at the model's threshold.
        forgotten_named: Photos of the erased persons that get a name, whichever, at the model's threshold.
        strangers_nearest: Photos of strangers whose nearest neighbour, among three photos of each stranger, is
            the same person's; the gallery is drawn once.
        strangers_nearest_change: Of the same.
    """

    look_alikes: tuple[LookAlike, ...]
    worst: RetainedPerson | None
    accuracy_change: Estimate
    named_change: Estimate
    retained_unknown: Sides[Rate]
    became_unknown: Rate
    strangers_named: Sides[Rate]
    forgotten_named: Sides[Rate]
    strangers_nearest: Sides[Estimate]
    strangers_nearest_change: Estimate


def collateral(before: View, after: View, *, seed: int = 0) -> Collateral:
    """Compare two models on the photos of people who were not to be erased.

    Args:
        before: The model before erasure.
        after: The model after, on the same photos.
        seed: Of the resampling, and of which photos of strangers are the gallery.
    """
    right = _retained(before, _right), _retained(after, _right)
    unknown = _retained(before, _unknown), _retained(after, _unknown)
    near = _nearest(before, seed), _nearest(after, seed)
    people = _people(before, *right)
    no_others = "needs photos of people who stay"
    too_few = f"needs two strangers, one of them with {GALLERY_PHOTOS + 1} photos or more"
    return Collateral(
        look_alikes=tuple(found for person in before.people for found in _look_alikes(before, person, people)),
        worst=min(people, key=_loss_then_accuracy, default=None),
        accuracy_change=change_of(*right, no_others, seed=seed),
        named_change=change_of(_retained(before, _named), _retained(after, _named), no_others, seed=seed),
        retained_unknown=Sides(rate_of(unknown[0]), rate_of(unknown[1])),
        became_unknown=rate_of({name: unknown[1][name] & ~unknown[0][name] for name in unknown[0]}),
        strangers_named=Sides(
            _answered(before, before.embeddings.strangers), _answered(after, after.embeddings.strangers)
        ),
        forgotten_named=Sides(
            _answered(before, before.embeddings.forgotten), _answered(after, after.embeddings.forgotten)
        ),
        strangers_nearest=Sides(share_of(near[0], too_few, seed=seed), share_of(near[1], too_few, seed=seed)),
        strangers_nearest_change=change_of(*near, too_few, seed=seed),
    )


def rightly(view: View) -> Flags:
    """Whether the best candidate is the right one, for each photo of people who stay."""
    return _retained(view, _right)


def named(view: View) -> Flags:
    """Whether they get their name, and not "unknown", in the model as it is used."""
    return _retained(view, _named)


def _retained(view: View, holds: Callable[[View, str, Tensor], Tensor]) -> Flags:
    people = view.embeddings.retained.items()
    return {name: holds(view, name, own).cpu().numpy() for name, own in people if len(own)}


def _right(view: View, name: str, photos: Tensor) -> Tensor:
    return view.model.similarities(photos).argmax(1) == view.model.index_of(name)


def _unknown(view: View, name: str, photos: Tensor) -> Tensor:
    if not view.used.labels:
        return torch.ones(len(photos), dtype=torch.bool)
    return view.used.similarities(photos).amax(1) < view.used.threshold.cosine


def _named(view: View, name: str, photos: Tensor) -> Tensor:
    if name not in view.used.labels:
        return torch.zeros(len(photos), dtype=torch.bool)
    right = view.used.similarities(photos).argmax(1) == view.used.index_of(name)
    return right & ~_unknown(view, name, photos)


def _answered(view: View, people: Mapping[str, Tensor]) -> Rate:
    unknown = [_unknown(view, name, own) for name, own in people.items()]
    return Rate(sum(int((~flags).sum()) for flags in unknown), sum(map(len, unknown)))


def _nearest(view: View, seed: int) -> Flags:
    """Whether a stranger's nearest photo in a gallery of three photos of each is their own, photo by photo."""
    people, generator = view.embeddings.strangers, np.random.default_rng(seed)
    orders = [torch.from_numpy(generator.permutation(len(own))).to(own.device) for own in people.values()]
    if len(people) < 2:
        return {}
    enrolled = [own[order[:GALLERY_PHOTOS]] for own, order in zip(people.values(), orders, strict=True)]
    gallery = torch.cat(enrolled)
    owner = torch.repeat_interleave(torch.tensor([len(own) for own in enrolled]))
    found = {}
    for number, (name, own) in enumerate(people.items()):
        probes = own[orders[number][GALLERY_PHOTOS:]]
        if len(probes):
            found[name] = (owner[(probes @ gallery.T).argmax(1).cpu()] == number).numpy()
    return found


def _people(before: View, right: Flags, right_after: Flags) -> list[RetainedPerson]:
    return [
        RetainedPerson(
            before.model.index_of(name) + 1, name, Sides(rate_of({name: own}), rate_of({name: right_after[name]}))
        )
        for name, own in right.items()
    ]


def _loss_then_accuracy(person: RetainedPerson) -> tuple[float, float]:
    before, after = person.accuracy.before, person.accuracy.after
    return after.hits / after.photos - before.hits / before.photos, after.hits / after.photos


def _look_alikes(before: View, erased: str, people: Sequence[RetainedPerson]) -> list[LookAlike]:
    if erased not in before.model.labels:
        return []
    rows = functional.normalize(before.model.classifier.head.weight.detach(), dim=1)
    cosines = (rows @ rows[before.model.index_of(erased)]).cpu().tolist()
    nearest = sorted(people, key=lambda person: -cosines[person.number - 1])[:LOOK_ALIKES]
    return [LookAlike(p.number, p.name, p.accuracy, erased, cosines[p.number - 1]) for p in nearest]
