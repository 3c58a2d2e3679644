"""``mobile``: the shipped MobileFaceNet."""

from pathlib import Path

from faceforget.errors import BackboneError
from faceforget.files import sha256_file
from faceforget.photos.align import Framing
from faceforget.progress import Progress
from faceforget.recognizer.mobilefacenet import EMBEDDING_SIZE, INPUT_SIZE, MobileFaceNet
from faceforget.recognizer.spec import BackboneSpec, Layers
from faceforget.resources import RESTORE, SHIPPED_MOBILE


def _weights(variant: str, progress: Progress) -> tuple[Path, str]:
    """Shipped; compared with the SHA-256 beside them."""
    if variant:
        raise BackboneError(f"mobile has no weights called {variant!r}.", "Leave out the colon and what follows it.")
    if not SHIPPED_MOBILE.is_file():
        raise BackboneError(
            "The shipped weights of `mobile` are not in this installation.",
            "Give a file with the weights of a MobileFaceNet as backbone instead.",
            code="no-shipped-weights",
        )
    expected = SHIPPED_MOBILE.with_name(SHIPPED_MOBILE.name + ".sha256").read_text().split()[0]
    if sha256_file(SHIPPED_MOBILE) != expected:
        raise BackboneError(f"{SHIPPED_MOBILE} is not the file that was shipped: its SHA-256 differs.", RESTORE)
    return SHIPPED_MOBILE, "mobile"


SPEC = BackboneSpec(
    "mobile",
    Framing("five_point", INPUT_SIZE),
    (0.485, 0.456, 0.406),
    (0.229, 0.224, 0.225),
    EMBEDDING_SIZE,
    (0.04, 0.11),  # of four: LFW and web photos, this network and its teacher (`python -m benchmarks.strangers`)
    MobileFaceNet,
    _weights,
    Layers("conv2", "bn", ("features.4", "features.11", "features.14", "conv2", "gdconv"), ("conv3", "bn")),
)
