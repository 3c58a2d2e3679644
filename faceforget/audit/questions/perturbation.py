"""Is the person recognised again in nearly the same photo? Small changes of it, random or made on purpose.

A photo that the model no longer names may lie beside one that it names: residual knowledge (Hsu et al. 2026,
arXiv 2601.22359), the chance to be recognised in a small ball around the photo, relative to a model that never
saw the person. Here it is the share of photos with at least one such change, so that photos are what is counted.
Every network yields to a change made on purpose that is large enough: compare with the model before, with a
retrained one, or with strangers' photos changed towards the same row.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from faceforget.audit.estimates import Rate
from faceforget.compute.threads import workers
from faceforget.progress import Progress, silent, tracked
from faceforget.recognizer.head import FaceClassifier, to_images
from faceforget.recognizer.recognizer import Recognizer
from faceforget.unlearn.layers.folding import folded

# The most that a colour of a pixel may change by, of 255 levels.
SIZES = (2, 8)
DRAWS = 3
STEPS = 10

_BATCH = 6  # so that a dozen photos keep two cores busy


def perturbation(
    recognizer: Recognizer,
    crops: NDArray[np.uint8],
    row: int,
    *,
    sizes: Sequence[int] = SIZES,
    attacks: Sequence[int] = (),
    seed: int = 0,
    progress: Progress = silent,
) -> dict[str, Rate]:
    """Share of photos whose best candidate is the person, unchanged and with small changes.

    Args:
        recognizer: With the person's row in place; it stays as it is.
        crops: ``(N, S, S, 3)``, of the person or of strangers.
        row: Of the person.
        sizes: The most that a colour of a pixel may change by, of 255 levels.
        attacks: Sizes of changes made on purpose; some twenty times slower. Beyond 2 every model yields for
            everybody, which says nothing.
        seed: Of the random changes.
        progress: Called after each kind of change.

    Returns:
        ``"unchanged"``; ``"random_SIZE"``, in at least one of ``DRAWS`` draws, uniform within the size; with
        ``attacks`` also ``"attack_SIZE"``, by ten steps of projected gradient ascent of the probability of
        the person (Madry et al. 2018, arXiv 1706.06083, towards a target).
    """
    classifier = folded(recognizer.classifier).requires_grad_(False)
    batches = torch.split(to_images(crops, recognizer.device), _BATCH) if len(crops) else ()
    kinds: dict[str, tuple[Callable[..., Tensor], int]] = {"unchanged": (_unchanged, 0)}
    kinds |= {f"random_{size}": (_random, size) for size in sizes}
    kinds |= {f"attack_{size}": (_attack, size) for size in attacks}
    found: dict[str, Rate] = {}
    with workers(recognizer.device) as pool:
        for kind, (named, size) in tracked(kinds.items(), "changing photos", len(kinds), progress):

            def hits(number: int, named: Callable[..., Tensor] = named, size: int = size) -> int:
                generator = torch.Generator().manual_seed((seed << 16) + number)  # of its own: threads end in any order
                return int(named(classifier, batches[number], row, size / 255, generator).sum())

            found[kind] = Rate(sum(pool.map(hits, range(len(batches)))), len(crops))
    return found


@torch.no_grad()
def _unchanged(classifier: FaceClassifier, images: Tensor, row: int, size: float, generator: torch.Generator) -> Tensor:
    named: Tensor = classifier(images).argmax(1) == row
    return named


@torch.no_grad()
def _random(classifier: FaceClassifier, images: Tensor, row: int, size: float, generator: torch.Generator) -> Tensor:
    """Which photos ``(N,)`` one of the draws lets the model name; done with each as soon as it does."""
    named = torch.zeros(len(images), dtype=torch.bool, device=images.device)
    for _ in range(DRAWS):
        left = torch.nonzero(~named)[:, 0]
        if len(left):
            named[left] = classifier(_nearby(images[left], size, generator)).argmax(1) == row
    return named


def _attack(classifier: FaceClassifier, images: Tensor, row: int, size: float, generator: torch.Generator) -> Tensor:
    """Which photos ``(N,)`` a change made on purpose lets the model name; done with each as soon as it does."""
    named = torch.zeros(len(images), dtype=torch.bool, device=images.device)
    changed = _nearby(images, size, generator)
    # Enough to cross the ball and come back.
    step = 2.5 * size / STEPS
    for _ in range(STEPS):
        left = torch.nonzero(~named)[:, 0]
        if not len(left):
            break
        ascent, known = _ascent(classifier, changed[left], row)
        named[left] = known
        moved = changed[left] + step * ascent.sign()
        changed[left] = _within(moved, images[left], size)
    return named | _unchanged(classifier, changed, row, size, generator)


def _ascent(classifier: FaceClassifier, images: Tensor, row: int) -> tuple[Tensor, Tensor]:
    """Gradient of the person's log probability in each image, and which images are named already."""
    with torch.enable_grad():
        images = images.detach().requires_grad_(True)
        logits = classifier(images)
        (gradient,) = torch.autograd.grad(functional.log_softmax(logits, dim=1)[:, row].sum(), images)
    return gradient, logits.argmax(1) == row


def _nearby(images: Tensor, size: float, generator: torch.Generator) -> Tensor:
    noise = torch.rand(images.shape, generator=generator).to(images.device)
    return _within(images + size * (2 * noise - 1), images, size)


def _within(changed: Tensor, images: Tensor, size: float) -> Tensor:
    """The nearest image in the ball, in [0, 1]."""
    return torch.clamp(changed, images - size, images + size).clamp(0, 1)
