"""DELETE where a head compares angles: one matrix on the embedding, folded into the last linear layer."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from faceforget.api.method_words import caveat_of
from faceforget.errors import MethodError
from faceforget.recognizer.head import CosineHead, FaceClassifier
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.layers.embedding import compares_angles
from faceforget.unlearn.layers.scatter import Scatter, ScatterPlace
from faceforget.unlearn.registry import make_method

PEOPLE, SIZE, PHOTOS = 8, 32, 6


class Embedder(nn.Module):
    """Vectors for images, with the place that a recogniser keeps."""

    def __init__(self):
        super().__init__()
        self.network = nn.Sequential(nn.Linear(24, 48), nn.ReLU(), nn.Linear(48, SIZE), nn.BatchNorm1d(SIZE))
        self.scatter = ScatterPlace()

    def forward(self, images):
        return self.scatter(self.network(images))


@pytest.fixture(scope="module")
def photos():
    """``(PEOPLE, PHOTOS, 24)``, each person's around a centre of their own."""
    generator = torch.Generator().manual_seed(1)
    centres = torch.randn(PEOPLE, 1, 24, generator=generator)
    return centres + 0.2 * torch.randn(PEOPLE, PHOTOS, 24, generator=generator)


@pytest.fixture(scope="module")
def model(photos):
    torch.manual_seed(0)
    embedder = Embedder()
    embedder(photos.flatten(0, 1))  # the norm's statistics
    embedder.eval()
    with torch.no_grad():
        rows = functional.normalize(embedder(photos.flatten(0, 1)), dim=1).view(PEOPLE, PHOTOS, SIZE).mean(1)
    return FaceClassifier(embedder, CosineHead(rows)).eval().requires_grad_(False)


def erased(model, photos, who=(0,), **settings):
    labels = torch.tensor(who).repeat_interleave(PHOTOS)
    return make_method("delete", settings)(model, ForgetSet(photos[list(who)].flatten(0, 1), tuple(who), labels=labels))


def best(model, photos):
    return model(photos.flatten(0, 1)).argmax(1).view(PEOPLE, PHOTOS)


@pytest.mark.parametrize("who", [(0,), (2, 5)])
def test_the_persons_go_and_everybody_else_stays(model, photos, who):
    found = best(erased(model, photos, who).model, photos)
    for person in range(PEOPLE):
        right = (found[person] == person).float().mean()
        assert right == 0 if person in who else right == 1


def test_nothing_but_the_last_linear_layer_changes(model, photos):
    before, after = model.state_dict(), erased(model, photos).model.state_dict()
    assert before.keys() == after.keys()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert "embedder.network.2.weight" in changed
    assert changed <= {f"embedder.network.{layer}" for layer in ("2.weight", "2.bias", "3.bias")}


@pytest.mark.parametrize("who", [(0,), (2, 5)])
def test_any_two_photos_stay_as_alike_as_they_were(model, photos, who):
    def alike(network):
        strangers = torch.randn(20, 24, generator=torch.Generator().manual_seed(2))
        units = functional.normalize(network.embedder(torch.cat([photos.flatten(0, 1), strangers])), dim=1)
        return units @ units.T

    after = erased(model, photos, who).model
    assert not torch.allclose(after.embedder(photos[who[0]]), model.embedder(photos[who[0]]), atol=0.1)
    torch.testing.assert_close(alike(after), alike(model), atol=1e-3, rtol=0)


def test_what_is_said_of_the_layers_moves_the_layers(model, photos):
    forget = ForgetSet(photos[0], (0,))
    assert make_method("delete").settled(model, forget).settings.moves == "embedding"
    for settings in ({"moves": "all"}, {"batch_norm": "train"}, {"first_layers": "1"}):
        assert make_method("delete", settings).settled(model, forget).settings.moves == "all"


def test_settings_that_are_given_are_kept_and_the_others_follow(model, photos):
    one = make_method("delete", {"max_steps": "7"}).settled(model, ForgetSet(photos[0], (0,))).settings
    assert (one.max_steps, one.margin) == (7, None)
    few, many = (
        make_method("delete").settled(model, ForgetSet(photos[: len(who)].flatten(0, 1), who)).settings
        for who in ((0,), (0, 1, 2))
    )
    assert few.max_steps < many.max_steps
    again = make_method("delete", few.model_dump()).settled(model, ForgetSet(photos[0], (0,))).settings
    assert again == few


def test_a_classifier_whose_head_adds_lengths_is_as_it_was(photos):
    torch.manual_seed(0)
    linear = nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 4)).eval()
    forget = ForgetSet(photos[0], (0,))
    assert not compares_angles(linear, photos[0])
    assert make_method("delete").settled(linear, forget).settings.moves == "all"
    with pytest.raises(MethodError, match="moves=embedding"):
        make_method("delete", {"moves": "embedding"})(linear, forget)


def test_the_layer_of_an_earlier_erasure_is_still_there(model, photos):
    first = make_method("dispersed")(
        model, ForgetSet(photos[1], (1,), anchors=torch.randn(60, 24, generator=torch.Generator().manual_seed(3)))
    ).model
    layers = [module for module in erased(first, photos).model.modules() if isinstance(module, Scatter)]
    assert len(layers) == 1
    assert len(layers[0].cosines) == 1


def test_the_caveat_says_what_it_is_not():
    in_general, on_faces = make_method("delete").caveat, caveat_of("delete")
    assert "from before" in in_general
    assert "template of the person" in on_faces
    assert "enrolled again" in on_faces
