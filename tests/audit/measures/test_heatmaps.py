import copy
import gc
from dataclasses import replace

import numpy as np
import pytest
import torch

from faceforget.audit.layers import layers_of
from faceforget.audit.measures import heatmaps
from faceforget.audit.measures.heatmaps import METHODS, evidence, heatmap_pairs, overlay
from faceforget.errors import MethodError, UnknownPersonError
from faceforget.recognizer.backbone import BACKBONES, Embedder
from faceforget.recognizer.head import CosineHead, FaceClassifier


@pytest.fixture
def crops(faces, names):
    return faces.crops(names[0])[:3]


def test_a_map_has_the_size_of_its_crop_and_is_not_empty(recognizer, crops, names):
    maps = evidence(recognizer, crops, [names[0]] * 3)
    assert maps.shape == crops.shape[:3]
    assert maps.min() >= 0
    assert (maps.max((1, 2)) > 0).all()


def test_the_model_stays_as_it_is(recognizer, crops, names):
    before = recognizer.weights_hash()
    evidence(recognizer, crops, [names[0]] * 3)
    assert recognizer.weights_hash() == before
    for module in recognizer.classifier.modules():
        assert not module._forward_hooks
        assert not module._backward_hooks
    assert all(p.grad is None and not p.requires_grad for p in recognizer.classifier.parameters())


def test_a_trainable_model_in_inference_gets_no_gradients_either(recognizer, crops, names):
    classifier = copy.deepcopy(recognizer.classifier).requires_grad_(True)
    trainable = type(recognizer)(recognizer.spec, classifier, recognizer.labels, recognizer.threshold)
    with torch.no_grad():
        maps = evidence(trainable, crops, [names[0]] * 3)
    assert np.array_equal(maps, evidence(recognizer, crops, [names[0]] * 3))
    assert all(p.grad is None and p.requires_grad for p in classifier.parameters())


def test_a_pair_shares_one_scale(recognizer, crops, names):
    rows = recognizer.classifier.head.weight.detach().clone()
    rows[0] = -rows[0]
    other = recognizer.with_head(rows, recognizer.labels)
    old, new = evidence(recognizer, crops, [names[0]] * 3), evidence(other, crops, [names[0]] * 3)
    for pair, a, b in zip(heatmap_pairs(recognizer, other, crops, [names[0]] * 3), old, new, strict=True):
        assert max(pair.before.max(), pair.after.max()) == pytest.approx(1)
        assert pair.before.min() >= 0
        assert pair.before.max() / pair.after.max() == pytest.approx(a.max() / b.max(), rel=1e-5)


@pytest.fixture(params=sorted(name for name, spec in BACKBONES.items() if spec.layers is not None))
def any_backbone(request, recognizer):
    """An untrained recogniser of each backbone."""
    if request.param == "mobile":
        return recognizer
    torch.manual_seed(0)
    spec = BACKBONES[request.param]
    classifier = FaceClassifier(Embedder(spec, spec.build()), CosineHead(torch.randn(4, spec.embedding_size)))
    return replace(recognizer, spec=spec, classifier=classifier.eval().requires_grad_(False))


def test_the_map_adds_up_to_the_similarity(any_backbone, names, monkeypatch, rng):
    size = any_backbone.spec.framing.size
    crops = rng.integers(0, 255, (3, size, size, 3), dtype=np.uint8)
    raw = []  # the last three: the library resizes the same maps before
    resize = heatmaps.cv2.resize
    monkeypatch.setattr(heatmaps.cv2, "resize", lambda m, *a, **k: raw.append(m) or resize(m, *a, **k))
    evidence(any_backbone, crops, [names[1]] * 3)
    maps = torch.tensor(np.array(raw[-3:]))
    assert maps.ndim == 3
    assert min(maps.shape[1:]) >= 3

    lengths = []
    layer = any_backbone.classifier.embedder.network.get_submodule(layers_of(any_backbone.spec.name).embedding)
    hook = layer.register_forward_hook(lambda module, inputs, output: lengths.append(output.norm(dim=1)))
    cosines = any_backbone.cosines(crops)[:, 1]
    hook.remove()
    # What is missing comes from the biases behind the map: the same for every face but for its length.
    missing = (cosines - maps.sum((1, 2))) * lengths[0]
    assert torch.allclose(missing, missing[0].expand(3), atol=1e-3 * float(lengths[0].max()))


def test_somebody_who_is_not_in_the_model(recognizer, crops):
    with pytest.raises(UnknownPersonError):
        evidence(recognizer, crops[:1], ["Nobody"])


def test_no_heat_leaves_the_photo_as_it_is(crops):
    assert np.array_equal(overlay(crops[0], np.zeros(crops.shape[1:3], np.float32)), crops[0])
    hot = overlay(crops[0], np.ones(crops.shape[1:3], np.float32))
    assert hot.dtype == np.uint8
    assert not np.array_equal(hot, crops[0])


@pytest.mark.parametrize("method", METHODS)
def test_every_method_by_name(recognizer, crops, names, method):
    maps = evidence(recognizer, crops, [names[0]] * 3, method=method)
    assert maps.shape == crops.shape[:3]
    assert maps.dtype == np.float32
    assert np.isfinite(maps).all()
    assert maps.min() >= 0


@pytest.mark.parametrize("method", ["xgradcam", "eigencam", "eigengradcam"])
def test_another_method_shows_something_else(recognizer, crops, names, method):
    maps = evidence(recognizer, crops, [names[0]] * 3, method=method)
    assert (maps.max((1, 2)) > 0).all()
    assert not np.allclose(maps, evidence(recognizer, crops, [names[0]] * 3))


def test_hirescam_is_what_one_gets_without_asking(recognizer, crops, names):
    asked = evidence(recognizer, crops, [names[0]] * 3, method="hirescam")
    assert np.array_equal(asked, evidence(recognizer, crops, [names[0]] * 3))


def test_eigencam_shows_the_same_whoever_is_asked_for(recognizer, crops, names):
    one, other = (evidence(recognizer, crops[:1], [name], method="eigencam") for name in names[:2])
    assert np.array_equal(one, other)


def test_what_stands_out_most_is_on_the_positive_side():
    component = np.array([[-3.0, 1.0], [1.0, 1.0]], np.float32)
    assert np.array_equal(heatmaps._positive_side(component), -component)
    assert np.array_equal(heatmaps._positive_side(-component), -component)


def test_an_unknown_method_lists_the_known_ones(recognizer, crops, names):
    with pytest.raises(MethodError, match="magic") as error:
        heatmap_pairs(recognizer, recognizer, crops[:1], names[:1], method="magic")
    assert "layercam" in str(error.value.__dict__) + str(error.value)


def test_no_graph_stays_behind(recognizer, crops, names):
    """Cycles of hooks would keep every layer's output until the collector comes by."""

    def in_graphs():
        return sum(type(thing) is torch.Tensor and thing.grad_fn is not None for thing in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = in_graphs()
        evidence(recognizer, crops, [names[0]] * 3)
        after = in_graphs()
    finally:
        gc.enable()
    assert after == before
