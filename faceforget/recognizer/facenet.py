"""Where facenet-pytorch's weights come from and lie; the files are shared with that library."""

from collections.abc import Mapping
from pathlib import Path

from faceforget.recognizer.transfer import Source

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
