"""``facenet``: facenet-pytorch's InceptionResnetV1; its files are shared with that library."""

from collections.abc import Mapping
from pathlib import Path

from torch import nn

from faceforget.errors import BackboneError
from faceforget.photos.align import Framing
from faceforget.progress import Progress
from faceforget.recognizer.download import download
from faceforget.recognizer.spec import BackboneSpec, Layers
from faceforget.recognizer.transfer import Source
from faceforget.recognizer.weights import fits, network_weights

RELEASE = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9"
FACENET_FILES: Mapping[str, str] = {
    "vggface2": "20180402-114759-vggface2.pt",
    "casia-webface": "20180408-102900-casia-webface.pt",
}


def facenet_source(variant: str) -> Source:
    """The release file of ``vggface2`` or ``casia-webface``.

    Its SHA-256 is not published, so none is given: it is trusted on first use.
    """
    return Source(f"facenet {variant}", f"{RELEASE}/{FACENET_FILES[variant]}")


def facenet_folder() -> Path:
    """The folder in which facenet-pytorch itself looks: ``checkpoints`` in torch's home."""
    from facenet_pytorch.models.inception_resnet_v1 import get_torch_home

    return Path(get_torch_home()) / "checkpoints"


def facenet_path(variant: str) -> Path:
    """Where the weights lie, or will lie after the first use."""
    return facenet_folder() / FACENET_FILES[variant]


def _build() -> nn.Module:
    from facenet_pytorch import InceptionResnetV1

    network: nn.Module = InceptionResnetV1(pretrained=None, classify=False)
    return network


def _weights(variant: str, progress: Progress) -> tuple[Path, str]:
    """Downloaded on first use, to where facenet-pytorch looks for them."""
    variant = variant or next(iter(FACENET_FILES))
    if variant not in FACENET_FILES:
        raise BackboneError(
            f"facenet has no weights called {variant!r}.", f"Known weights: {', '.join(FACENET_FILES)}."
        )
    path = download(facenet_source(variant), facenet_folder(), check=_check, progress=progress)
    return path, f"facenet:{variant}"


def _check(path: Path) -> None:
    if not fits(SPEC, network_weights(path)):
        raise BackboneError(f"The weights in {path} are not an InceptionResnetV1's.", "Delete the file.")


SPEC = BackboneSpec(
    "facenet",
    Framing("box", 160, margin=14),
    # (x - 127.5) / 128 on 0..255, as facenet-pytorch's fixed_image_standardization.
    (127.5 / 255,) * 3,
    (128 / 255,) * 3,
    512,
    (0.05, 0.14),  # a guess: the weights could not be had to measure it
    _build,
    _weights,
    Layers(
        "block8",
        "last_bn",
        ("repeat_1", "repeat_2", "repeat_3", "block8", "avgpool_1a"),
        ("last_linear", "last_bn"),
    ),
)
