"""Project a model's features linearly, in the weights themselves where the architecture allows it."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceforget.unlearn.images import Images
from faceforget.unlearn.layers.head import features_of, find_head
from faceforget.unlearn.layers.hooks import heard
from faceforget.unlearn.layers.scatter import Scatter

_PASS = (nn.Flatten, nn.Identity, nn.Dropout, Scatter)
_Norm = nn.BatchNorm1d | nn.BatchNorm2d
_Linear = nn.Linear | nn.Conv2d


class Projection(nn.Module):
    """Multiplies features by a matrix.

    Shape: ``(N, D)`` to ``(N, D)``.
    """

    matrix: Tensor

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.register_buffer("matrix", matrix)

    def forward(self, features: Tensor) -> Tensor:
        """Features times the matrix, transposed."""
        return features @ self.matrix.T


@torch.no_grad()
def project_features(
    model: nn.Module, matrix: Tensor, images: Images, batch_size: int, *, into_head: bool = False
) -> nn.Module:
    """Let the head see ``matrix @ features``.

    Folded into the last linear layer (and its batch norm) before the head, so that the architecture stays. Where a
    nonlinear layer stands between them, a :class:`Projection` is put before the head, or the head itself multiplies.

    Args:
        model: The caller's own; changed.
        matrix: ``(D, D)``.
        images: Inputs on which the folding is checked, up to the length of each feature vector
            (some backbones normalise it).
        batch_size: Of that check.
        into_head: Rather than adding a layer, multiply the rows of a linear head: the logits are the same, modules
            and keys stay, and the features before the head stay as they were, too.

    Returns:
        The model.
    """
    head = find_head(model, images)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    expected = features_of(model, images, batch_size) @ matrix.T
    linear, norm = _tail(model, head, images)
    if linear is not None and len(linear.weight) == len(matrix):
        _fold(linear, norm, matrix)
        if _same_directions(features_of(model, images, batch_size), expected):
            return model
        model.load_state_dict(before)
    if into_head and isinstance(head, nn.Linear):
        head.weight.copy_(head.weight @ matrix)
        return model
    replace_layer(model, head, nn.Sequential(Projection(matrix), head))
    return model


def _tail(model: nn.Module, head: nn.Module, images: Images) -> tuple[_Linear | None, _Norm | None]:
    """The linear layer that feeds the head, and the batch norm between them."""
    ran: list[nn.Module] = []
    leaves = [module for module in model.modules() if not list(module.children())]
    with heard(leaves, lambda layer, inputs, output: ran.append(layer)):
        model(images[:1])
    before = [layer for layer in ran[: ran.index(head)] if not isinstance(layer, _PASS)]
    norm: _Norm | None = None
    if before and isinstance(before[-1], _Norm):
        norm = before.pop()  # type: ignore[assignment]
    last = before[-1] if before else None
    if isinstance(last, nn.Linear) or (isinstance(last, nn.Conv2d) and last.groups == 1):
        return last, norm
    return None, None


def _fold(linear: _Linear, norm: _Norm | None, matrix: Tensor) -> None:
    """Make the two layers give ``matrix`` times what they gave.

    y = a (W x + b) + c becomes y' = a (W' x + b') + c with W' = a⁻¹ M a W: weights keep their scale, so that a
    training that follows finds them as it would have. Where a is 0 nothing is changed; the caller's check sees it.
    """
    scale, offset = _affine(linear, norm)
    if scale.abs().min() == 0:
        return
    bias = linear.bias if linear.bias is not None else torch.zeros_like(offset)
    shift = matrix @ (scale * bias + offset)
    linear.weight.copy_(torch.einsum("ij,j...->i...", matrix * scale / scale[:, None], linear.weight))
    if linear.bias is not None:
        linear.bias.copy_((shift - offset) / scale)
    elif norm is not None and norm.bias is not None:
        norm.bias.add_(shift - offset)


def _affine(linear: _Linear, norm: _Norm | None) -> tuple[Tensor, Tensor]:
    """What the norm multiplies each output of the layer with, and adds: ``(D,)`` each."""
    ones = torch.ones(len(linear.weight)).to(linear.weight)
    if norm is None or norm.running_mean is None or norm.running_var is None:
        return ones, torch.zeros_like(ones)
    scale = (norm.running_var + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight
    return scale, -norm.running_mean * scale + (norm.bias if norm.bias is not None else 0)


def last_linear(model: nn.Module, head: nn.Module, images: Images) -> Tensor | None:
    """The matrix ``(D, ...)`` that makes the head's inputs, its batch norm in it; None where a nonlinear layer does."""
    linear, norm = _tail(model, head, images)
    if linear is None:
        return None
    scale, _ = _affine(linear, norm)
    return scale.view(-1, *[1] * (linear.weight.ndim - 1)) * linear.weight


def _same_directions(found: Tensor, expected: Tensor) -> bool:
    return torch.allclose(functional.normalize(found, dim=1), functional.normalize(expected, dim=1), atol=1e-3)


def replace_layer(model: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put ``new`` where ``old`` is; the model is the caller's own."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if child is old:
                setattr(parent, name, new)
                return


def complement(directions: Tensor) -> Tensor:
    """``I - U Uᵀ`` ``(D, D)``: the projection onto what is orthogonal to all ``(F, D)`` directions."""
    basis, _ = torch.linalg.qr(directions.double().T)
    matrix: Tensor = torch.eye(len(basis), dtype=torch.float64, device=basis.device) - basis @ basis.T
    return matrix.to(directions.dtype)
