"""Where does the model look when it names a person? Heatmaps before and after an erasure.

HiResCAM (Draelos & Carin 2020, arXiv 2011.08891) from pytorch-grad-cam: gradient times activation,
place by place. Plain Grad-CAM averages the gradient over the places first, and a face network weighs
each place differently behind its last map: on MobileFaceNet the average cancels, and 7 of 16 maps looked
at came out empty. Two more deviations from the library's defaults, both to make before and after
comparable:

- The target is the cosine with the embedding's length held fixed. What lies behind the last map is
  linear then, so the map adds up to the similarity, but for a constant.
- A pair of maps shares one scale, while the library scales each map to its own maximum, where a
  forgotten face lights up as bright as a known one.

The library's other methods can be asked for by name, to see whether a finding depends on the method.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from faceforget.audit.layers import layers_of
from faceforget.compute.threads import workers
from faceforget.errors import MethodError
from faceforget.photos.align import RGB
from faceforget.recognizer.head import FaceClassifier, to_images
from faceforget.recognizer.recognizer import Recognizer
from faceforget.unlearn.layers.folding import folded

Heat = NDArray[np.float32]

# By the library's class. Those that run the network once per channel (Score-CAM, Ablation-CAM) are left out:
# minutes for a handful of faces. Eigen-CAM shows what stands out, whoever is asked for.
METHODS: Mapping[str, str] = {
    "hirescam": "HiResCAM",
    "gradcam": "GradCAM",
    "gradcam++": "GradCAMPlusPlus",
    "xgradcam": "XGradCAM",
    "layercam": "LayerCAM",
    "eigencam": "EigenCAM",
    "eigengradcam": "EigenGradCAM",
}
# First principal components, whose sign is arbitrary.
_COMPONENTS = ("eigencam", "eigengradcam")
_BATCH = 6  # so that a dozen photos keep two cores busy


@dataclass(frozen=True)
class HeatmapPair:
    """Evidence for one person in one face; ``(S, S)`` each, in [0, 1] of the larger of the two maxima."""

    before: Heat
    after: Heat


def heatmap_pairs(
    before: Recognizer,
    after: Recognizer,
    crops: NDArray[np.uint8],
    names: Sequence[str],
    *,
    method: str = "hirescam",
) -> list[HeatmapPair]:
    """Heatmaps of two models on the same faces.

    Args:
        before: The model before erasure.
        after: The model after, with the rows of everybody in ``names`` in place.
        crops: ``(N, S, S, 3)``.
        names: ``(N,)`` whom to look for in each crop.
        method: A key of ``METHODS``.

    Raises:
        UnknownPersonError: A model does not know one of them.
        BackboneError: No layer is known for the backbone.
        MethodError: No heatmap method is called so.
    """
    pairs = []
    both = [evidence(model, crops, names, method=method) for model in (before, after)]
    for old, new in zip(*both, strict=True):
        most = max(float(old.max()), float(new.max()), 1e-12)
        pairs.append(HeatmapPair(old / most, new / most))
    return pairs


def evidence(
    recognizer: Recognizer, crops: NDArray[np.uint8], names: Sequence[str], *, method: str = "hirescam"
) -> Heat:
    """What in each face speaks for a person; the model stays as it is.

    Args:
        recognizer: The model.
        crops: ``(N, S, S, 3)``.
        names: ``(N,)`` whom to look for in each crop.
        method: A key of ``METHODS``.

    Returns:
        ``(N, S, S)``, 0 and more, not scaled per photo; by HiResCAM the parts of the similarity.

    Raises:
        UnknownPersonError: The model does not know one of them.
        BackboneError: No layer is known for the backbone.
        MethodError: No heatmap method is called so.
    """
    cam_class, rows = _cam_class(method), [recognizer.index_of(name) for name in names]
    places = range(0, len(crops), _BATCH)
    with workers(recognizer.device) as pool:
        parts = pool.map(
            lambda at: _maps(recognizer, crops[at : at + _BATCH], rows[at : at + _BATCH], cam_class), places
        )
        maps = np.concatenate(list(parts))
    if method in _COMPONENTS:
        maps = np.stack([_positive_side(m) for m in maps])
    size = crops.shape[1]
    large = [cv2.resize(m, (size, size), interpolation=cv2.INTER_CUBIC) for m in maps]
    positive: Heat = np.maximum(np.stack(large), 0).astype(np.float32)
    return positive


def _maps(recognizer: Recognizer, crops: NDArray[np.uint8], rows: Sequence[int], cam_class: Any) -> Heat:  # noqa: ANN401
    """``(N, H, W)`` with the places of the layer, of both signs."""
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    targets = [ClassifierOutputTarget(row) for row in rows]
    # A copy: neither hooks nor gradients ever touch the model itself.
    layers = layers_of(recognizer.spec.name)
    model = _Similarity(folded(recognizer.classifier), layers.embedding)
    model.eval().requires_grad_(False)
    layer = model.network.get_submodule(layers.places)
    images = to_images(crops, recognizer.device)
    # With frozen weights the graph begins here, and not two thirds of the network earlier.
    layer.register_forward_hook(lambda _, inputs, output: output.detach().requires_grad_(True).clone())
    with torch.enable_grad(), cam_class(model, [layer]) as cam:
        cam(images, targets)
        found = cam.activations_and_grads
        gradients = found.gradients[0].numpy() if found.gradients else None
        maps: Heat = cam.get_cam_image(images, layer, targets, found.activations[0].numpy(), gradients, False)
        # The graph hangs in cycles of hooks until the collector comes by.
        cam.outputs = None
        model.release()
    return maps


def _cam_class(method: str) -> Any:  # noqa: ANN401  # the library has no types
    """The library's class of a method by name."""
    import pytorch_grad_cam

    if method not in METHODS:
        raise MethodError(f"No heatmap method is called {method!r}.", f"Known methods: {', '.join(METHODS)}.")
    return getattr(pytorch_grad_cam, METHODS[method])


def _positive_side(component: Heat) -> Heat:
    """A principal component turned so that what stands out most is positive: Seg-Eigen-CAM 2025, equation 13."""
    return -component if -component.min() > component.max() else component


def overlay(crop: RGB, heat: Heat) -> RGB:
    """The face with its heat in colour; where there is no heat, the photo shows unchanged.

    Args:
        crop: ``(S, S, 3)``.
        heat: ``(S, S)`` in [0, 1].
    """
    share = 0.65 * np.sqrt(heat)[:, :, None]
    mixed: RGB = (crop * (1 - share) + heat_colours(heat) * share).round().astype(np.uint8)
    return mixed


def heat_colours(heat: Heat) -> RGB:
    """Heat ``(H, W)`` in [0, 1] as colours ``(H, W, 3)``, blue to red."""
    coloured = cv2.applyColorMap((255 * heat).astype(np.uint8), cv2.COLORMAP_TURBO)
    return np.ascontiguousarray(coloured[:, :, ::-1], dtype=np.uint8)


class _Similarity(nn.Module):
    """Cosines ``(N, C)`` in whose gradient the embedding's length is a constant."""

    def __init__(self, classifier: FaceClassifier, embedding: str) -> None:
        super().__init__()
        self.classifier = classifier
        self.network = classifier.embedder.get_submodule("network")
        self._embeddings = torch.empty(0)
        self.network.get_submodule(embedding).register_forward_hook(self._keep)

    def _keep(self, module: nn.Module, inputs: object, output: Tensor) -> None:
        self._embeddings = output

    def release(self) -> None:
        """Let go of the last graph."""
        self._embeddings = torch.empty(0)

    def forward(self, images: Tensor) -> Tensor:
        self.classifier.embedder(images)
        embeddings = self._embeddings
        rows = functional.normalize(self.classifier.head.weight, dim=1)
        cosines: Tensor = embeddings @ rows.T / embeddings.detach().norm(dim=1, keepdim=True)
        return cosines
