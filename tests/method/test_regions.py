"""Where a person's region ends, with angles that can be read off."""

import math

import pytest
import torch
from torch import nn

from faceforget.method.data import ForgetSet
from faceforget.method.regions import end_of_region
from faceforget.method.registry import make_method
from faceforget.scatter import Scatter

AXIS = torch.tensor([1.0, 0.0])


def at(*degrees):
    angles = torch.deg2rad(torch.tensor(degrees, dtype=torch.float32))
    return torch.stack([angles.cos(), angles.sin()], 1)


@pytest.mark.parametrize(("reach", "degrees"), [(0.25, 35), (0.5, 50)])
def test_a_region_ends_at_a_share_of_the_angle_to_other_people(reach, degrees):
    """The two photos are 20 degrees from each other, others 80 from the axis."""
    end = end_of_region(at(-10, 10), AXIS, at(80, -80), reach)
    assert math.degrees(math.acos(end)) == pytest.approx(degrees, abs=0.01)


def test_it_ends_before_the_nearest_other_person():
    end = end_of_region(at(-10, 10), AXIS, at(80, 30), 0.5)
    assert end == pytest.approx(math.cos(math.radians(30)) + 0.05)


def test_photos_unlike_each_other_make_a_wider_region():
    narrow, wide = (end_of_region(at(-spread, spread), AXIS, at(90), 0.4) for spread in (5, 15))
    assert wide < narrow


class Network(nn.Module):
    """A network of a user's own, with a layer that happens to be called ``scatter``."""

    def __init__(self):
        super().__init__()
        self.scatter = nn.Linear(12, 8)
        self.head = nn.Linear(8, 6)

    def forward(self, images):
        return self.head(self.scatter(images.flatten(1)))


def test_a_users_own_layer_that_is_called_scatter_stays():
    """Twice: the second erasure finds the layer of the first, and not the user's."""
    torch.manual_seed(0)
    model, photos = Network().eval(), torch.rand(4, 3, 2, 2)
    theirs = model.scatter.weight.clone()
    for classes in ((0,), (1,)):
        forget = ForgetSet(photos, classes, anchors=torch.rand(40, 3, 2, 2))
        model = make_method("dispersed")(model, forget).model
    assert torch.equal(model.scatter.weight, theirs)
    assert isinstance(model.head, nn.Sequential)
    assert [len(module.cosines) for module in model.modules() if isinstance(module, Scatter)] == [2]
