"""Backbones behind one small interface: framing, normalisation, embedding size, weights.

``mobile`` and ``facenet`` by name, or any weights file of one of these architectures.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from faceforget.errors import BackboneError
from faceforget.files import sha256_file
from faceforget.photos.align import Framing
from faceforget.progress import Progress, silent
from faceforget.recognizer.download import download
from faceforget.recognizer.facenet import FACENET_FILES, facenet_folder, facenet_source
from faceforget.recognizer.foreign import check_weights, it_is
from faceforget.recognizer.mobilefacenet import EMBEDDING_SIZE, INPUT_SIZE, MobileFaceNet
from faceforget.resources import RESTORE, SHIPPED_MOBILE
from faceforget.unlearn.layers.scatter import ScatterPlace

FACENET_WEIGHTS = tuple(FACENET_FILES)


@dataclass(frozen=True)
class BackboneSpec:
    """An architecture and how its photos are prepared.

    Attributes:
        name: As stored in model files.
        framing: The crop it was trained on.
        mean: Per channel, of RGB in [0, 1].
        std: Per channel, of RGB in [0, 1].
        embedding_size: Values per face.
        stranger_cosines: Mean and standard deviation of a stranger's cosine with one row; for enrolments of
            too few people to measure it.
        build: Makes the network with random weights, ``(N, 3, S, S)`` to ``(N, embedding_size)``.
    """

    name: str
    framing: Framing
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    embedding_size: int
    stranger_cosines: tuple[float, float]
    build: Callable[[], nn.Module]


def _build_facenet() -> nn.Module:
    from facenet_pytorch import InceptionResnetV1

    network: nn.Module = InceptionResnetV1(pretrained=None, classify=False)
    return network


MOBILE = BackboneSpec(
    "mobile",
    Framing("five_point", INPUT_SIZE),
    (0.485, 0.456, 0.406),
    (0.229, 0.224, 0.225),
    EMBEDDING_SIZE,
    (0.04, 0.11),  # of four: LFW and web photos, this network and its teacher (`python -m benchmarks.strangers`)
    MobileFaceNet,
)
# (x - 127.5) / 128 on 0..255, as facenet-pytorch's fixed_image_standardization.
FACENET = BackboneSpec(
    "facenet",
    Framing("box", 160, margin=14),
    (127.5 / 255,) * 3,
    (128 / 255,) * 3,
    512,
    (0.05, 0.14),
    _build_facenet,
)  # its stranger_cosines are a guess: the weights could not be had to measure it
# Of a model file, beside the weights of its backbone.
HEAD = "head.weight"
BACKBONES: Mapping[str, BackboneSpec] = {spec.name: spec for spec in (MOBILE, FACENET)}


class Embedder(nn.Module):
    """A backbone with its normalisation inside.

    Shape: ``(N, 3, S, S)`` RGB in [0, 1] to ``(N, D)`` embeddings, not of unit length.

    Attributes:
        network: The backbone.
        scatter: A place for, or the :class:`~faceforget.unlearn.layers.scatter.Scatter` that an erasure put here.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, spec: BackboneSpec, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.scatter: nn.Module = ScatterPlace()
        self.register_buffer("mean", torch.tensor(spec.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(spec.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Embed faces."""
        embedding: Tensor = self.scatter(self.network((images - self.mean) / self.std))
        return embedding


@dataclass(frozen=True)
class LoadedBackbone:
    """A backbone with weights.

    Attributes:
        spec: Its architecture.
        network: On the CPU, in evaluation mode.
        origin: Where the weights came from: a name, and the SHA-256 of a file.
    """

    spec: BackboneSpec
    network: nn.Module
    origin: str


def load_backbone(name_or_file: str | Path, *, progress: Progress = silent) -> LoadedBackbone:
    """Load a backbone by name (``mobile``, ``facenet``, ``facenet:casia-webface``) or weights file.

    The weights of ``facenet`` are downloaded on first use, to where facenet-pytorch looks for them.

    Args:
        name_or_file: Name, or the path of a .safetensors or .pt file of weights.
        progress: Told about a download.

    Raises:
        BackboneError: The name is not known, the weights are missing, cannot be downloaded, were
            changed since their first use, or fit no architecture.
    """
    name, _, variant = str(name_or_file).partition(":")
    if name == "mobile" and not variant:
        if not SHIPPED_MOBILE.is_file():
            raise BackboneError(
                "The shipped weights of `mobile` are not in this installation.",
                "Give a file with the weights of a MobileFaceNet as backbone instead.",
                code="no-shipped-weights",
            )
        _check_shipped(SHIPPED_MOBILE)
        return _from_file(SHIPPED_MOBILE, "mobile")
    if name == "facenet":
        return _facenet(variant or FACENET_WEIGHTS[0], progress)
    check_weights(name_or_file)
    return _from_file(Path(name_or_file), Path(name_or_file).name)


def _facenet(variant: str, progress: Progress) -> LoadedBackbone:
    if variant not in FACENET_WEIGHTS:
        raise BackboneError(
            f"facenet has no weights called {variant!r}.", f"Known weights: {', '.join(FACENET_WEIGHTS)}."
        )
    path = download(facenet_source(variant), facenet_folder(), check=_check_facenet, progress=progress)
    return _from_file(path, f"facenet:{variant}")


def _check_facenet(path: Path) -> None:
    if _spec_of(_without_classes(_read_weights(path))) is not FACENET:
        raise BackboneError(f"The weights in {path} are not an InceptionResnetV1's.", "Delete the file.")


def _check_shipped(path: Path) -> None:
    """Compare the shipped weights with the SHA-256 beside them."""
    expected = path.with_name(path.name + ".sha256").read_text().split()[0]
    if sha256_file(path) != expected:
        raise BackboneError(
            f"{path} is not the file that was shipped: its SHA-256 differs.",
            RESTORE,
        )


def _from_file(path: Path, name: str) -> LoadedBackbone:
    weights = _without_classes(_read_weights(path))
    if HEAD in weights:
        raise BackboneError(
            f"{path} is a model with people in it, expected the weights of a backbone alone.",
            "Give the weights that it was enrolled from.",
        )
    spec = _spec_of(weights)
    if spec is None:
        raise BackboneError(
            f"The weights in {path} fit no known backbone ({', '.join(sorted(BACKBONES))}).",
            "Give the weights of a MobileFaceNet or of facenet-pytorch's InceptionResnetV1.",
        )
    network = spec.build()
    network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in weights.items()}, strict=False)
    return LoadedBackbone(spec, network.eval(), f"{name} sha256:{sha256_file(path)}")


def _spec_of(weights: Mapping[str, Tensor]) -> BackboneSpec | None:
    """The architecture whose shapes these are."""
    for spec in BACKBONES.values():
        with torch.device("meta"):  # shapes only: comparing costs no memory
            expected = {key: value.shape for key, value in spec.build().state_dict().items()}
        if _fits(weights, expected):
            return spec
    return None


def _fits(weights: Mapping[str, Tensor], expected: Mapping[str, torch.Size]) -> bool:
    """Whether the shapes agree; the batch norms' step counters may be missing."""
    needed = {key for key in expected if not key.endswith("num_batches_tracked")}
    return needed <= weights.keys() <= expected.keys() and all(weights[key].shape == expected[key] for key in weights)


def _without_classes(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """facenet-pytorch's files carry the classifier that they were trained with."""
    return {key: value for key, value in weights.items() if not key.startswith("logits.")}


def _read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors of an untrusted file: safetensors, or torch's format without code."""
    # What safetensors and torch say themselves is not passed on: torch advises to load with code.
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # asks to report files of other programs to torch
            content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise BackboneError(
            f"Cannot read {path}: {error.strerror or 'it is damaged'}.", "Give another copy."
        ) from error
    except Exception as error:  # weights_only raises pickle errors of several kinds
        raise BackboneError(
            f"{path} is not a complete file of weights alone: expected .safetensors, or .pt with the tensors of a "
            f"state_dict.{it_is(path)}",
            "Give another copy, or save the state_dict alone as .safetensors.",
        ) from error
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise BackboneError(f"{path} does not hold a dictionary of tensors.", "Save the state_dict alone.")
    return content
