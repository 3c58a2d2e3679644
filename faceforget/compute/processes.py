"""One batch over several processes: each computes a part, and their gradients add up to the whole batch's.

Every process has the same weights and draws the same random numbers, so each can take its part of a batch that all
have put together alike. The sum of the parts' gradients, each times its share of the photos, is the gradient of the
mean over the batch: exact where no layer mixes photos, so batch norm must be frozen. ``DistributedDataParallel``
computes this for equal parts; here the last batch of an epoch, or one smaller than the number of processes, is exact
too.

The processes are those of ``torchrun``; without it there is one, and all of this does nothing.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn

# How long the others may be in finding faces, which each does for itself.
_PATIENCE = timedelta(hours=2)


def process() -> tuple[int, int]:
    """Which process this is, from 0, and how many there are."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


@contextmanager
def joined() -> Iterator[int]:
    """Join the processes that ``torchrun`` has started, if it has; yields which one this is."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or distributed.is_initialized():
        yield process()[0]
        return
    distributed.init_process_group("gloo", timeout=_PATIENCE)
    try:
        yield process()[0]
    finally:
        distributed.destroy_process_group()


def own_part(count: int) -> tuple[Tensor | slice, float]:
    """Places of this process's photos in a batch of ``count``, and their share of it.

    A process without any computes the first photo with a share of 0: a mean over nothing is no number.
    """
    rank, processes = process()
    if processes == 1:
        return slice(None), 1.0  # the batch itself: a copy may lie otherwise in memory, and round otherwise
    places = torch.arange(rank, count, processes)
    return (places, len(places) / count) if len(places) else (torch.arange(1), 0.0)


def add_up_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each gradient by the sum over the processes, in one message."""
    moved = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if process()[1] == 1 or not moved:
        return
    flat = torch.cat([gradient.flatten() for gradient in moved]).cpu()
    distributed.all_reduce(flat)
    sizes = [gradient.numel() for gradient in moved]
    for gradient, total in zip(moved, torch.split(flat, sizes), strict=True):
        gradient.copy_(total.view_as(gradient))


def added_up(*values: float) -> tuple[float, ...]:
    """The sum of each value over the processes."""
    if process()[1] == 1:
        return values
    tensor = torch.tensor(values, dtype=torch.float64)
    distributed.all_reduce(tensor)
    return tuple(tensor.tolist())
