"""Features of many images, with progress."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor, nn

from faceforget.compute.threads import workers
from faceforget.progress import Progress, tracked
from faceforget.unlearn.images import Images, in_batches
from faceforget.unlearn.layers.folding import folded
from faceforget.unlearn.layers.head import features_of

# Images that a core looks at together: with more, memory is slower than what it saves.
_BATCH = 8
# Batches that are read before the first of them has been looked at.
_AHEAD = 16


def look_at(model: nn.Module, images: Images, batch_size: int, progress: Progress, stage: str) -> Tensor:
    """Features ``(N, D)`` of many images, with progress: on a CPU a small batch for each core."""
    own = threading.local()  # what the head sees is heard by hooks, so each thread has a model of its own

    def features(batch: Tensor) -> Tensor:
        if not hasattr(own, "model"):
            own.model = folded(model)
        return features_of(own.model, batch, batch_size)

    indices = torch.split(torch.arange(len(images)), _BATCH if images.device.type == "cpu" else batch_size)
    # A tensor is cut rather than copied: a copy may lie otherwise in memory, and round otherwise.
    cut = torch.split(images, len(indices[0])) if isinstance(images, Tensor) else in_batches(images, indices)
    with workers(images.device) as pool:
        return torch.cat(list(tracked(_in_turn(pool, features, cut), stage, len(indices), progress)))


def _in_turn(pool: ThreadPoolExecutor, work: Callable[[Tensor], Tensor], batches: Iterable[Tensor]) -> Iterator[Tensor]:
    """The work on each batch, in their order; of all batches only some are in memory at once."""
    begun = deque[Future[Tensor]]()
    for batch in batches:
        begun.append(pool.submit(work, batch))
        if len(begun) == _AHEAD:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()
