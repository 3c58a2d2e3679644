"""Where a person's region ends, with angles that can be read off."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from faceforget.progress import silent
from faceforget.unlearn.base import Run
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.layers.scatter import Scatter
from faceforget.unlearn.methods import regions
from faceforget.unlearn.methods.regions import BEYOND, Regions, end_of_region, put_regions
from faceforget.unlearn.registry import make_method

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


SIZE, STAY, GONE = 128, 13, 20


class Cosines(nn.Module):
    """A head as a recogniser's: logits ``(N, C)`` from the cosines with its rows."""

    def __init__(self, rows):
        super().__init__()
        self.weight = nn.Parameter(rows, requires_grad=False)

    def forward(self, features):
        return 30 * functional.normalize(features, dim=1) @ functional.normalize(self.weight, dim=1).T


def directions(count, seed):
    """Unit vectors ``(count, SIZE)`` that share something, as all faces do, and nothing with the last axis."""
    found = torch.randn(count, SIZE, generator=torch.Generator().manual_seed(seed)) / SIZE**0.5
    found[:, 0] = 0.6
    found[:, -1] = 0
    return functional.normalize(found, dim=1)


def photos_around(middles, photos, seed):
    """``(C, photos, SIZE)`` unit embeddings at a cosine of .8 with each of the middles."""
    rest = torch.randn(len(middles), photos, SIZE, generator=torch.Generator().manual_seed(seed))
    rest = rest - (rest * middles[:, None]).sum(2, keepdim=True) * middles[:, None]
    return 0.8 * middles[:, None] + 0.6 * functional.normalize(rest, dim=2)


@pytest.fixture(scope="module")
def people():
    """Middles of 33 persons; the first twenty are erased at once."""
    return directions(GONE + STAY, seed=0)


def erased(people, photos, method="dispersed"):
    """The erasure of twenty, and its layer."""
    model = nn.Sequential(nn.Identity(), Cosines(people)).eval()
    labels = torch.arange(GONE).repeat_interleave(photos.shape[1])
    forget = ForgetSet(photos.flatten(0, 1), tuple(range(GONE)), labels=labels, anchors=directions(50, seed=9))
    erasure = make_method(method)(model, forget)
    return erasure, next(module for module in erasure.model.modules() if isinstance(module, Scatter))


def with_unusual_photo(people, photos):
    """One photo of the first person lies outside all regions and rims, and is still more like them than anybody."""
    unusual = 0.05 * people[0]
    unusual[-1] = 1
    first = torch.cat([functional.normalize(unusual, dim=0)[None], photos[0, 1:]])
    return torch.cat([first[None], photos[1:]])


def alike(embeddings):
    """Mean cosine between the photos of each person and of others, of ``(C, N, SIZE)``."""
    unit = functional.normalize(embeddings, dim=-1).flatten(0, 1)
    return ((unit @ unit.T).sum() - len(unit)) / (len(unit) ** 2 - len(unit))


@pytest.mark.parametrize("method", ["dispersed", "anchored"])
def test_a_step_of_the_ladder_that_does_not_help_is_not_kept(people, method):
    """For one photo that nothing helped, all twenty used to be turned away from as far as the ladder goes."""
    erasure, layer = erased(people, with_unusual_photo(people, photos_around(people[:GONE], 12, seed=1)), method)
    assert not erasure.forgotten
    assert together(layer) <= BEYOND[-1] + 1e-5


def test_an_unusual_photo_does_not_make_many_erased_people_recognisable(people):
    """Their photos came out with a cosine of .8."""
    _, layer = erased(people, with_unusual_photo(people, photos_around(people[:GONE], 12, seed=1)))
    fresh = photos_around(people[:GONE], 12, seed=2)
    with torch.no_grad():
        out = layer(fresh.flatten(0, 1)).view_as(fresh)
    assert alike(fresh) > 0.15
    assert alike(out).abs() < 0.05


def test_without_unusual_photos_many_are_forgotten_at_once(people):
    erasure, layer = erased(people, photos_around(people[:GONE], 12, seed=1))
    assert erasure.forgotten
    assert together(layer) <= BEYOND[-1] + 1e-5
    assert "turned-alike" not in [note.code for note in erasure.notes]


def together(layer):
    """The length of what is taken out beyond zero."""
    return (layer.beyond @ layer.directions).norm().item()


def put(people, count, found, monkeypatch, *, noise=True):
    """The layer around so many persons, when so many photos are found to be won at each try; the last goes on."""
    counts = iter(found)
    last = found[-1]
    monkeypatch.setattr(regions, "images_won", lambda *_: torch.ones(next(counts, last)))
    model = nn.Sequential(nn.Identity(), Cosines(people)).eval()
    cones = Regions(people[:count], torch.full((count,), 0.5), missed=0)
    forget = ForgetSet(people[:count], tuple(range(count)))
    beyond = put_regions(model, forget, cones, noise=noise, run=Run(None, 7, silent), batch_size=32)
    return next(module for module in model.modules() if isinstance(module, Scatter)), beyond


@pytest.mark.parametrize(
    ("count", "noise", "found", "beyond", "seed"),
    [
        (1, True, [0], 0, 7),
        (1, True, [3, 2, 0], 0.1, 7),
        (1, True, [3, 3, 4, 5], 0, 7),
        (1, True, [3, 3, 2, 2], 0.1, 7),
        (9, True, [1, 0], 0, 8),
        (9, True, [2, 1, 1, 1, 0], 0.05, 7),
        (9, True, [2, 1, 1], 0, 8),
        (9, False, [1, 0], 0.05, 7),
        (9, False, [5, 4, 3, 2, 1, 0], 0.8, 7),
    ],
)
def test_the_noise_is_drawn_anew_before_more_is_taken_out_and_the_first_that_helps_most_stays(
    people, monkeypatch, count, noise, found, beyond, seed
):
    """Other noise only for several people: one alone is not turned away from anybody else."""
    layer, said = put(people, count, found, monkeypatch, noise=noise)
    assert said == beyond
    assert together(layer) == pytest.approx(beyond, abs=1e-5)
    drawn = Scatter.nowhere(SIZE, torch.Generator().manual_seed(seed))
    assert torch.equal(layer.frequencies, drawn.frequencies)


def test_one_person_is_turned_away_from_as_ever(people, monkeypatch):
    """To the last bit: models of one erased person stay what they were."""
    layer, _ = put(people, 1, [2, 1, 0], monkeypatch)
    assert torch.equal(layer.beyond, torch.tensor([0.1]))


def test_noise_of_an_earlier_erasure_is_not_drawn_anew(people, monkeypatch):
    model = nn.Sequential(nn.Identity(), Cosines(people)).eval()
    forgets = ForgetSet(people[:1], (0,)), ForgetSet(people[1:4], (1, 2, 3))
    monkeypatch.setattr(regions, "images_won", lambda _, forget, __: torch.ones(len(forget.images) - 1))
    for forget, seed in zip(forgets, (3, 5), strict=True):
        cones = Regions(forget.images, torch.full((len(forget.images),), 0.5), missed=0)
        put_regions(model, forget, cones, noise=True, run=Run(None, seed, silent), batch_size=32)
    (layer,) = (module for module in model.modules() if isinstance(module, Scatter))
    assert len(layer.cosines) == 4
    assert torch.equal(layer.frequencies, Scatter.nowhere(SIZE, torch.Generator().manual_seed(3)).frequencies)
