"""MobileFaceNet, the ``mobile`` backbone (Chen et al. 2018, arXiv 1804.07573).

About one million parameters; 112x112 aligned RGB in, 128 values out. The blocks are
torchvision's ``InvertedResidual`` (MobileNetV2); the global depthwise convolution at the
end is the paper's replacement for average pooling.
"""

from typing import NamedTuple

from torch import Tensor, nn
from torchvision.models.mobilenetv2 import InvertedResidual

EMBEDDING_SIZE = 128
INPUT_SIZE = 112


class Stage(NamedTuple):
    """A run of inverted residual blocks of one width."""

    expansion: int
    channels: int
    repeats: int
    stride: int


STAGES = (
    Stage(2, 64, 5, 2),
    Stage(4, 128, 1, 2),
    Stage(2, 128, 6, 1),
    Stage(4, 128, 1, 2),
    Stage(2, 128, 2, 1),
)


class _DepthwiseSeparable(nn.Module):
    """Depthwise 3x3, then pointwise, each with batch norm and ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.depthwise(x)))
        features: Tensor = self.relu(self.bn2(self.pointwise(x)))
        return features


class _GlobalDepthwise(nn.Module):
    """Depthwise convolution over the whole 7x7 map: a learned pooling per channel."""

    def __init__(self, channels: int, kernel: int = 7) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, kernel, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        pooled: Tensor = self.bn(self.depthwise(x))
        return pooled


def _conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )


class MobileFaceNet(nn.Module):
    """Face embedder.

    Shape: ``(N, 3, 112, 112)`` normalised RGB to ``(N, 128)``, not of unit length; compare by cosine.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _conv_bn(3, 64, 3, stride=2)
        self.dw_conv = _DepthwiseSeparable(64)
        blocks: list[nn.Module] = []
        width = 64
        for stage in STAGES:
            for repeat in range(stage.repeats):
                stride = stage.stride if repeat == 0 else 1
                blocks.append(InvertedResidual(width, stage.channels, stride, stage.expansion))
                width = stage.channels
        self.features = nn.Sequential(*blocks)
        self.conv2 = _conv_bn(width, 512, 1)
        self.gdconv = _GlobalDepthwise(512)
        self.conv3 = nn.Conv2d(512, EMBEDDING_SIZE, 1)
        self.bn = nn.BatchNorm1d(EMBEDDING_SIZE)

    def forward(self, x: Tensor) -> Tensor:
        """Embed aligned faces ``(N, 3, 112, 112)`` as ``(N, 128)``."""
        x = self.features(self.dw_conv(self.conv1(x)))
        x = self.conv3(self.gdconv(self.conv2(x)))
        embedding: Tensor = self.bn(x.flatten(1))
        return embedding
