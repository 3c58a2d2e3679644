"""An embedder seen from its last linear layer on: a rotation that can be trained, then folded into that layer."""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceforget.errors import MethodError
from faceforget.unlearn.images import Images
from faceforget.unlearn.layers.head import features_of, find_head
from faceforget.unlearn.layers.projection import project_features, replace_layer
from faceforget.unlearn.layers.scatter import Scatter, ScatterPlace

# How far the products of a matrix's rows may be from a rotation's; up to the second number the iteration converges.
_CLOSE, _FAR, _POLAR_STEPS = 1e-4, 0.9, 7
# Nothing that could be told apart by eye in an image's features.
_SAME = 1e-4


class MatrixedEmbedding(nn.Module):
    """What comes after the embedding: a matrix, the layer of an earlier erasure where there is one, and the head.

    Shape: ``(N, D)`` embeddings to ``(N, C)`` logits.

    Attributes:
        matrix: ``(D, D)``, first the identity, and a rotation wherever :meth:`make_rotation` was called.
    """

    def __init__(self, size: int, scatter: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.eye(size))
        self.scatter = scatter
        self.head = head

    def directions(self, embeddings: Tensor) -> Tensor:
        """Unit embeddings ``(N, D)`` as the head compares them."""
        return functional.normalize(self.scatter(embeddings @ self.matrix.T), dim=1)

    @torch.no_grad()
    def make_rotation(self) -> None:
        """Replace the matrix by the orthogonal one nearest to it, its polar factor.

        By Newton and Schulz's iteration, X -> 1.5 X - 0.5 X Xᵀ X, which squares the error each time; after a step that
        went too far for it, by singular values.
        """
        matrix, identity = self.matrix, torch.eye(len(self.matrix), device=self.matrix.device)
        for _ in range(_POLAR_STEPS):
            gram = matrix @ matrix.T
            off = (gram - identity).norm()
            if off < _CLOSE or not off.isfinite():
                return
            if off > _FAR:
                left, _, right = torch.linalg.svd(matrix)
                matrix.copy_(left @ right)
                return
            matrix.copy_(1.5 * matrix - 0.5 * gram @ matrix)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Classify embeddings."""
        logits: Tensor = self.head(self.scatter(embeddings @ self.matrix.T))
        return logits


def compares_angles(model: nn.Module, images: Images) -> bool:
    """Whether the model's head looks at the direction of an embedding alone, as recognisers of faces do.

    Args:
        model: ``(N, ...)`` images to ``(N, C)`` logits; left as it is.
        images: At least one input.
    """
    try:
        head = find_head(model, images)
    except MethodError:
        return False
    features = features_of(model, images[:1], 1)
    if features.ndim != 2 or not isinstance(getattr(head, "weight", None), Tensor):
        return False
    with torch.no_grad():
        logits, longer = head(features), head(2 * features)
    # A head that says the same of everything would pass, and is none.
    return bool(torch.allclose(logits, longer, atol=_SAME) and logits.abs().max() > _SAME)


def without_scatter(model: nn.Module) -> tuple[nn.Module, Scatter | None]:
    """A copy in whose place for it no earlier erasure's layer is, and that layer."""
    bare = copy.deepcopy(model)
    held = next((module for module in bare.modules() if isinstance(module, Scatter)), None)
    if held is not None:
        replace_layer(bare, held, ScatterPlace())
    return bare, held


def with_matrix(bare: nn.Module, held: Scatter | None, matrix: Tensor, images: Tensor, batch_size: int) -> nn.Module:
    """The model whose embeddings are multiplied by a matrix, in the weights of its last linear layer where that can be.

    Args:
        bare: The caller's own, as from :func:`without_scatter`; changed.
        held: The layer that was taken out, put back.
        matrix: ``(D, D)``.
        images: On which the folding is checked.
        batch_size: Of that check.
    """
    student = project_features(bare, matrix, images, batch_size)
    if held is not None:
        place = next(module for module in student.modules() if isinstance(module, ScatterPlace))
        replace_layer(student, place, held)
    return student
