"""Does a model still tell people apart?"""

from dataclasses import replace

import pytest
import torch
from torch import nn

from faceforget.audit.health import LEAST, Health, health
from faceforget.people.anchors import rendered_anchors
from faceforget.recognizer.backbone import load_backbone
from faceforget.recognizer.enroll import EnrolmentPlan, enroll_faces


@pytest.fixture(scope="module")
def anchors():
    return rendered_anchors(load_backbone("mobile").spec.framing)[::40]


@pytest.fixture(scope="module")
def before(faces):
    return enroll_faces(faces, load_backbone("mobile"), EnrolmentPlan("head"))


class Changed(nn.Module):
    """A network whose embeddings are changed."""

    def __init__(self, network, change):
        super().__init__()
        self.network, self.change = network, change

    def forward(self, images):
        return self.change(nn.functional.normalize(self.network(images), dim=1))


def changed(model, change):
    """The model with embeddings that went through ``change``, and the rows of before."""
    again = model.with_head(model.classifier.head.weight.detach().clone(), model.labels)
    classifier = again.classifier
    embedder = type(classifier.embedder)(model.spec, Changed(classifier.embedder.get_submodule("network"), change))
    return replace(again, classifier=type(classifier)(embedder, classifier.head).eval())


def test_a_model_that_was_not_changed_is_as_before(before, anchors, names):
    found = health(before, before.without(names[:1]), anchors)
    assert found.left == pytest.approx(1)
    assert found.alike_before == found.alike_after
    assert not found.destroyed


def all_alike(embedding):
    return 0.05 * embedding + embedding.new_ones(1, embedding.shape[1])


def other_people(embedding):
    return torch.sin(400 * embedding)


def turned_away(embedding):
    """Who looks like whom is as before, and nobody looks like their row any more."""
    return embedding.roll(17, 1)


def more_alike(embedding):
    """Every cosine is higher, in the order of before."""
    return embedding + 0.05


@pytest.mark.parametrize(
    ("change", "destroyed"), [(all_alike, True), (other_people, True), (turned_away, True), (more_alike, False)]
)
def test_what_destroys_a_model(before, anchors, change, destroyed):
    assert health(before, changed(before, change), anchors).destroyed == destroyed


def test_the_numbers_are_there_for_programs():
    found = Health(100, 0.3, 0.9, 0.2, 0.5).to_dict()
    assert found["mean_cosine_after"] == 0.9
    assert (found["left"], found["least"], found["destroyed"]) == (0.2, LEAST, True)
