"""Endless training faces: augmentation and blends of a pool of aligned crops.

The teacher labels whatever comes out, so nothing here has to keep an identity: a blend of two
faces is simply a third one.
"""

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from pretrained.face_pool import TEMPLATE_SIZE

RGB = NDArray[np.uint8]


def blend(a: RGB, b: RGB, rng: np.random.Generator) -> RGB:
    """A third face from two aligned ones: an even mix, or regions of one in the other."""
    size = a.shape[0]
    if rng.random() < 0.4:
        weight = rng.uniform(0.25, 0.75)
        return np.asarray(cv2.addWeighted(a, weight, b, 1 - weight, 0), dtype=np.uint8)
    # A soft edge at a random angle: eyes of the one, mouth of the other.
    angle = rng.uniform(0, 2 * np.pi)
    offset = rng.uniform(-0.18, 0.18) * size
    grid = np.arange(size, dtype=np.float32) - size / 2
    distance = np.cos(angle) * grid[None, :] + np.sin(angle) * grid[:, None] - offset
    mask = (1 / (1 + np.exp(-distance / rng.uniform(1.0, 8.0))))[..., None].astype(np.float32)
    return np.asarray(a * mask + b * (1 - mask), dtype=np.uint8)


def jitter(crop: RGB, strength: float, rng: np.random.Generator) -> RGB:
    """Random similarity transform and mirror, cut to the network's input size."""
    size = crop.shape[0]
    angle = rng.normal(0, 5) * strength
    scale = np.exp(rng.normal(0, 0.06) * strength)
    matrix = cv2.getRotationMatrix2D((size / 2, size / 2), angle, scale)
    matrix[:, 2] += rng.normal(0, 2.5, 2) * strength - (size - TEMPLATE_SIZE) / 2
    if rng.random() < 0.5:
        matrix[0] *= -1
        matrix[0, 2] += TEMPLATE_SIZE - 1
    flags = cv2.INTER_LINEAR
    cut = cv2.warpAffine(crop, matrix, (TEMPLATE_SIZE, TEMPLATE_SIZE), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(cut, dtype=np.uint8)


def colour(crop: RGB, strength: float, rng: np.random.Generator) -> RGB:
    """Brightness, contrast, gamma, saturation and a colour cast."""
    x = crop.astype(np.float32) / 255
    grey = x @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    saturation = 0.0 if rng.random() < 0.05 else 1 + rng.normal(0, 0.25) * strength
    x = grey[..., None] + (x - grey[..., None]) * np.float32(saturation)
    gain = np.exp(rng.normal(0, 0.15) * strength + rng.normal(0, 0.06, 3) * strength).astype(np.float32)
    mean = x.mean()
    contrast = np.float32(np.exp(rng.normal(0, 0.15) * strength))
    x = ((x - mean) * contrast + mean) * gain + np.float32(rng.normal(0, 0.05) * strength)
    return np.asarray(np.clip(x * 255, 0, 255), dtype=np.uint8)


def degrade(crop: RGB, rng: np.random.Generator) -> RGB:
    """One of blur, low resolution, JPEG, noise."""
    kind = rng.integers(4)
    size = crop.shape[0]
    if kind == 0:
        return np.asarray(cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.4, 1.8)), dtype=np.uint8)
    if kind == 1:
        small = int(rng.uniform(32, 100))
        shrunk = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(shrunk, (size, size), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    if kind == 2:
        code = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(15, 80))])[1]
        return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), dtype=np.uint8)
    noise = rng.normal(0, rng.uniform(2, 14), crop.shape)
    return np.asarray(np.clip(crop + noise, 0, 255), dtype=np.uint8)


def occlude(crop: RGB, rng: np.random.Generator) -> RGB:
    """Cover a rectangle with one colour, as a hand, a scarf or sunglasses would."""
    height, width = (rng.uniform(0.12, 0.45, 2) * TEMPLATE_SIZE).astype(int)
    top, left = rng.integers(0, TEMPLATE_SIZE - height), rng.integers(0, TEMPLATE_SIZE - width)
    crop = crop.copy()
    crop[top : top + height, left : left + width] = rng.integers(0, 256, 3)
    return crop


def sample(pool: RGB, rng: np.random.Generator, blends: float) -> RGB:
    """One ``(112, 112, 3)`` training face. A third of them stay close to a plain photo."""
    crop = pool[rng.integers(len(pool))]
    if rng.random() < blends:
        crop = blend(crop, pool[rng.integers(len(pool))], rng)
    strength = float(rng.choice([0.3, 1.0, 1.5], p=[0.4, 0.4, 0.2]))
    crop = jitter(crop, strength, rng)
    if rng.random() < 0.7:
        crop = colour(crop, strength, rng)
    if rng.random() < 0.3 * strength:
        crop = degrade(crop, rng)
    if rng.random() < 0.1 * strength:
        crop = occlude(crop, rng)
    return crop


class EndlessFaces(IterableDataset[Tensor]):
    """Batches ``(B, 112, 112, 3)`` uint8, never ending, the same for the same seed."""

    def __init__(self, pool: RGB, batch: int, seed: int, blends: float) -> None:
        self.pool, self.batch, self.seed, self.blends = pool, batch, seed, blends

    def __iter__(self) -> Iterator[Tensor]:
        """Yield batches for as long as somebody asks."""
        cv2.setNumThreads(1)
        rng = np.random.default_rng(self.seed)
        while True:
            yield torch.from_numpy(np.stack([sample(self.pool, rng, self.blends) for _ in range(self.batch)]))


def batches(pool: RGB, batch: int, seed: int, blends: float = 0.4) -> Iterator[Tensor]:
    """Batches made ahead in a process of their own, since augmentation would stall the training."""
    dataset = EndlessFaces(pool, batch, seed, blends)
    return iter(DataLoader(dataset, batch_size=None, num_workers=1, prefetch_factor=4))
