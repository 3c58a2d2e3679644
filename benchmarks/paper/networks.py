"""The paper's architectures from torchvision, sized for small images, and a small one for two CPU cores."""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn
from torchvision import models


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class _Residual(nn.Module):
    """What a convolution adds."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = _conv(channels, channels)

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = images + self.block(images)
        return found


def small_resnet(classes: int, size: int, width: int = 48) -> nn.Module:
    """Six convolutions, 22 million multiplications for an image of 32 pixels: for training on a CPU.

    The first has a stride of 2: at full resolution a layer costs much and, in a short training, adds nothing.
    """
    stages = [
        layer
        for channels in (width, 2 * width)
        for layer in (nn.MaxPool2d(2), _conv(channels, 2 * channels), _Residual(2 * channels))
    ]
    first = [_conv(3, width, kernel=4, stride=2), _Residual(width)]
    return nn.Sequential(*first, *stages, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(width * 4, classes))


def resnet18(classes: int, size: int) -> nn.Module:
    """With the stem that is usual for CIFAR: a 3x3 convolution and no pooling, for images below 64 pixels."""
    network = models.resnet18(num_classes=classes)
    if size < 64:
        network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        network.maxpool = nn.Identity()  # type: ignore[assignment]
    return network


def vgg16(classes: int, size: int) -> nn.Module:
    """With batch norm; one linear layer after the convolutions, as is usual for small images."""
    network = models.vgg16_bn(num_classes=classes)
    return nn.Sequential(network.features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


def vit_small(classes: int, size: int) -> nn.Module:
    """ViT-S; 64 patches whatever the size."""
    return models.VisionTransformer(size, size // 8, 12, 6, 384, 1536, num_classes=classes)


def swin_tiny(classes: int, size: int) -> nn.Module:
    """Swin-T with patches of 2 pixels below 64, so that the last stage still has a window."""
    patch = 2 if size < 64 else 4
    return models.SwinTransformer([patch, patch], 96, [2, 2, 6, 2], [3, 6, 12, 24], [4, 4], num_classes=classes)


NETWORKS: dict[str, Callable[[int, int], nn.Module]] = {
    "small": small_resnet,
    "resnet18": resnet18,
    "vgg16": vgg16,
    "vit-s": vit_small,
    "swin-t": swin_tiny,
}


def network_for(name: str, size: int) -> Callable[[int], nn.Module]:
    """A function that makes a fresh network for so many classes."""
    return partial(NETWORKS[name], size=size)
