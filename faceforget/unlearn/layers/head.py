"""The last layer of any classifier: one row of weights per class."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from faceforget.errors import MethodError
from faceforget.unlearn.images import Images, in_batches
from faceforget.unlearn.layers.hooks import evaluating, heard


class _Watch:
    """Remembers the last layer with weights that ran, its input and its output."""

    def __init__(self) -> None:
        self.layer: nn.Module | None = None
        self.features: Tensor | None = None
        self.logits: Tensor | None = None

    def __call__(self, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self.layer, self.features, self.logits = layer, inputs[0], output


def find_head(model: nn.Module, images: Images) -> nn.Module:
    """The layer whose output is the model's output, with ``weight`` ``(C, D, ...)`` and perhaps ``bias`` ``(C,)``.

    Args:
        model: ``(N, ...)`` images to ``(N, C, ...)`` logits; left as it is.
        images: At least one input.

    Raises:
        MethodError: The logits do not come straight from a layer with a row per class.
    """
    return _watch(model, images[:1])[0]


def features_of(model: nn.Module, images: Images, batch_size: int) -> Tensor:
    """What the head sees of each image: ``(N, D)`` features.

    Raises:
        MethodError: As :func:`find_head`.
    """
    indices = torch.split(torch.arange(len(images)), batch_size)
    return torch.cat([_watch(model, batch)[1] for batch in in_batches(images, indices)])


def weight_of(head: nn.Module) -> nn.Parameter:
    """The rows ``(C, D, ...)``."""
    return cast("nn.Parameter", head.weight)


def bias_of(head: nn.Module) -> nn.Parameter | None:
    """The biases ``(C,)``, where there are any."""
    return cast("nn.Parameter | None", getattr(head, "bias", None))


def set_rows(head: nn.Module, rows: Tensor, bias: Tensor | None) -> None:
    """Give a head, which must be the caller's own, other rows ``(C', D, ...)`` and biases ``(C',)``."""
    head.weight = nn.Parameter(rows.detach().clone())
    if bias is not None:
        head.bias = nn.Parameter(bias.detach().clone())
    for size in ("out_features", "out_channels"):  # what Linear and Conv2d print, and some callers read
        if hasattr(head, size):
            setattr(head, size, len(rows))


def keep_rows(head: nn.Module, kept: Sequence[int]) -> None:
    """Cut a head, which must be the caller's own, down to some of its rows."""
    bias = bias_of(head)
    set_rows(head, weight_of(head)[list(kept)], None if bias is None else bias[list(kept)])


@torch.no_grad()
def _watch(model: nn.Module, images: Tensor) -> tuple[nn.Module, Tensor]:
    watch = _Watch()
    layers = [layer for layer in model.modules() if isinstance(getattr(layer, "weight", None), nn.Parameter)]
    with evaluating(model), heard(layers, watch):
        logits: Tensor = model(images)
    layer, features = watch.layer, watch.features
    if layer is None or features is None or watch.logits is not logits or len(weight_of(layer)) != logits.shape[1]:
        raise MethodError(
            "The model's logits do not come straight from a last layer with a row of weights per class.",
            "Use a method that does not edit the last layer, e.g. delete.",
        )
    return layer, features
