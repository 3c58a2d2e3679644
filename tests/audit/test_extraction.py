"""What an adversary reads from a file: directions that were put there, and nothing where nothing was."""

import pytest
import torch
from torch.nn import functional

from faceforget.audit.extraction import Embedded, deviation, last_layer, standing, tar, templates, worth
from faceforget.recognizer.backbone import load_backbone
from faceforget.recognizer.enroll import EnrolmentPlan, enroll_faces
from faceforget.recognizer.head import to_images
from faceforget.recognizer.recognizer import Recognizer, new_classifier
from faceforget.unlearn import Anchored, Delete
from faceforget.unlearn.layers.scatter import Scatter


@pytest.fixture(scope="module")
def enrolled(faces):
    return enroll_faces(faces, load_backbone("mobile"), EnrolmentPlan(train="head"))


@pytest.fixture(scope="module")
def public(enrolled):
    """The network that everybody has, with rows that mean nothing."""
    network = load_backbone("mobile").network
    rows = torch.eye(2, enrolled.spec.embedding_size)
    return Recognizer(enrolled.spec, new_classifier(enrolled.spec, network, rows, 1.0), ("a", "b"), enrolled.threshold)


def embedded(model, public, images):
    with torch.no_grad():
        return Embedded(model.classifier.embedder(images), public.classifier.embedder(images))


@pytest.fixture(scope="module")
def others(faces, names):
    return to_images(faces.crops(names[2]))


@pytest.fixture(scope="module")
def own(faces, names):
    return to_images(faces.crops(names[0]))


def erased_by(method, enrolled, own):
    erasure = method(enrolled.classifier, own, classes=0)
    return Recognizer(enrolled.spec, erasure.model, enrolled.labels, enrolled.threshold)


def test_a_row_that_was_dropped_leaves_the_public_network_and_nothing_else(enrolled, public, own, others):
    file = enrolled.without([enrolled.labels[0]])
    assert torch.equal(last_layer(file), last_layer(public))
    found = templates(file, public, embedded(file, public, others))
    assert len(found["regions"]) == 0
    assert deviation(embedded(file, public, own)).abs().max() < 1e-5


@pytest.mark.parametrize("where", ["last layer", "map of weights"])
def test_a_direction_that_was_projected_out_is_read_from_the_weights(where, enrolled, public, own, others):
    """As an equation: what the last layer passes on no more is the direction that was masked."""
    file = erased_by(Anchored(), enrolled, own)
    direction = functional.normalize(embedded(file, public, own).public, dim=1).mean(0)
    gone = direction - _along(direction, file, public)
    found = templates(file, public, embedded(file, public, others))[where]
    assert (found @ functional.normalize(gone, dim=0)).max() > 0.99


def _along(vector, file, public):
    """What the map from the public embedding to the file's leaves of a vector."""
    through = last_layer(file) @ torch.linalg.pinv(last_layer(public))
    return (through @ vector.double()).float()


def test_a_rotation_turns_the_person_more_than_others_and_is_read_from_the_weights(enrolled, public, own, others):
    file = erased_by(Delete(max_steps=60), enrolled, own)
    assert deviation(embedded(file, public, own)).mean() > 2 * deviation(embedded(file, public, others)).mean()
    template = functional.normalize(embedded(file, public, own).public, dim=1).mean(0)
    found = templates(file, public, embedded(file, public, others))["map of weights"]
    assert (found @ functional.normalize(template, dim=0)).max() > 0.5


def test_the_middles_of_regions_are_read_as_they_are(enrolled, public, others):
    model = erased_by(Delete(max_steps=1), enrolled, others)
    size = enrolled.spec.embedding_size
    middle = functional.normalize(torch.ones(1, size), dim=1)
    model.classifier.embedder.scatter = Scatter.nowhere(size, torch.Generator()).around(middle, torch.ones(1))
    assert torch.allclose(
        templates(model, public, embedded(model, public, others))["regions"], torch.cat([middle, -middle])
    )


def test_the_best_direction_counts(rng):
    own = torch.tensor([[1.0, 0.0], [0.9, 0.1]])
    others = torch.tensor([[0.0, 1.0], [0.1, 0.9], [0.5, 0.5]])
    directions = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    assert worth(directions, own, others, 0.0) == 1
    assert worth(directions[:1], own, others, 0.0) == 0
    assert worth(torch.zeros(0, 2), own, others, 0.0) == 0


def test_the_threshold_lets_a_stated_share_of_others_pass():
    assert tar(torch.tensor([0.5, 0.2]), torch.tensor([0.1, 0.3, 0.9, 0.2]), 0.25) == 0.5


def test_figures_by_hand():
    photos = Embedded(torch.tensor([[3.0, 0.0], [0.0, 4.0]]), torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    found = standing(photos, torch.tensor([[2.0, 0.0]]))
    assert found == pytest.approx({"self_similarity": 0, "length": 3.5, "deviation": 0.5, "best_similarity": 0.5})
