"""Regions around the persons to erase: where each begins and ends, and the layer that does something there."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceforget.unlearn.base import Run, kept_classes
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.images import with_versions
from faceforget.unlearn.layers.head import features_of, find_head, weight_of
from faceforget.unlearn.layers.look import look_at
from faceforget.unlearn.layers.projection import replace_layer
from faceforget.unlearn.layers.scatter import Scatter, ScatterPlace
from faceforget.unlearn.measures import images_won

# At zero the person is like nobody, and among few people that can be more than like anyone who stays: the old row
# won on a third of the photos with 3 rendered people, on one photo of one person with 16. Then a little is taken out
# beyond zero: tried in turn until it wins nowhere. A re-enrolment gets its square back.
BEYOND = (0.0, 0.05, 0.1, 0.2)
# Of several people this is the length of what is taken out for all of them: their directions have something in common,
# as all faces do. When each of twenty was turned away from by .05, all noise pointed the same way, and enrolled again
# everybody was recognised by that. Where few stay more is needed, and nothing better is known.
_TOGETHER = (*BEYOND, 0.4, 0.8)
# An old row of somebody else, of several, may win on noise by chance: in 9 of 24 draws of twenty of 33 people, 240
# photos each. Other noise cures that and costs nobody anything.
_DRAWS = 4
# Where a region ends: this share of the angle from a person's photos to other people.
REACH = 0.35
# The head's row of a person was made from the photos that they were enrolled with: it counts as so many photos.
ROW_COUNTS_AS = 4.0
# From the nearest other person to a region, in cosine.
_DISTANCE = 0.05
# Of a single photo this many varied versions stand in for other photos.
_VERSIONS = 8


@dataclass(frozen=True)
class Regions:
    """Cones around persons.

    Attributes:
        directions: ``(K, D)`` their middles.
        ends: ``(K,)`` the cosines where they end.
        missed: How many photos lie outside a region drawn from the person's other photos.
    """

    directions: Tensor
    ends: Tensor
    missed: int


@dataclass(frozen=True)
class Known:
    """What a model knows of a person who is to be erased.

    Attributes:
        index: The class.
        photos: ``(N, D)`` unit features.
        direction: ``(D,)`` of unit length, what they have in common.
    """

    index: int
    photos: Tensor
    direction: Tensor


def look_at_persons(model: nn.Module, forget: ForgetSet, run: Run, batch_size: int) -> list[Known]:
    """Features of all forgotten classes that there are photos of, with progress."""
    both = with_versions(forget.images, [lambda images: images.flip(3) if images.ndim == 4 else images])
    features = functional.normalize(look_at(model, both, batch_size, run.progress, "looking at the photos"), dim=1)
    photos, mirrors = features.tensor_split(2)
    rows, own = weight_of(find_head(model, forget.images)).detach().flatten(1), forget.own_classes()
    return [
        Known(index, photos[own == index], common_direction(photos[own == index], mirrors[own == index], rows[index]))
        for index in forget.classes
        if (own == index).any()
    ]


def common_direction(photos: Tensor, mirrors: Tensor, row: Tensor, row_counts_as: float = ROW_COUNTS_AS) -> Tensor:
    """A person's direction ``(D,)``, of unit length.

    Args:
        photos: ``(N, D)`` unit features.
        mirrors: ``(N, D)``, of the mirror images.
        row: ``(D,)`` of the head, of any length.
        row_counts_as: So many photos.
    """
    seen = (photos + mirrors).sum(0) / 2
    return functional.normalize(seen + row_counts_as * functional.normalize(row, dim=0), dim=0)


def rows_that_stay(student: nn.Module, forget: ForgetSet) -> Tensor:
    """The head's rows ``(C', D)`` of everybody who is not forgotten."""
    return weight_of(find_head(student, forget.images)).detach().flatten(1)[kept_classes(student, forget)]


def draw_regions(
    student: nn.Module,
    forget: ForgetSet,
    persons: Sequence[Known],
    others: Tensor,
    run: Run,
    *,
    reach: float,
    batch_size: int,
) -> Regions:
    """A cone for each forgotten class.

    Args:
        student: Whose features are looked at.
        forget: The classes and their photos.
        persons: What the student knows of them.
        others: ``(N, D)`` features of people who are not forgotten; none of them will lie in a region.
        run: Augmentation and seed, for classes with a single photo.
        reach: Where a region ends: this share of the angle from the photos to the others.
        batch_size: Photos at a time.
    """
    others = functional.normalize(others, dim=1)
    generator = torch.Generator().manual_seed(run.seed)
    ends, missed = [], 0
    for person in persons:
        photos = person.photos
        if len(photos) == 1:
            versions = _versions(forget.images[forget.own_classes() == person.index], run, generator)
            photos = functional.normalize(features_of(student, versions, batch_size), dim=1)
        ends.append(end_of_region(photos, person.direction, others, reach))
        missed += int((_alike(person.photos) < ends[-1]).sum())
    return Regions(torch.stack([person.direction for person in persons]), torch.stack(ends), missed)


def everywhere(persons: Sequence[Known]) -> Regions:
    """Regions that all embeddings are in."""
    directions = torch.stack([person.direction for person in persons])
    return Regions(directions, torch.full((len(directions),), -2.0).to(directions), missed=0)


def has_regions(student: nn.Module) -> bool:
    """Whether an earlier erasure has put some there."""
    return _held(student) is not None


def put_regions(
    student: nn.Module, forget: ForgetSet, regions: Regions, *, noise: bool, run: Run, batch_size: int
) -> float:
    """Let the student mask the directions in their regions, or answer with noise there too.

    Where a forgotten class still wins on one of its photos, the noise is drawn anew, and then a little is taken out
    beyond zero. A step that leaves as many photos won as before is not kept: an unusual photo outside all regions stays
    won whatever is done inside.

    Args:
        student: The caller's own; a layer of an earlier erasure goes on doing its work.
        forget: On whose photos no forgotten class may win.
        regions: Where.
        noise: Noise, or nothing but the mask.
        run: The seed of the noise.
        batch_size: Photos at a time.

    Returns:
        How far all directions together were taken out beyond zero.
    """
    head, held = find_head(student, forget.images), _held(student)
    several = len(regions.ends) > 1
    # One alone has length 1, and is to come out as it always did, to the last bit.
    together = max(1.0, regions.directions.sum(0).norm().item()) if several else 1.0
    seeds = range(run.seed, run.seed + (_DRAWS if several and noise and held is None else 1))
    tried: list[tuple[int, float, Scatter]] = []
    for beyond, seed in product(_TOGETHER if several else BEYOND, seeds):
        empty = held or Scatter.nowhere(regions.directions.shape[1], torch.Generator().manual_seed(seed))
        layer = empty.around(regions.directions, regions.ends, beyond=beyond / together, noise=noise)
        _put(student, head, layer.requires_grad_(False))
        tried.append((int(images_won(student, forget, batch_size).sum()), beyond, layer))
        if tried[-1][0] == 0:
            break
    _, beyond, layer = min(tried, key=lambda one: one[0])  # of equals the first, which takes out least
    _put(student, head, layer)
    return beyond


def end_of_region(photos: Tensor, direction: Tensor, others: Tensor, reach: float) -> Tensor:
    """The cosine where a person's region ends.

    Args:
        photos: ``(N, D)`` unit embeddings of the person, two or more.
        direction: ``(D,)`` of unit length, the middle of the region.
        others: ``(M, D)`` unit embeddings of other people; the region ends before the nearest.
        reach: Share of the angle, from what the photos have in common to what others have with the direction.
    """
    own, theirs = _alike(photos).mean(), others @ direction
    angle = (1 - reach) * own.clamp(-1, 1).acos() + reach * theirs.mean().clamp(-1, 1).acos()
    return torch.maximum(angle.cos(), theirs.max() + _DISTANCE)


def _alike(photos: Tensor) -> Tensor:
    """Cosine ``(N,)`` of each photo with the mean of the others; 1 for a single one."""
    if len(photos) == 1:
        return torch.ones(1).to(photos)
    return (photos * functional.normalize(photos.sum(0) - photos, dim=1)).sum(1)


def _versions(image: Tensor, run: Run, generator: torch.Generator) -> Tensor:
    many = image.repeat(_VERSIONS, *[1] * (image.ndim - 1))
    return run.augment(many, generator) if run.augment else many


def _held(student: nn.Module) -> Scatter | None:
    """The layer of an earlier erasure."""
    return next((module for module in student.modules() if isinstance(module, Scatter)), None)


def _put(student: nn.Module, head: nn.Module, scatter: Scatter) -> None:
    """In the place that the model keeps for it, or before the head."""
    # By its type: a network may have a layer of its own that is called so.
    place = next((module for module in student.modules() if isinstance(module, Scatter | ScatterPlace)), None)
    replace_layer(student, *((head, nn.Sequential(scatter, head)) if place is None else (place, scatter)))
