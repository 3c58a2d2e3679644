"""The backbone as a chain of segments, so that each one can learn from the teacher's own maps."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from faceforget.recognizer.mobilefacenet import MobileFaceNet

# (size of the crop of the segment's input, stride) for the first segments, whose maps are large
# and whose pixels resemble each other: a part of the map teaches almost as much as all of it.
_CROPS = {0: (40, 2), 1: (20, 1), 2: (20, 2), **dict.fromkeys(range(3, 7), (14, 1)), 7: (14, 2)}
_CROPS |= dict.fromkeys(range(8, 14), (10, 1))


class _Head(nn.Module):
    """From the last map to the embedding."""

    def __init__(self, network: MobileFaceNet) -> None:
        super().__init__()
        self.conv2, self.gdconv = network.conv2, network.gdconv
        self.conv3, self.bn = network.conv3, network.bn

    def forward(self, x: Tensor) -> Tensor:
        embedding: Tensor = self.bn(self.conv3(self.gdconv(self.conv2(x))).flatten(1))
        return embedding


def chain(network: MobileFaceNet) -> nn.ModuleList:
    """The 18 segments that one after the other are the network; they share its parameters."""
    return nn.ModuleList([network.conv1, network.dw_conv, *network.features, _Head(network)])


def fold_batch_norm(module: nn.Module) -> None:
    """Fold each batch norm into the convolution before it, in place: a faster frozen teacher."""
    previous: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and previous and isinstance(previous[1], nn.Conv2d):
            setattr(module, previous[0], fuse_conv_bn_eval(previous[1], child))
            setattr(module, name, nn.Identity())
        else:
            fold_batch_norm(child)
        previous = (name, child)


class Maps(nn.Module):
    """All segments' outputs, the embedding last."""

    def __init__(self, segments: nn.ModuleList) -> None:
        super().__init__()
        self.segments = segments

    def forward(self, x: Tensor) -> list[Tensor]:
        """Outputs ``18 x (N, C, H, W)``, the last ``(N, 128)``."""
        outputs = []
        for segment in self.segments:
            x = segment(x)
            outputs.append(x)
        return outputs


def relative_error(x: Tensor, target: Tensor) -> Tensor:
    """Mean squared error over the target's variance: 0 is perfect, 1 is as good as its mean."""
    return nn.functional.mse_loss(x, target) / target.var().clamp_min(1e-6)


class Corner(NamedTuple):
    """Where a crop begins, as a share of the room that is left."""

    top: float
    left: float


def segment_error(segment: nn.Module, index: int, x: Tensor, target: Tensor, corner: Corner) -> Tensor:
    """Error of one segment that is given the teacher's input and has to give the teacher's output."""
    if index not in _CROPS:
        return relative_error(segment(x), target)
    size, stride = _CROPS[index]
    room = (x.shape[-1] - size) // stride
    top, left = round(corner.top * room), round(corner.left * room)
    part = x[..., top * stride : top * stride + size, left * stride : left * stride + size]
    out = size // stride
    wanted = target[..., top : top + out, left : left + out]
    # The rim is computed from padding here and from neighbours in the teacher.
    part = part.contiguous(memory_format=torch.channels_last)
    return relative_error(segment(part)[..., 1:-1, 1:-1], wanted[..., 1:-1, 1:-1])


def embedding_loss(x: Tensor, target: Tensor, relational: float) -> tuple[Tensor, Tensor]:
    """One minus cosine to the teacher's embedding plus the error of the similarities in the batch.

    Source of the second term: Park et al. 2019, "Relational Knowledge Distillation", with cosines
    for distances.
    """
    x, target = nn.functional.normalize(x, dim=1), nn.functional.normalize(target, dim=1)
    cosine = (x * target).sum(1).mean()
    relation = nn.functional.mse_loss(x @ x.T, target @ target.T)
    return 1 - cosine + relational * relation, cosine
