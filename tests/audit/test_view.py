from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from faceforget.audit import looking
from faceforget.audit.layers import layers_of
from faceforget.audit.looking import Memory, look
from faceforget.audit.view import Groups
from faceforget.recognizer.head import to_images
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.registry import make_method


@pytest.fixture(scope="module")
def groups(faces, names):
    a, b, c, d = (faces.crops(name) for name in names)
    return Groups({names[0]: a[:3]}, {names[0]: a[3:]}, {names[1]: b}, {"S": c, "T": d})


@pytest.fixture(scope="module")
def view(recognizer, groups):
    return look(recognizer, recognizer.without(list(groups.forgotten)), groups)


def test_embeddings_are_those_of_the_recognizer(recognizer, groups, view):
    expected = groups.map(recognizer.embed)
    for (_, _, found), (_, _, known) in zip(view.embeddings.all(), expected.all(), strict=True):
        assert torch.allclose(found, known, atol=1e-5)


def test_features_are_read_at_every_depth_for_everybody(view, groups):
    assert list(view.features) == list(layers_of("mobile").depths)
    for features in view.features.values():
        assert [len(f) for _, _, f in features.all()] == [len(c) for _, _, c in groups.all()]


def test_the_model_keeps_neither_hooks_nor_changes(recognizer, groups):
    before = recognizer.weights_hash()
    look(recognizer, recognizer, groups)
    assert recognizer.weights_hash() == before
    assert not any(module._forward_hooks for module in recognizer.classifier.modules())


def test_the_gallery_is_everybody_but_the_erased(recognizer, view, names):
    rows = recognizer.classifier.head.weight[[recognizer.labels.index(name) for name in names[1:]]]
    assert torch.allclose(view.gallery(), rows, atol=1e-6)


def test_a_stranger_takes_the_persons_place(view):
    swapped = view.as_if("T")
    assert swapped.people == ("T",)
    assert list(swapped.embeddings.strangers) == ["S"]
    own = torch.cat([swapped.embeddings.forget_photos["T"], swapped.embeddings.forgotten["T"]])
    assert torch.equal(own, view.embeddings.strangers["T"])
    assert len(swapped.gallery()) == len(view.gallery())


def test_groups_change_together(groups):
    counts = groups.map(len)
    assert counts == Groups({next(iter(groups.forgotten)): 3}, counts.forget_photos, counts.retained, {"S": 6, "T": 6})
    assert np.concatenate([c for _, _, c in groups.all()]).shape[0] == 24


def test_no_photo_goes_through_the_same_network_twice(recognizer, groups, view, monkeypatch):
    """Another head is the same network."""
    memory, sent = Memory(), []
    monkeypatch.setattr(looking, "to_images", lambda crops, device: sent.append(len(crops)) or to_images(crops, device))
    look(recognizer, recognizer, groups, memory=memory)
    assert sum(sent) == 24
    again = look(recognizer, recognizer.without(list(groups.forgotten)), groups, memory=memory)
    assert sum(sent) == 24
    for (_, _, found), (_, _, known) in zip(again.embeddings.all(), view.embeddings.all(), strict=True):
        assert torch.equal(found, known)


def test_masked_directions_cost_no_photo_another_pass(recognizer, groups, monkeypatch):
    """Everything before the network's tail is that of the model before."""
    memory, sent = Memory(), []
    monkeypatch.setattr(looking, "to_images", lambda crops, device: sent.append(len(crops)) or to_images(crops, device))
    look(recognizer, recognizer, groups, memory=memory)
    (person, photos), *_ = groups.forgotten.items()
    images = to_images(photos, recognizer.device)
    forget = ForgetSet(images, (recognizer.index_of(person),))
    masked = replace(recognizer, classifier=make_method("anchored")(recognizer.classifier, forget).model)
    sent.clear()
    found = look(masked, masked, groups, memory=memory).embeddings.forgotten[person]
    assert not sent
    with torch.no_grad():
        assert torch.allclose(found, functional.normalize(masked.classifier.embedder(images), dim=1), atol=1e-5)
