"""Photos of a large folder, searched for faces by the workers of an engine."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from faceforget.compute.engine import Engine, LostWorkerError, Work
from faceforget.photos.align import Framing
from faceforget.photos.cache import FaceCache
from faceforget.photos.intake import Chunk, PhotoIntake
from faceforget.photos.photo import Photo


class EngineIntake(PhotoIntake):
    """An intake whose chunks are searched elsewhere.

    Workers search the same chunks as one machine does, so that they find the same faces. They use a core each, and the
    cache where they see its folder. Photos that must not be remembered are searched in this process: what workers
    return may lie on the disk of a cluster for a while.

    Reading raises, beside what an intake does, UsageError (Ray is not installed, or there is no cluster at the address)
    and LostWorkerError (no worker could finish one of the chunks).
    """

    def __init__(
        self,
        framing: Framing,
        engine: Engine,
        *,
        cache: FaceCache | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        super().__init__(framing, cache=cache, device=device)
        self._engine = engine

    def _arriving(self, chunks: Sequence[Chunk], remember: bool) -> Iterator[tuple[int, Photo]]:
        if not remember:
            yield from super()._arriving(chunks, remember)
            return
        searches = [_Search(_absolute(chunk), self.framing, self.cache) for chunk in chunks]
        kept = "Faces found so far are in the cache: the next run goes on from there." if self.cache else ""
        work = Work(_search, name=_name, todo=f"Look for a lack of memory. {kept}".strip())
        for search, found in self._engine.carry(work, searches):
            if isinstance(found, LostWorkerError):
                raise found
            # What comes from Ray are views into its memory, which would stay full as long as they live.
            yield from enumerate(deepcopy(found), search.chunk.start)


@dataclass(frozen=True)
class _Search:
    chunk: Chunk
    framing: Framing
    cache: FaceCache | None


def _search(search: _Search) -> list[Photo]:
    return list(PhotoIntake(search.framing, cache=search.cache).read_chunk(search.chunk))


def _name(search: _Search) -> str:
    return f"photos {search.chunk.start + 1} to {search.chunk.start + len(search.chunk.sources)}"


def _absolute(chunk: Chunk) -> Chunk:
    """Workers have working directories of their own; names stay as they were given."""
    paths = (Path(source).absolute() if isinstance(source, str | Path) else source for source in chunk.sources)
    return replace(chunk, sources=tuple(paths))
