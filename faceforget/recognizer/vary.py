"""Versions of a face as other photos of the same person might show it: for an erasure that reads only a dozen."""

import math

import torch
from torch import Tensor
from torch.nn import functional

_TURN = math.radians(8)
_ZOOM = 0.08
_SHIFT = 0.05
_LIGHT, _TINT, _CONTRAST, _COLOUR = 0.2, 0.08, 0.2, 0.3
# A quarter of the photos as from a small picture, of so many pixels a side (of 112).
_COARSE_SHARE, _COARSE = 0.25, (40, 90)


def vary(images: Tensor, generator: torch.Generator) -> Tensor:
    """Turn, zoom, shift, mirror, light, colour and resolution, each drawn anew for every image.

    Shape: ``(N, 3, S, S)`` in [0, 1] to the same.
    """
    moved = _moved(images, generator)
    lit = _lit(moved, generator)
    return torch.stack([_coarse(image, generator) for image in lit]).clamp(0, 1)


def _moved(images: Tensor, generator: torch.Generator) -> Tensor:
    count = len(images)
    turn, zoom = _normal(generator, count) * _TURN, torch.exp(_normal(generator, count) * _ZOOM)
    across, down = _normal(generator, 2, count) * _SHIFT
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    cosine, sine = zoom * turn.cos(), zoom * turn.sin()
    matrices = torch.stack([mirror * cosine, -sine, across, mirror * sine, cosine, down], 1).view(-1, 2, 3)
    grid = functional.affine_grid(matrices.to(images), list(images.shape), align_corners=False)
    return functional.grid_sample(images.contiguous(), grid, padding_mode="reflection", align_corners=False)


def _lit(images: Tensor, generator: torch.Generator) -> Tensor:
    count = len(images)
    light = _normal(generator, count, 1, 1, 1) * _LIGHT + _normal(generator, count, 3, 1, 1) * _TINT
    contrast = torch.exp(_normal(generator, count, 1, 1, 1) * _CONTRAST)
    colour = (1 + _normal(generator, count, 1, 1, 1) * _COLOUR).clamp(0, 2)
    grey = images.mean(1, keepdim=True)
    coloured = grey + (images - grey) * colour.to(images)
    middle = coloured.mean((1, 2, 3), keepdim=True)
    return ((coloured - middle) * contrast.to(images) + middle) * light.exp().to(images)


def _coarse(image: Tensor, generator: torch.Generator) -> Tensor:
    """Fewer pixels, and back."""
    if torch.rand(1, generator=generator).item() >= _COARSE_SHARE:
        return image
    side = image.shape[-1]
    pixels = max(1, round(int(torch.randint(*_COARSE, (1,), generator=generator)) * side / 112))
    small = functional.interpolate(image[None], size=(pixels, pixels), mode="area")
    return functional.interpolate(small, size=side, mode="bilinear")[0]


def _normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator)
