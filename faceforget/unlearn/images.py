"""Images as a caller has them: tensors, data sets, loaders. What fits in no memory is read when it is asked for."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Protocol, cast

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from faceforget.errors import FaceForgetError
from faceforget.progress import Progress, silent, tracked

# Images; images with their labels; a data set or a loader of either; any other iterable of batches.
Data = Tensor | tuple[Tensor, Tensor] | Dataset[Any] | Iterable[Any]
Change = Callable[[Tensor], Tensor]


class InputDataError(FaceForgetError):
    """Data of a form that no images can be read from."""


class Images(Protocol):
    """Inputs of a model ``(N, ...)``: a tensor, or what is read like one."""

    @property
    def device(self) -> torch.device:
        """Where what is read lies."""
        ...

    def __len__(self) -> int:
        """N."""
        ...

    def __getitem__(self, index: Any) -> Tensor:  # noqa: ANN401 - what a tensor takes
        """Images ``(B, ...)`` at positions ``(B,)``, at the true ones of ``(N,)`` booleans, or of a slice."""
        ...


class StoredImages:
    """Images of a data set with indices, read whenever they are asked for.

    Args:
        loader: Of this data set; its collate function, worker processes and pinned memory serve, its order does not.
        device: Where they are handed out.
    """

    def __init__(self, loader: DataLoader[Any], device: torch.device) -> None:
        self.device = device
        self._loader = loader
        self._places = _places(loader)
        self._generator = torch.Generator()  # of the workers' seeds: reading must not draw from a method's randomness

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        places = self._at(index)
        return self._read_with(0, [places])[0] if places else self[:1][:0]

    def batches(self, indices: Sequence[Tensor]) -> Iterator[Tensor]:
        """Images of each of several tensors of positions, the next ones read by the workers meanwhile."""
        loader = self._loader_of(self._loader.num_workers, [self._at(index) for index in indices])
        return (_images_of(batch).to(self.device, non_blocking=True) for batch in loader)

    def labels(self, progress: Progress) -> Tensor | None:
        """Classes ``(N,)``, or None; from the data set's ``targets`` if it has them, else by reading all."""
        said = _targets(self._loader.dataset)
        if said is not None:
            return said[self._places]
        size = self._loader.batch_size or 1
        places = [self._places[start : start + size] for start in range(0, len(self), size)]
        batches = self._loader_of(self._loader.num_workers, places)
        found = [_labels_of(batch) for batch in tracked(batches, "reading labels", len(places), progress)]
        return _all_labels(found)

    def _at(self, index: Tensor | slice) -> list[int]:
        if isinstance(index, slice):
            return self._places[index]
        positions = index.nonzero()[:, 0] if index.dtype == torch.bool else index
        return [self._places[position] for position in positions.tolist()]

    def _read_with(self, workers: int, places: list[list[int]]) -> list[Tensor]:
        return [_images_of(batch).to(self.device) for batch in self._loader_of(workers, places)]

    def _loader_of(self, workers: int, places: list[list[int]]) -> DataLoader[Any]:
        given = self._loader
        return DataLoader(
            given.dataset,
            batch_sampler=places,
            num_workers=workers,
            collate_fn=given.collate_fn,
            pin_memory=given.pin_memory,
            worker_init_fn=given.worker_init_fn,
            generator=self._generator,
            multiprocessing_context=given.multiprocessing_context if workers else None,
        )


class ChangedImages:
    """Images followed by changed versions of all of them, made whenever they are asked for.

    Args:
        images: The originals ``(N, ...)``.
        changes: Of ``(B, ...)`` images, one for each version; whatever they draw at random depends on the batches.
    """

    def __init__(self, images: Images, changes: Sequence[Change]) -> None:
        self.device = images.device
        self._images = images
        self._changes = changes

    def __len__(self) -> int:
        return len(self._images) * (1 + len(self._changes))

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        positions = torch.arange(len(self))[index]
        versions, own = positions // len(self._images), positions % len(self._images)
        counts = torch.bincount(versions).tolist()  # positions ascend, as all who read versions have them
        parts = [self._version(version, own[versions == version]) for version, count in enumerate(counts) if count]
        return torch.cat(parts) if parts else self._images[:0]

    def _version(self, version: int, own: Tensor) -> Tensor:
        images = self._images[own]
        return images if version == 0 else self._changes[version - 1](images)


def with_versions(images: Images, changes: Sequence[Change]) -> Images:
    """The images followed by changed versions of them: a tensor of all where they are one."""
    if isinstance(images, Tensor):
        return torch.cat([images, *(change(images) for change in changes)])
    return ChangedImages(images, changes) if changes else images


def in_batches(images: Images, indices: Sequence[Tensor]) -> Iterator[Tensor]:
    """Images of each of several tensors of positions, in turn."""
    if isinstance(images, StoredImages):
        return images.batches(indices)
    return (images[index] for index in indices)


def read_data(data: Data, device: torch.device, progress: Progress = silent) -> tuple[Images, Tensor | None]:
    """Images, and the labels ``(N,)`` where there are any.

    A loader or data set with indices is read when its images are asked for, in an order of the method's own; a stream
    (``IterableDataset``, a list of batches) is read at once and kept in memory.

    Args:
        data: A tensor ``(N, ...)``; a pair of images and labels; a data set or loader of images or such pairs.
        device: Where the images shall be.
        progress: Told while labels, or a stream, are read.

    Raises:
        InputDataError: It is none of these.
    """
    if isinstance(data, Tensor):
        return data.to(device), None
    if isinstance(data, tuple) and len(data) == 2 and all(isinstance(part, Tensor) for part in data):
        return data[0].to(device), data[1]
    if isinstance(data, TensorDataset) and len(data.tensors) <= 2:
        images, *labels = data.tensors
        return images.to(device), labels[0] if labels else None
    if isinstance(data, Dataset) and not isinstance(data, IterableDataset):
        data = DataLoader(data, batch_size=32)
    if isinstance(data, DataLoader) and not isinstance(data.dataset, IterableDataset):
        stored = StoredImages(data, device)
        return stored, stored.labels(progress)
    if not isinstance(data, Iterable):
        raise _no_images(data)
    batches = list(tracked(cast("Iterable[Any]", data), "reading images", _length(data), progress))
    if not batches:
        raise InputDataError("Expected images, got none.", "Give images of the classes to forget.")
    whole = _all_labels([_labels_of(batch) for batch in batches])
    return torch.cat([_images_of(batch) for batch in batches]).to(device), whole


def batch_size_of(data: object) -> int | None:
    """What a loader says; None for anything else."""
    return data.batch_size if isinstance(data, DataLoader) else None


def _places(loader: DataLoader[Any]) -> list[int]:
    """Indices of the data set that a loader reads, in ascending order: the order of reading is the method's own."""
    if loader.batch_size is not None:
        with torch.random.fork_rng(devices=[]):  # a shuffling sampler draws its seed
            return sorted(int(index) for index in loader.sampler)
    if loader.batch_sampler is None:
        raise InputDataError("Expected a loader that makes batches, got one with batch_size=None.", "Give batch_size.")
    return sorted(chain.from_iterable(loader.batch_sampler))


def _targets(dataset: object) -> Tensor | None:
    """What torchvision's data sets say of all classes without reading an image; also of a part of such a set."""
    if isinstance(dataset, Subset):
        whole = _targets(dataset.dataset)
        return None if whole is None else whole[torch.as_tensor(list(dataset.indices))]
    targets = getattr(dataset, "targets", None)
    # What changes targets when they are read says something else in `targets` than it hands out.
    if targets is None or getattr(dataset, "target_transform", None) is not None:
        return None
    found = torch.as_tensor(targets)
    return found if found.ndim == 1 else None


def _length(data: object) -> int:
    try:
        return len(data)  # type: ignore[arg-type]
    except TypeError:
        return 0


def _images_of(batch: object) -> Tensor:
    images = batch[0] if isinstance(batch, tuple | list) and batch else batch
    if not isinstance(images, Tensor):
        raise _no_images(batch)
    return images


def _labels_of(batch: object) -> Tensor | None:
    if isinstance(batch, Tensor):
        return None
    labels = batch[1] if isinstance(batch, tuple | list) and len(batch) > 1 else None
    return labels if isinstance(labels, Tensor) and labels.ndim == 1 else None


def _all_labels(found: Sequence[Tensor | None]) -> Tensor | None:
    labels = [part for part in found if part is not None]
    return torch.cat(labels) if labels and len(labels) == len(found) else None


def _no_images(data: object) -> InputDataError:
    return InputDataError(
        f"Expected images as a tensor, or tensors of images and labels, got {type(data).__name__}.",
        "Give a tensor (N, ...), a data set or DataLoader whose items are an image, or an image and its class.",
    )
