"""A classifier of four well separated classes of points, small enough to check methods by hand."""

import pytest
import torch
from torch import nn

from faceforget.unlearn.data import ForgetSet, RetainSet


def blobs(seed=0, classes=4, per_class=20):
    """Well separated points ``(N, 6)`` and their classes."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(classes, 6, generator=torch.Generator().manual_seed(99)) * 3
    targets = torch.arange(classes).repeat_interleave(per_class)
    return centres[targets] + 0.3 * torch.randn(len(targets), 6, generator=generator), targets


def nobody():
    """Points of no class."""
    return 3 * torch.randn(30, 6, generator=torch.Generator().manual_seed(5))


def train(images, labels, *, seed=0, progress=None, steps=100):
    """A network trained from the start: also the recipe of `retrain`."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(),
        nn.Linear(32, 16), nn.ReLU(),
        nn.Linear(16, int(labels.max()) + 1),
    )  # fmt: skip
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()
    return network.eval()


@pytest.fixture(scope="session")
def points():
    return blobs()


@pytest.fixture(scope="session")
def unseen():
    return blobs(seed=1)


@pytest.fixture(scope="session")
def tiny(points):
    """Trained on all four classes."""
    return train(*points)


@pytest.fixture(scope="session")
def data(points):
    """Forget class 1; anchors, the others' photos and the recipe are there for methods that read them."""
    images, labels = points
    gone = labels == 1
    return ForgetSet(images[gone], (1,), retained=RetainSet(images[~gone], labels[~gone], train), anchors=nobody())


@pytest.fixture(scope="session")
def two(points):
    """Forget classes 1 and 3."""
    images, labels = points
    gone = (labels == 1) | (labels == 3)
    retained = RetainSet(images[~gone], labels[~gone], train)
    return ForgetSet(images[gone], (1, 3), labels=labels[gone], retained=retained, anchors=nobody())


@pytest.fixture(scope="session")
def accuracy(unseen):
    """Accuracy on unseen points of the forgotten and of the other classes."""

    def measure(model, gone=(1,)):
        images, labels = unseen
        right = model(images).argmax(1) == labels
        of_gone = torch.isin(labels, torch.tensor(gone))
        return right[of_gone].float().mean().item(), right[~of_gone].float().mean().item()

    return measure


@pytest.fixture(scope="session")
def weights():
    """All weights of a model as one vector."""

    def flat(model):
        return torch.cat([value.flatten().double() for value in model.state_dict().values()])

    return flat
