"""Where a person's region ends, with angles that can be read off."""

import math

import pytest
import torch

from faceforget.method.regions import end_of_region

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
