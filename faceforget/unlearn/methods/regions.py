"""Regions around the classes to erase: where each begins and ends, and the layer that does something there."""

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

# At zero the class is like none, and among few classes that can be more than like any that stays: the old row
# won on a third of the images with 3 rendered people, on one image of one person with 16. Then a little is taken out
# beyond zero: tried in turn until it wins nowhere. Two images turned by b to the same side have b² in common again.
BEYOND = (0.0, 0.05, 0.1, 0.2)
# Of several classes this is the length of what is taken out for all of them: their directions have something in common,
# as all faces do. When each of twenty people was turned away from by .05, all noise pointed the same way, and as new
# classes all were recognised by that. Where few stay more is needed, and nothing better is known.
_TOGETHER = (*BEYOND, 0.4, 0.8)
# An old row of another class, of several, may win on noise by chance: in 9 of 24 draws of twenty of 33 people, 240
# images each. Other noise cures that and costs the others nothing.
_DRAWS = 4
# Where a region ends: this share of the angle from a class's images to other classes.
REACH = 0.35
# The head's row of a class was made from the images that it was trained on: it counts as so many images.
ROW_COUNTS_AS = 4.0
# From the nearest other class to a region, in cosine.
_DISTANCE = 0.05
# Of a single image this many varied versions stand in for other images.
_VERSIONS = 8


@dataclass(frozen=True)
class Regions:
    """Cones around classes.

    Attributes:
        directions: ``(K, D)`` their middles.
        ends: ``(K,)`` the cosines where they end.
        missed: How many images lie outside a region drawn from the class's other images.
    """

    directions: Tensor
    ends: Tensor
    missed: int


@dataclass(frozen=True)
class Known:
    """What a model knows of a class that is to be erased.

    Attributes:
        index: The class.
        features: ``(N, D)`` of unit length, one of each image.
        direction: ``(D,)`` of unit length, what they have in common.
    """

    index: int
    features: Tensor
    direction: Tensor


def look_at_classes(model: nn.Module, forget: ForgetSet, run: Run, batch_size: int) -> list[Known]:
    """Features of all forgotten classes that there are images of, with progress."""
    both = with_versions(forget.images, [lambda images: images.flip(3) if images.ndim == 4 else images])
    seen = functional.normalize(look_at(model, both, batch_size, run.progress, "looking at the images"), dim=1)
    features, mirrors = seen.tensor_split(2)
    rows, own = weight_of(find_head(model, forget.images)).detach().flatten(1), forget.own_classes()
    return [
        Known(index, features[of], common_direction(features[of], mirrors[of], rows[index]))
        for index in forget.classes
        if (of := own == index).any()
    ]


def common_direction(features: Tensor, mirrors: Tensor, row: Tensor, row_counts_as: float = ROW_COUNTS_AS) -> Tensor:
    """A class's direction ``(D,)``, of unit length.

    Args:
        features: ``(N, D)`` of unit length.
        mirrors: ``(N, D)``, of the mirror images.
        row: ``(D,)`` of the head, of any length.
        row_counts_as: So many images.
    """
    seen = (features + mirrors).sum(0) / 2
    return functional.normalize(seen + row_counts_as * functional.normalize(row, dim=0), dim=0)


def rows_that_stay(student: nn.Module, forget: ForgetSet) -> Tensor:
    """The head's rows ``(C', D)`` of all classes that stay."""
    return weight_of(find_head(student, forget.images)).detach().flatten(1)[kept_classes(student, forget)]


def draw_regions(
    student: nn.Module,
    forget: ForgetSet,
    known: Sequence[Known],
    others: Tensor,
    run: Run,
    *,
    reach: float,
    batch_size: int,
) -> Regions:
    """A cone for each forgotten class.

    Args:
        student: Whose features are looked at.
        forget: The classes and their images.
        known: What the student knows of them.
        others: ``(N, D)`` features of classes that are not forgotten; none of them will lie in a region.
        run: Augmentation and seed, for classes with a single image.
        reach: Where a region ends: this share of the angle from the images to the others.
        batch_size: Images at a time.
    """
    others = functional.normalize(others, dim=1)
    generator = torch.Generator().manual_seed(run.seed)
    ends, missed = [], 0
    for one in known:
        features = one.features
        if len(features) == 1:
            versions = _versions(forget.images[forget.own_classes() == one.index], run, generator)
            features = functional.normalize(features_of(student, versions, batch_size), dim=1)
        ends.append(end_of_region(features, one.direction, others, reach))
        missed += int((_alike(one.features) < ends[-1]).sum())
    return Regions(torch.stack([one.direction for one in known]), torch.stack(ends), missed)


def everywhere(known: Sequence[Known]) -> Regions:
    """Regions that all embeddings are in."""
    directions = torch.stack([one.direction for one in known])
    return Regions(directions, torch.full((len(directions),), -2.0).to(directions), missed=0)


def has_regions(student: nn.Module) -> bool:
    """Whether an earlier erasure has put some there."""
    return _held(student) is not None


def put_regions(
    student: nn.Module, forget: ForgetSet, regions: Regions, *, noise: bool, run: Run, batch_size: int
) -> float:
    """Let the student mask the directions in their regions, or answer with noise there too.

    Where a forgotten class still wins on one of its images, the noise is drawn anew, and then a little is taken out
    beyond zero. A step that leaves as many images won as before is not kept: an unusual image outside all regions stays
    won whatever is done inside.

    Args:
        student: The caller's own; a layer of an earlier erasure goes on doing its work.
        forget: On whose images no forgotten class may win.
        regions: Where.
        noise: Noise, or nothing but the mask.
        run: The seed of the noise.
        batch_size: Images at a time.

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


def end_of_region(features: Tensor, direction: Tensor, others: Tensor, reach: float) -> Tensor:
    """The cosine where a class's region ends.

    Args:
        features: ``(N, D)`` of unit length of the class, two or more.
        direction: ``(D,)`` of unit length, the middle of the region.
        others: ``(M, D)`` of unit length, of other classes; the region ends before the nearest.
        reach: Share of the angle, from what the images have in common to what others have with the direction.
    """
    own, theirs = _alike(features).mean(), others @ direction
    angle = (1 - reach) * own.clamp(-1, 1).acos() + reach * theirs.mean().clamp(-1, 1).acos()
    return torch.maximum(angle.cos(), theirs.max() + _DISTANCE)


def _alike(features: Tensor) -> Tensor:
    """Cosine ``(N,)`` of each image with the mean of the others; 1 for a single one."""
    if len(features) == 1:
        return torch.ones(1).to(features)
    return (features * functional.normalize(features.sum(0) - features, dim=1)).sum(1)


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
