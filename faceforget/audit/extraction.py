"""What an adversary with the file finds in it: directions that may be a template of somebody, and what these are worth.

The adversary holds a model's file, the public network that it was enrolled from, and photos of people who are in
nothing. A direction of the embedding that an erasure singled out is a template of the erased person, as exact as a
photo; so is a layer that looks for them. Where the public network is not at hand, only the file itself can be read.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from faceforget.audit.roc import threshold_at
from faceforget.recognizer.head import to_images
from faceforget.recognizer.recognizer import Recognizer
from faceforget.unlearn.layers.projection import last_linear
from faceforget.unlearn.layers.scatter import Scatter

# Of each map that many of its least, and of its most changed, directions are tried.
_TRIED = 2
_RIDGE = 1e-3


@dataclass(frozen=True)
class Embedded:
    """Embeddings ``(N, D)`` of the same photos, not of unit length, by the file's network and by the public one."""

    file: Tensor
    public: Tensor


def last_layer(model: Recognizer) -> Tensor | None:
    """The linear map ``(D, F)`` that makes the embedding, its batch norm in it; None where a nonlinear layer does."""
    size = model.spec.framing.size
    image = to_images(torch.zeros(1, size, size, 3, dtype=torch.uint8), model.device)
    weight = last_linear(model.classifier, model.classifier.head, image)
    return None if weight is None else weight.detach().flatten(1).double()


def templates(model: Recognizer, public: Recognizer, attackers: Embedded) -> dict[str, Tensor]:
    """Directions ``(T, D)`` of unit length that a file may give away, by where they were found.

    Args:
        model: The file.
        public: The network that it was enrolled from.
        attackers: Of the adversary's photos, some hundreds, of people who are in nothing.

    Returns:
        ``regions``: the middles in a layer of regions. ``last layer``: what it passes on least. ``map of weights``: of
        the map from the public last layer to the file's, what it passes on least and what it changes most.
        ``regression``: the same of a regression from public embeddings to the file's. Each with both signs.
    """
    weight, before = last_layer(model), last_layer(public)
    regions = [module.directions.detach() for module in model.classifier.modules() if isinstance(module, Scatter)]
    found = {"regions": torch.cat([torch.zeros(0, attackers.file.shape[1]).to(attackers.file), *regions])}
    if weight is not None:
        found["last layer"] = torch.linalg.svd(weight).U.T[-_TRIED:]
        if before is not None and before.shape == weight.shape:
            found["map of weights"] = _singled_out(weight @ torch.linalg.pinv(before))
    found["regression"] = _singled_out(_regression(attackers.public, attackers.file))
    return {where: _both_signs(directions) for where, directions in found.items()}


def worth(directions: Tensor, own: Tensor, others: Tensor, far: float) -> float:
    """True-accept rate of the best of some directions, as templates.

    Args:
        directions: ``(T, D)`` of unit length.
        own: ``(N, D)`` embeddings of the person.
        others: ``(M, D)`` of strangers, of whose photos a share ``far`` may be accepted.
        far: In [0, 1).
    """
    if len(directions) == 0:
        return 0.0
    one, other = (functional.normalize(photos, dim=1) @ directions.to(photos).T for photos in (own, others))
    return max(tar(one[:, at], other[:, at], far) for at in range(len(directions)))


def tar(own: Tensor, others: Tensor, far: float) -> float:
    """Share of scores ``(N,)`` above the threshold that a share ``far`` of others' ``(M,)`` may pass."""
    return float((own.cpu().numpy() > threshold_at(others.cpu().numpy(), far)).mean())


def deviation(photos: Embedded) -> Tensor:
    """How far each photo's embedding turned from the public network's: 1 - cosine, ``(N,)``."""
    return 1 - functional.cosine_similarity(photos.file, photos.public)


def standing(photos: Embedded, rows: Tensor) -> Mapping[str, float]:
    """Of one person's photos, figures by which somebody stands out among strangers.

    Args:
        photos: Two or more.
        rows: ``(C, D)`` of those who are enrolled.

    Returns:
        ``self_similarity``: mean cosine of their pairs; ``length`` of the embeddings; ``deviation`` from the public
        network; ``best_similarity`` with a row.
    """
    unit = functional.normalize(photos.file, dim=1)
    one, two = torch.triu_indices(len(unit), len(unit), 1)
    return {
        "self_similarity": float((unit @ unit.T)[one, two].mean()),
        "length": float(photos.file.norm(dim=1).mean()),
        "deviation": float(deviation(photos).mean()),
        "best_similarity": float((unit @ functional.normalize(rows, dim=1).T).amax(1).mean()),
    }


def _singled_out(matrix: Tensor) -> Tensor:
    """Of a map ``(D, D)`` of embeddings: the inputs that it passes on least, and those that it changes most."""
    least = torch.linalg.svd(matrix).Vh[-_TRIED:]
    most = torch.linalg.svd(matrix - torch.eye(len(matrix)).to(matrix)).Vh[:_TRIED]
    return torch.cat([least, most])


def _regression(inputs: Tensor, outputs: Tensor) -> Tensor:
    """The matrix ``(D, D)`` of a ridge regression of unit embeddings ``(N, D)``, about their means."""
    x, y = (functional.normalize(each.double(), dim=1) for each in (inputs, outputs))
    x, y = x - x.mean(0), y - y.mean(0)
    gram = x.T @ x
    ridge = _RIDGE * gram.trace() / len(gram) * torch.eye(len(gram)).to(gram)
    matrix: Tensor = torch.linalg.solve(gram + ridge, x.T @ y).T
    return matrix


def _both_signs(directions: Tensor) -> Tensor:
    unit = functional.normalize(directions.float(), dim=1)
    return torch.cat([unit, -unit])
