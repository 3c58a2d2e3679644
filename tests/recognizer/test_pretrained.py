"""The shipped weights: whole, small, and of the architecture they claim."""

import hashlib
from pathlib import Path

import torch
from safetensors.torch import load_file

from faceforget.recognizer.mobilefacenet import MobileFaceNet

WEIGHTS = Path(__file__).resolve().parents[2] / "pretrained" / "mobile.safetensors"


def test_checksum_matches():
    expected, name = WEIGHTS.with_name(WEIGHTS.name + ".sha256").read_text().split()
    assert name == WEIGHTS.name
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() == expected


def test_file_is_half_precision_and_small():
    assert WEIGHTS.stat().st_size <= 2_300_000
    assert {tensor.dtype for tensor in load_file(WEIGHTS).values()} == {torch.float16}


def test_loads_into_the_architecture_and_embeds():
    network = MobileFaceNet()
    network.load_state_dict({name: tensor.float() for name, tensor in load_file(WEIGHTS).items()})
    embeddings = network.eval()(torch.randn(2, 3, 112, 112, generator=torch.Generator().manual_seed(0)))
    assert embeddings.shape == (2, 128)
    assert torch.isfinite(embeddings).all()
    assert not torch.allclose(embeddings[0], embeddings[1])
