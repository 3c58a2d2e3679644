"""A recogniser as one safetensors file whose metadata makes it self-contained.

Loading checks every field and a digest over metadata and weights, and says what is wrong with a
foreign, truncated, changed, older or newer file.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from faceforget.errors import ModelFileError
from faceforget.fields import problems
from faceforget.files import write_atomically
from faceforget.photos.cache import PREPROCESSING_VERSION
from faceforget.recognizer.backbone import BACKBONES, HEAD
from faceforget.recognizer.foreign import check_model_file, it_is
from faceforget.recognizer.recognizer import Recognizer, Threshold, new_classifier
from faceforget.recognizer.spec import BackboneSpec
from faceforget.unlearn.layers.scatter import Scatter, ScatterPlace

FORMAT = "faceforget-recognizer"
FORMAT_VERSION = 1
_NETWORK = "embedder.network."
_SCATTER = "embedder.scatter."


class _Header(BaseModel):
    """The outer layer, readable by every version."""

    model_config = ConfigDict(frozen=True)
    format_version: int
    description: str = ""
    digest: str = ""


class _ThresholdFields(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    cosine: float = Field(ge=-1, le=1)
    false_accept_rate: float = Field(ge=0, le=1)
    calibrated_on: str


class _Metadata(BaseModel):
    """What a model file says about itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    backbone: str
    preprocessing: int
    labels: tuple[str, ...] = Field(min_length=1)
    scale: float = Field(gt=0)
    threshold: _ThresholdFields
    history: tuple[dict[str, Any], ...]

    @model_validator(mode="after")
    def _labels_differ(self) -> "_Metadata":
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("a label occurs twice")
        if not all(label.isprintable() for label in self.labels):
            raise ValueError("a label has characters that do not print")
        return self


def save_recognizer(recognizer: Recognizer, path: Path | str) -> None:
    """Write a model file; it appears whole or not at all."""
    classifier = recognizer.classifier
    tensors = {key: value.detach().cpu().contiguous() for key, value in classifier.state_dict().items()}
    threshold = recognizer.threshold
    metadata = _Metadata(
        backbone=recognizer.spec.name,
        preprocessing=recognizer.preprocessing,
        labels=recognizer.labels,
        scale=classifier.head.scale,
        threshold=_ThresholdFields(
            cosine=threshold.cosine,
            false_accept_rate=threshold.false_accept_rate,
            calibrated_on=threshold.calibrated_on,
        ),
        history=tuple(dict(entry) for entry in recognizer.history),
    )
    description = metadata.model_dump_json()
    header = {
        "format_version": FORMAT_VERSION,
        "description": description,
        "digest": _digest(description, tensors),
    }
    # One entry only: safetensors writes several in random order, and equal models must give equal files.
    write_atomically(Path(path), save(tensors, {FORMAT: json.dumps(header)}))


def load_recognizer(path: Path | str, device: str | torch.device = "cpu") -> Recognizer:
    """Read a model file.

    Raises:
        ModelFileError: With what was expected, what was found, and what to do.
    """
    path = Path(path)
    stored, tensors = _read(path)
    header = _header(path, stored)
    metadata = _parse(path, header.description)
    _check_tensors(path, tensors)
    if header.digest != _digest(header.description, tensors):
        raise ModelFileError(
            f"{path} was changed after it was saved: its digest does not match its content.",
            "Use an intact copy.",
        )
    if metadata.backbone not in BACKBONES:
        raise ModelFileError(
            f"{path} needs the backbone {metadata.backbone!r}, known are {', '.join(sorted(BACKBONES))}.",
            "Update FaceForget.",
        )
    if metadata.preprocessing != PREPROCESSING_VERSION:
        raise ModelFileError(
            f"{path} was enrolled with preprocessing version {metadata.preprocessing}, this is version "
            f"{PREPROCESSING_VERSION}: its faces would be cut differently.",
            "Enroll the people again, or use the version of FaceForget that made it.",
        )
    return _assemble(path, metadata, tensors).to(device)


def _read(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    check_model_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {}), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise ModelFileError(
            f"{path} is not a model: it is no complete safetensors file.{it_is(path)}",
            "Give a file that faceforget.api.save wrote.",
            code="no-safetensors",
        ) from error


def _header(path: Path, stored: dict[str, str]) -> "_Header":
    if FORMAT not in stored:
        raise ModelFileError(
            f"{path} is a safetensors file, but not a FaceForget model (backbone weights alone are not one).",
            "Make a model with enroll, with this file as backbone.",
            code="weights-alone",
            file=path,
        )
    try:
        header = _Header.model_validate_json(stored[FORMAT])
    except ValidationError as error:
        raise ModelFileError(f"The header of {path} is damaged: {problems(error)}.", "Use an intact copy.") from error
    if header.format_version != FORMAT_VERSION:
        newer = header.format_version > FORMAT_VERSION
        raise ModelFileError(
            f"{path} has format version {header.format_version}, this FaceForget reads {FORMAT_VERSION}.",
            "Update FaceForget." if newer else "Enroll the people again.",
        )
    return header


def _parse(path: Path, description: str) -> _Metadata:
    try:
        return _Metadata.model_validate_json(description)
    except ValidationError as error:
        raise ModelFileError(
            f"The metadata of {path} is not valid: {problems(error)}.", "Use an intact copy."
        ) from error


def _check_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Only head, backbone and the layer of an erasure, in single precision and finite: nothing travels along."""
    for key, value in tensors.items():
        counter = key.endswith("num_batches_tracked")
        known = key == HEAD or key.startswith((_NETWORK, _SCATTER))
        if not known or value.dtype != (torch.int64 if counter else torch.float32):
            problem = f"of type {value.dtype}" if known else "that does not belong there"
            raise ModelFileError(f"{path} has a tensor {key!r} {problem}.", "Use an intact copy.")
        if not counter and not value.isfinite().all():
            raise ModelFileError(f"{path}: {key!r} holds values that are not finite.", "Use an intact copy.")


def _assemble(path: Path, metadata: _Metadata, tensors: dict[str, torch.Tensor]) -> Recognizer:
    spec = BACKBONES[metadata.backbone]
    expected = (len(metadata.labels), spec.embedding_size)
    found = tuple(tensors[HEAD].shape) if HEAD in tensors else None
    if found != expected:
        raise ModelFileError(
            f"{path}: expected a head of shape {expected} for its labels and backbone, got {found}.",
            "Use an intact copy.",
        )
    network = spec.build()
    weights = {k.removeprefix(_NETWORK): v for k, v in tensors.items() if k.startswith(_NETWORK)}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelFileError(
            f"{path}: the weights do not fit the backbone {spec.name}.", "Use an intact copy."
        ) from error
    classifier = new_classifier(spec, network, tensors[HEAD], metadata.scale)
    classifier.head.load_state_dict({"weight": tensors[HEAD]})  # bit for bit, not normalised again
    classifier.embedder.scatter = _scatter(path, spec, tensors)
    classifier.requires_grad_(False)
    return Recognizer(
        spec,
        classifier,
        metadata.labels,
        Threshold(**metadata.threshold.model_dump()),
        metadata.history,
        metadata.preprocessing,
    )


def _scatter(path: Path, spec: BackboneSpec, tensors: dict[str, torch.Tensor]) -> torch.nn.Module:
    stored = {key.removeprefix(_SCATTER): value for key, value in tensors.items() if key.startswith(_SCATTER)}
    if not stored:
        return ScatterPlace()
    regions, size = len(stored["cosines"]) if "cosines" in stored else 0, spec.embedding_size
    expected = {
        "directions": (regions, size),
        "cosines": (regions,),
        "frequencies": (size, size),
        "phases": (size,),
        "beyond": (regions,),
        "noisy": (regions,),
    }
    found = {key: tuple(value.shape) for key, value in stored.items()}
    if found != expected or not regions:
        raise ModelFileError(
            f"{path}: expected the layer of an erasure with shapes {expected}, got {found}.", "Use an intact copy."
        )
    return Scatter(**stored)


def _digest(description: str, tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256(f"{FORMAT} {FORMAT_VERSION}\n{description}\n".encode())
    for key in sorted(tensors):
        value = tensors[key]
        digest.update(json.dumps([key, str(value.dtype), list(value.shape)]).encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()
