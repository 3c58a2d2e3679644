"""Turn trained weights into the file that is shipped: float16, with metadata and a checksum.

Run from the repository's root: ``python -m pretrained.publish --weights out/mobile/final.safetensors``.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from faceforget.recognizer.mobilefacenet import EMBEDDING_SIZE, INPUT_SIZE

OUTPUT = Path(__file__).resolve().parent / "mobile.safetensors"
METADATA = {
    "architecture": "faceforget.recognizer.mobilefacenet.MobileFaceNet",
    "embedding": f"{EMBEDDING_SIZE} values, not of unit length; compare by cosine",
    "input": f"RGB {INPUT_SIZE}x{INPUT_SIZE}, five-point aligned, /255, ImageNet mean and std",
    "licence": "MIT",
    "recipe": "random start; distilled by pretrained/train_mobile.py, see pretrained/README.md",
}


def to_half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Float16 tensors without the batch counters, which nothing but training reads.

    Raises:
        ValueError: If a value does not fit into float16.
    """
    half = {k: v.to(torch.float16).contiguous() for k, v in state.items() if v.is_floating_point()}
    for name, tensor in half.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"expected values within float16, got {state[name].abs().max():.3g} in {name}")
    return half


def main() -> None:
    """Write the shipped file and its SHA-256 beside it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    args = parser.parse_args()
    save_file(to_half(load_file(args.weights)), args.output, metadata=METADATA)
    digest = hashlib.sha256(args.output.read_bytes()).hexdigest()
    args.output.with_name(args.output.name + ".sha256").write_text(f"{digest}  {args.output.name}\n")
    sys.stdout.write(f"{args.output}: {args.output.stat().st_size} bytes, {digest}\n")


if __name__ == "__main__":
    main()
