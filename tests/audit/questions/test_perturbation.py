from dataclasses import replace

import numpy as np
import pytest
import torch

from faceforget.audit.estimates import Rate
from faceforget.audit.questions import perturbation as question
from faceforget.audit.questions.perturbation import perturbation
from faceforget.recognizer.head import to_images


@pytest.fixture(scope="module")
def own(faces, names):
    return faces.crops(names[0])


@pytest.fixture(scope="module")
def other(faces, names):
    return faces.crops(names[1])


def rows(recognizer, *rows):
    """The model with these rows."""
    return recognizer.with_head(torch.stack(rows), tuple(f"r{index}" for index in range(len(rows))))


def test_where_the_person_is_named_anyway_every_change_is(recognizer, own):
    sure = rows(recognizer, recognizer.embed(own).mean(0), -recognizer.embed(own).mean(0))
    found = perturbation(sure, own, 0, attacks=(2, 8))
    assert set(found) == {"unchanged", "random_2", "random_8", "attack_2", "attack_8"}
    assert set(found.values()) == {Rate(6, 6)}


class Brightness(torch.nn.Module):
    """Names person 0 where the mean of the image is above a limit: noise does not change it, an attack does."""

    def __init__(self, head, limit):
        super().__init__()
        self.head = head
        self.limit = limit

    def forward(self, images):
        means = images.mean((1, 2, 3))
        return torch.stack([means, torch.full_like(means, self.limit)], 1)


@pytest.mark.parametrize(("levels", "reached"), [(1, {"attack_2", "attack_8"}), (5, {"attack_8"}), (9, set())])
def test_an_attack_gets_exactly_as_far_as_its_size(recognizer, levels, reached):
    """Grey images so many levels below the limit."""
    model = replace(recognizer, classifier=Brightness(recognizer.classifier.head, (100 + levels) / 255))
    found = perturbation(model, np.full((3, 16, 16, 3), 100, np.uint8), 0, attacks=(2, 8))
    assert {kind for kind, rate in found.items() if rate == Rate(3, 3)} == reached
    assert {kind for kind, rate in found.items() if rate == Rate(0, 3)} == set(found) - reached


def test_a_change_on_purpose_reaches_what_chance_does_not(recognizer, own, other):
    """The attack goes towards somebody else, whose row no photo of the person gets."""
    model = rows(recognizer, recognizer.embed(other).mean(0), recognizer.embed(own).mean(0))
    found = perturbation(model, own, 0, attacks=(2, 8))
    assert found["unchanged"].hits <= found["random_8"].hits < found["attack_8"].hits
    assert found["attack_2"].hits <= found["attack_8"].hits


def test_no_change_is_no_change(recognizer, own):
    found = perturbation(recognizer, own, 0, sizes=(0,), attacks=(0,))
    assert found["unchanged"] == found["random_0"] == found["attack_0"]


def test_no_pixel_leaves_the_ball_nor_the_range(recognizer, own, other):
    """Every image that the model is shown."""
    seen = []
    model = rows(recognizer, recognizer.embed(other).mean(0), recognizer.embed(own).mean(0))
    images = to_images(own)

    class Watched(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = model.classifier

        def forward(self, images):
            seen.append(images.detach().clone())
            return self.inner(images)

    # A row that is never reached: no photo is done with early, so that all draws and steps see all photos.
    question._random(Watched(), images, -1, 8 / 255, torch.Generator().manual_seed(0))
    assert len(seen) == question.DRAWS
    distances = [(shown - images).abs().max().item() for shown in seen]
    assert all(0.9 * 8 / 255 < distance <= 8 / 255 + 1e-6 for distance in distances)
    seen.clear()
    question._attack(Watched(), images, -1, 8 / 255, torch.Generator().manual_seed(0))
    assert len(seen) == question.STEPS + 1
    assert all((shown - images).abs().max() <= 8 / 255 + 1e-6 for shown in seen)
    assert min(shown.min().item() for shown in seen) >= 0
    assert max(shown.max().item() for shown in seen) <= 1


def test_the_attack_raises_the_persons_probability(recognizer, own):
    images, classifier = to_images(own), recognizer.classifier
    ascent, _ = question._ascent(classifier, images, 1)
    moved = (images + 1e-3 * ascent.sign()).clamp(0, 1)
    with torch.no_grad():
        old, new = (classifier(shown).softmax(1)[:, 1] for shown in (images, moved))
    assert (new > old).all()


def test_the_model_is_not_changed_and_gradients_may_be_off(recognizer, own):
    weights, needed = recognizer.weights_hash(), [p.requires_grad for p in recognizer.classifier.parameters()]
    with torch.no_grad():
        perturbation(recognizer, own[:2], 1, attacks=(2, 8))
    assert recognizer.weights_hash() == weights
    assert [p.requires_grad for p in recognizer.classifier.parameters()] == needed
    assert all(p.grad is None for p in recognizer.classifier.parameters())


def test_the_same_seed_gives_the_same_numbers(recognizer, own):
    first, second = (perturbation(recognizer, own, 1, sizes=(8,), seed=3) for _ in range(2))
    assert first == second


def test_no_photos_are_not_a_zero(recognizer, own):
    found = perturbation(recognizer, own[:0], 0, attacks=(2, 8))
    assert found["attack_8"] == Rate(0, 0)
    assert found["unchanged"].value is None


def test_each_kind_of_change_is_reported(recognizer, own):
    events = []
    perturbation(recognizer, own[:1], 0, sizes=(2,), progress=events.append)
    assert [event.done for event in events if not event.final] == [0, 1, 2]
