"""Files of weights: read without running any code, and compared with an architecture."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from faceforget.errors import BackboneError
from faceforget.recognizer.foreign import it_is
from faceforget.recognizer.spec import BackboneSpec


def fits(spec: BackboneSpec, weights: Mapping[str, Tensor]) -> bool:
    """Whether the shapes are an architecture's; the batch norms' step counters may be missing."""
    with torch.device("meta"):  # shapes only: comparing costs no memory
        expected = {key: value.shape for key, value in spec.build().state_dict().items()}
    needed = {key for key in expected if not key.endswith("num_batches_tracked")}
    return needed <= weights.keys() <= expected.keys() and all(weights[key].shape == expected[key] for key in weights)


def network_weights(path: Path) -> dict[str, Tensor]:
    """Tensors of an untrusted file, without the classifier that facenet-pytorch's files carry.

    Raises:
        BackboneError: It cannot be read, or holds something else than tensors.
    """
    return {key: value for key, value in _read(path).items() if not key.startswith("logits.")}


def _read(path: Path) -> dict[str, Tensor]:
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
