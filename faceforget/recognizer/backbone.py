"""Backbones behind one small interface: framing, normalisation, embedding size, weights.

By name, as the files of :mod:`~faceforget.recognizer.backbones` are called, or any weights file of one of these
architectures.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor, nn

from faceforget.errors import BackboneError
from faceforget.files import sha256_file
from faceforget.progress import Progress, silent
from faceforget.recognizer import backbones
from faceforget.recognizer.foreign import NAMES, check_weights
from faceforget.recognizer.spec import BackboneSpec
from faceforget.recognizer.weights import fits, network_weights
from faceforget.unlearn.layers.scatter import ScatterPlace

# Of a model file, beside the weights of its backbone.
HEAD = "head.weight"
BACKBONES: dict[str, BackboneSpec] = {name: import_module(f"{backbones.__name__}.{name}").SPEC for name in NAMES}


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

    Args:
        name_or_file: Name, or the path of a .safetensors or .pt file of weights.
        progress: Told about a download.

    Raises:
        BackboneError: The name is not known, the weights are missing, cannot be downloaded, were
            changed since their first use, or fit no architecture.
    """
    name, _, variant = str(name_or_file).partition(":")
    if name in BACKBONES and not Path(name_or_file).is_file():
        found = BACKBONES[name].weights
        if found is None:
            raise BackboneError(
                f"The backbone {name} comes without weights.",
                "Give the file with its weights in place of the name: it is recognised by its shapes.",
            )
        return _from_file(*found(variant, progress))
    check_weights(name_or_file)
    return _from_file(Path(name_or_file), Path(name_or_file).name)


def _from_file(path: Path, name: str) -> LoadedBackbone:
    weights = network_weights(path)
    if HEAD in weights:
        raise BackboneError(
            f"{path} is a model with people in it, expected the weights of a backbone alone.",
            "Give the weights that it was enrolled from.",
        )
    spec = next((spec for spec in BACKBONES.values() if fits(spec, weights)), None)
    if spec is None:
        raise BackboneError(
            f"The weights in {path} fit no known backbone ({', '.join(sorted(BACKBONES))}).",
            "Give weights whose tensors have the names and shapes of one of these.",
        )
    network = spec.build()
    network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in weights.items()}, strict=False)
    return LoadedBackbone(spec, network.eval(), f"{name} sha256:{sha256_file(path)}")
