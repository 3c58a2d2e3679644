"""Labelled images: from a folder or zip of ``train/<class>/*`` and ``test/<class>/*``, or by torchvision."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.data import CIFAR10, MissingDataError
from faceforget.api import write_atomically
from faceforget.errors import UsageError
from faceforget.progress import Progress, tracked

SIZES = {"cifar10": 32, "cifar100": 32, "tiny-imagenet": 64}
_SHIPPED = {"cifar10": CIFAR10}
_PARTS = ("train", "test")
_AT_ONCE = 500


@dataclass(frozen=True)
class Labelled:
    """Images of one part.

    Attributes:
        images: ``(N, 3, S, S)`` uint8.
        labels: ``(N,)`` int64.
    """

    images: Tensor
    labels: Tensor

    def of(self, classes: tuple[int, ...], *, other: bool = False) -> "Labelled":
        """Only some classes, or all but them."""
        chosen = torch.isin(self.labels, torch.tensor(classes)) != other
        return Labelled(self.images[chosen], self.labels[chosen])

    def first(self, count: int) -> "Labelled":
        """The first ``count`` of each class."""
        kept = torch.cat([(self.labels == label).nonzero().flatten()[:count] for label in self.labels.unique()])
        return Labelled(self.images[kept], self.labels[kept])


@dataclass(frozen=True)
class Data:
    """A data set: both parts, and the names of the classes."""

    train: Labelled
    test: Labelled
    names: tuple[str, ...]


def load_data(name: str, source: Path | None, work: Path, progress: Progress) -> Data:
    """Read a data set; decoded images are kept under ``work``.

    Args:
        name: ``cifar10``, ``cifar100`` or ``tiny-imagenet``.
        source: A folder or a zip with ``train/<class>/*`` and ``test/<class>/*``, or Tiny ImageNet's; None: what the
            machine has, else torchvision downloads it.
        work: Where decoded images are kept.
        progress: Called as photos are decoded.

    Raises:
        MissingDataError: There is no such data, and it cannot be downloaded.
        UsageError: It is not of that form.
    """
    source = source or _SHIPPED.get(name)
    if source is None or not source.exists():
        return _downloaded(name, work)
    files = [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file()]
    named = [str(source.resolve()), len(files), sum(path.stat().st_size for path in files), SIZES[name]]
    kept = work / "data" / f"{name}_{hashlib.sha256(str(named).encode()).hexdigest()[:12]}.npz"
    if not kept.is_file():
        decoded = _decode(source, SIZES[name], progress)
        buffer = io.BytesIO()
        np.savez(buffer, **decoded)
        write_atomically(kept, buffer.getvalue())
    with np.load(kept, allow_pickle=False) as arrays:
        parts = [Labelled(*(torch.from_numpy(arrays[f"{part}_{what}"]) for what in ("x", "y"))) for part in _PARTS]
        return Data(*parts, tuple(map(str, arrays["names"])))


def _decode(source: Path, size: int, progress: Progress) -> dict[str, np.ndarray]:
    with _Opened(source) as read:
        files = sorted(_files(_names(source), read))
    found = {part: {name for own, name, _ in files if own == part} for part in _PARTS}
    names = sorted(found["train"])
    if not names or found["test"] - found["train"]:
        raise UsageError(
            f"Expected train/<class>/* and test/<class>/* with the same classes in {source}, "
            f"found {len(names)} in train and {len(found['test'])} in test.",
            "Give a folder or a zip of that form, or Tiny ImageNet as it is published.",
        )
    arrays: dict[str, np.ndarray] = {"names": np.array(names)}
    for part in _PARTS:
        own = [(name, path) for kind, name, path in files if kind == part]
        chunks = [own[i : i + _AT_ONCE] for i in range(0, len(own), _AT_ONCE)]
        with _Opened(source) as read, ThreadPoolExecutor(2) as pool:
            decoded = [
                np.stack(list(pool.map(lambda data: _image(data, size), [read(path) for _, path in chunk])))
                for chunk in tracked(chunks, f"reading {part}", len(chunks), progress)
            ]
        arrays[f"{part}_x"] = np.concatenate(decoded)
        arrays[f"{part}_y"] = np.array([names.index(name) for name, _ in own], np.int64)
    return arrays


def _names(source: Path) -> list[str]:
    if source.is_file():
        with zipfile.ZipFile(source) as archive:
            return archive.namelist()
    return [path.relative_to(source).as_posix() for path in source.rglob("*")]


def _files(names: Sequence[str], read: Callable[[str], bytes]) -> Iterator[tuple[str, str, str]]:
    """Part, class and path of each image, whatever folder all are in.

    Tiny ImageNet has its test images' classes in a file: those of its own ``test`` are not known, ``val`` is used.
    """
    listed = next((name for name in names if name.endswith("val/val_annotations.txt")), None)
    if listed is not None:
        folder = listed.removesuffix("val_annotations.txt") + "images/"
        for line in read(listed).decode().splitlines():
            image, label = line.split("\t")[:2]
            yield "test", label, folder + image
    for name in names:
        folders = name.split("/")
        at = next((depth for depth, folder in enumerate(folders[:2]) if folder in _PARTS), len(folders))
        image = Path(name).suffix.lower() in (".jpg", ".png", ".jpeg") and len(folders) > at + 2
        if image and (listed is None or folders[at] == "train"):
            yield folders[at], folders[at + 1], name


class _Opened:
    """Reads members of a zip, or files of a folder."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._archive = zipfile.ZipFile(source) if source.is_file() else None

    def __enter__(self) -> "_Opened":
        return self

    def __exit__(self, *unused: object) -> None:
        if self._archive is not None:
            self._archive.close()

    def __call__(self, name: str) -> bytes:
        return self._archive.read(name) if self._archive is not None else (self._source / name).read_bytes()


def _image(data: bytes, size: int) -> np.ndarray:
    image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG")).convert("RGB")
    return np.asarray(image if image.size == (size, size) else image.resize((size, size))).transpose(2, 0, 1)


def _downloaded(name: str, work: Path) -> Data:
    from torchvision import datasets

    kinds = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}
    if name not in kinds:
        raise MissingDataError(
            f"{name} is not downloaded by itself.",
            "Give --data, a folder or zip with train/ and test/; docs/data.md says where it comes from.",
        )
    try:
        found = [kinds[name](work / "data", train=part == "train", download=True) for part in _PARTS]
    except (OSError, RuntimeError) as error:
        raise MissingDataError(
            f"Expected {name} in {_SHIPPED.get(name, '--data')}, found nothing, and could not download it: {error}.",
            "Give --data, a folder or zip with train/ and test/; docs/data.md says where it comes from.",
        ) from error
    parts = [
        Labelled(torch.from_numpy(s.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(s.targets)) for s in found
    ]
    return Data(*parts, tuple(found[0].classes))
