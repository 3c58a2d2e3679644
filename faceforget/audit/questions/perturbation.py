"""Is the person recognised again in nearly the same photo? Small changes of it, random or made on purpose.

A photo that the model no longer names may lie beside one that it names: residual knowledge (Hsu et al. 2026,
arXiv 2601.22359), the chance to be recognised in a small ball around the photo, relative to a model that never
saw the person. Here it is the share of photos with at least one such change, so that photos are what is counted.
Every network yields to a change made on purpose that is large enough: compare with the model before, with a
retrained one, or with strangers' photos changed towards the same row.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from faceforget.audit.estimates import Measured, Rate, Sides
from faceforget.audit.measures.heat_energy import spread
from faceforget.audit.question import Material, Question
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.rows import known, measured, missing, reference_line, reference_name, table, who
from faceforget.audit.shown.section import Chart, Ranges, Row, Section
from faceforget.audit.shown.words import photos_of, rate
from faceforget.audit.view import Crops
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
_CHANGED = 12
# Of 255 levels; larger ones make any model name anybody.
_ATTACKS = (1, 2)
_KINDS = {"random": "random change", "attack": "change made on purpose"}


class BroughtBack(Question[Sides[Mapping[str, Rate]]]):
    """Photos recognised again after a small change, the persons' rows in place; on purpose in a deep audit only."""

    name = "perturbation"
    place = 60
    asks = "Does a small change of a photo bring the person back?"

    def ask(self, material: Material) -> Sides[Mapping[str, Rate]]:
        """Of the photos that the erasure read at most twelve are changed; without them, of the unseen.

        The reference is strangers' photos changed towards the same rows in the model after.
        """
        faces = material.faces
        own = {name: crops[:_CHANGED] for name, crops in (faces.forget_photos or faces.forgotten).items()}
        others = [crop for _, _, crop in spread(faces.strangers, _CHANGED)]

        def changed(model: Recognizer, photos: Mapping[str, Crops]) -> dict[str, Rate]:
            found = [
                perturbation(
                    model,
                    crops,
                    model.index_of(name),
                    attacks=_ATTACKS if material.deep else (),
                    seed=material.seed,
                    progress=material.progress,
                )
                for name, crops in photos.items()
            ]
            return {kind: _pooled([one[kind] for one in found]) for kind in found[0]}

        reference = changed(material.compared.after.model, dict.fromkeys(own, np.stack(others))) if others else None
        return Sides(
            changed(material.compared.before.model, own), changed(material.compared.after.model, own), reference
        )

    def section(self, report: AuditReport, answer: Sides[Mapping[str, Rate]]) -> Section | None:
        """By kind and size of the change."""
        if not answer.after:
            return None
        rows = _rows(answer)
        words = "Share of photos whose best candidate is the person, the old row put back."
        return Section(
            title=self.asks,
            sentence=_sentence(report, answer),
            charts=(Chart(Ranges(measured(rows), reference=reference_name(report)), words),) if measured(rows) else (),
            missing=missing(rows),
            method="Residual knowledge (Hsu et al. 2026, arXiv 2601.22359): each colour of each pixel is changed by at "
            f"most so many of 255 levels; at random, and recognised in at least one of {DRAWS} draws, or on purpose by "
            f"{STEPS} steps of projected gradient ascent towards the person (Madry et al. 2018, arXiv 1706.06083; "
            "only in a deep audit).",
            basis=f"{photos_of(next(iter(answer.after.values())))} of {who(report)}; Wilson intervals.",
            reference=reference_line(report)
            + " Every network yields to a change made on purpose if it may be large enough.",
            tables=(table(report, "All numbers on small changes", rows),),
        )


def _pooled(rates: list[Rate]) -> Rate:
    return Rate(sum(rate.hits for rate in rates), sum(rate.photos for rate in rates))


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


def _rows(sides: Sides[Mapping[str, Rate]]) -> list[Row]:
    def value(side: Mapping[str, Measured] | None, kind: str) -> Measured | None:
        return None if side is None else side.get(kind)

    return [
        Row(_words(kind), value(sides.before, kind), value(sides.after, kind), value(sides.reference, kind))
        for kind in sides.after
    ]


def _words(kind: str) -> str:
    name, _, size = kind.partition("_")
    if not size:
        return kind.capitalize()
    return f"{_KINDS.get(name, name)}, up to {size} of 255 levels".capitalize()


def _sentence(report: AuditReport, sides: Sides[Mapping[str, Rate]]) -> str:
    after = sides.after
    same, changed = (
        after.get("unchanged"),
        [(kind, found) for kind, found in after.items() if "_" in kind and known(found)],
    )
    if not known(same) or not changed:
        return f"Whether a small change of a photo brings {who(report)} back could not be measured."
    kind, most = max(changed, key=lambda item: (item[1].value or 0.0, item[0].startswith("random")))
    back = f"{rate(most)} after a {_KINDS.get(kind.split('_')[0], '')} of up to {kind.split('_')[1]} of 255 levels"
    if (most.value or 0) <= (same.value or 0 if same else 0):
        back = "no more of them after the small changes that were tried"
    elif known((sides.reference or {}).get(kind)):
        back += f" ({reference_name(report)}: {rate((sides.reference or {})[kind])})"
    return f"With the old row put back, {rate(same)} of the photos are recognised as they are, and {back}."


QUESTION = BroughtBack()
