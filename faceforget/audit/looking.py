"""Photos go through a model: every photo once, for all questions of the audit."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from faceforget.audit.view import Crops, Faces, Groups, View, grouped
from faceforget.compute.threads import workers
from faceforget.progress import Event, Progress, silent, tracked
from faceforget.recognizer.head import FaceClassifier, to_images
from faceforget.recognizer.recognizer import Recognizer
from faceforget.unlearn.layers.folding import folded

_BATCH = 8  # as in embed_images
# Places that are left of a feature map: where in the face something is matters to who it is.
_GRID = 2

# By the photo's SHA-256: its features at each depth that was read, ``(F,)`` each, and what enters the tail, last.
_Seen = dict[bytes, tuple[Tensor, ...]]


class Memory:
    """What models made of photos, so that no photo goes through the same network twice.

    Kept is what enters the network's tail. A model whose head alone was changed, in which directions were masked or
    that answers with noise in places has everything before that from the model before; and one audit after another
    looks at the same photos with the same model before.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, tuple[str, ...]], _Seen] = {}

    def of(self, classifier: FaceClassifier, depths: tuple[str, ...], tail: tuple[str, ...]) -> _Seen:
        """What a network made of photos, at these depths and before its tail; filled by whoever asks."""
        digest = sha256()
        for key, value in sorted(classifier.embedder.get_submodule("network").state_dict().items()):
            if not key.startswith(tuple(f"{name}." for name in tail)):
                digest.update(key.encode() + value.detach().cpu().contiguous().numpy().tobytes())
        return self._seen.setdefault((digest.hexdigest(), depths), {})


def look(
    model: Recognizer,
    used: Recognizer,
    faces: Faces,
    *,
    depths: bool = True,
    memory: Memory | None = None,
    progress: Progress = silent,
    stage: str = "looking",
) -> View:
    """Send every photo through a model once.

    Args:
        model: With the erased persons' rows.
        used: As it is handed out; the same embedder.
        faces: ``(N, S, S, 3)`` crops of each person.
        depths: Read features at earlier layers too, where the backbone says which.
        memory: What it knows already is not computed again, and it learns the rest.
        progress: Called after each batch.
        stage: Name of the work in progress events.
    """
    everything = list(faces.all())
    layers = used.spec.layers
    names = layers.depths if depths and layers is not None else ()
    tail = layers.tail if layers is not None else ()
    seen = (memory or Memory()).of(used.classifier, names, tail)
    keys = [[sha256(crop.tobytes()).digest() for crop in crops] for _, _, crops in everything]
    new = {
        k: crop for of, (_, _, crops) in zip(keys, everything, strict=True) for k, crop in zip(of, crops, strict=True)
    }
    unseen = {key: crop for key, crop in new.items() if key not in seen}
    _see(used, unseen, names, tail, seen, progress, stage)

    def regrouped(layer: int, change: Callable[[Tensor], Tensor] = lambda found: found) -> Groups[Tensor]:
        parts = [change(torch.stack([seen[key][layer] for key in of])) for of in keys]
        return grouped((group, person, part) for (group, person, _), part in zip(everything, parts, strict=True))

    embedder = used.classifier.embedder

    @torch.no_grad()
    def embedding(found: Tensor) -> Tensor:
        for name in tail:
            found = embedder.get_submodule(f"network.{name}")(found).flatten(1)
        return functional.normalize(embedder.get_submodule("scatter")(found.float()), dim=1)

    return View(model, used, regrouped(-1, embedding), {name: regrouped(layer) for layer, name in enumerate(names)})


def _see(
    used: Recognizer,
    crops: dict[bytes, Crops],
    names: tuple[str, ...],
    tail: tuple[str, ...],
    seen: _Seen,
    progress: Progress,
    stage: str,
) -> None:
    if not crops:  # all is known: without a copy of the model, which takes as long as a batch
        progress(Event(stage, 0, 0, final=True))
        return
    keys = list(crops)
    batches = [keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH)]
    with _listening(used.classifier, names, tail) as (classifier, heard), workers(used.device) as pool:

        @torch.no_grad()
        def layers(batch: list[bytes]) -> list[Tensor]:
            images = to_images(np.stack([crops[key] for key in batch]), used.device)
            embeddings = classifier.embedder(images).float()
            return [*(_pooled(getattr(heard, name)) for name in names), heard.last if tail else embeddings]

        done = zip(batches, pool.map(layers, batches), strict=True)
        for batch, found in tracked(done, stage, len(batches), progress):
            seen.update({key: tuple(layer[i] for layer in found) for i, key in enumerate(batch)})


@contextmanager
def _listening(
    classifier: FaceClassifier, names: tuple[str, ...], tail: tuple[str, ...]
) -> Iterator[tuple[FaceClassifier, threading.local]]:
    """A copy of the classifier, so that the model itself never carries a hook, and what its layers last said.

    What the tail was given is ``last``. Without its scatter, which is asked afterwards. To each thread what they
    said in it.
    """
    classifier = folded(classifier)
    classifier.embedder.scatter = nn.Identity()
    network = classifier.embedder.get_submodule("network")
    heard = threading.local()

    def keep(name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
            setattr(heard, name, output)

        return hook

    for name in names:
        network.get_submodule(name).register_forward_hook(keep(name))
    for name in tail[:1]:
        network.get_submodule(name).register_forward_pre_hook(lambda _, inputs: setattr(heard, "last", inputs[0]))
    yield classifier, heard


def _pooled(features: Tensor) -> Tensor:
    """``(N, C, H, W)`` or ``(N, C)`` as ``(N, F)``."""
    if features.ndim == 4 and min(features.shape[2:]) > _GRID:
        features = functional.adaptive_avg_pool2d(features, _GRID)
    return features.flatten(1).float()
