"""Results that are kept: keys that change with whatever a result depends on, and files that are read again."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock

from faceforget.files import write_json


def fingerprint(*things: object) -> str:
    """Sixteen hexadecimal digits of tensors by their contents, of everything else by its text."""
    found = hashlib.sha256()
    for thing in things:
        if isinstance(thing, torch.Tensor):
            found.update(f"{thing.dtype} {tuple(thing.shape)}".encode())
            found.update(np.ascontiguousarray(thing.detach().cpu().numpy()))
        else:
            found.update(repr(thing).encode())
    return found.hexdigest()[:16]


def kept(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The JSON object at ``path``; made where it is not there yet, by one process at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if not path.is_file():
            write_json(path, make())
    known: dict[str, Any] = json.loads(path.read_text())
    return known
