"""The paper's tables on a toy: colours instead of photos."""

from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.paper.__main__ import choose, earlier
from benchmarks.paper.cells import Bench, Cell, outcome_of
from benchmarks.paper.data import load_data
from benchmarks.paper.measures import measures
from benchmarks.paper.networks import NETWORKS, small_resnet
from benchmarks.paper.plans import ROWS
from benchmarks.paper.recipe import BUDGETS, Budget, TrainingRecipe, flip_and_crop, normalised
from faceforget.progress import silent

COLOURS = {"blue": (30, 40, 200), "green": (40, 180, 60), "red": (200, 50, 40), "white": (220, 220, 220)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root, rng = tmp_path_factory.mktemp("colours"), np.random.default_rng(0)
    for part, count in (("train", 24), ("test", 8)):
        for name, colour in COLOURS.items():
            (root / part / name).mkdir(parents=True)
            for i in range(count):
                noisy = np.clip(np.array(colour) + rng.normal(0, 25, (32, 32, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(noisy).save(root / part / name / f"{i:03}.png")
    return root


@pytest.fixture(scope="module")
def bench(folder, tmp_path_factory):
    work = tmp_path_factory.mktemp("paper")
    data = load_data("cifar10", folder, work, silent)
    network, budget = partial(small_resnet, size=32, width=4), Budget(10, 16, 0.05, 0.0, 0.3)
    recipe = TrainingRecipe(network, budget, work / "checkpoints", "small")
    return Bench(data, recipe, "toy", 8, work, torch.device("cpu"), silent)


def measured(bench, label, **chosen):
    cell = Cell(label, ROWS.get(label), (1,), 0, chosen)
    return measures(cell, outcome_of(cell, bench), bench)


def test_a_folder_is_read_by_class(bench):
    assert bench.data.names == tuple(sorted(COLOURS))
    assert bench.data.train.images.shape == (96, 3, 32, 32)
    blue = bench.data.test.of((0,)).images.float().mean((0, 2, 3))
    assert blue.argmax() == 2


def test_the_network_learns_and_delete_forgets(bench):
    before, after = measured(bench, "original"), measured(bench, "delete", learning_rate=0.003)
    assert before["acc_f_test"] == before["acc_r_test"] == 1
    assert after["acc_f_test"] == 0
    assert after["acc_r_test"] > 0.9


@pytest.mark.parametrize("label", ["drop_row", "mask_logit"])
def test_a_trivial_edit_is_undone_by_the_old_row(bench, label):
    row = measured(bench, label)
    assert row["acc_f_test"] == 0
    assert row["old_row"] == 1


def test_retraining_never_sees_the_class(bench):
    row = measured(bench, "retrain")
    assert row["acc_f_test"] == 0
    assert row["acc_r_test"] > 0.9


def test_a_cell_is_read_again(bench):
    cell = Cell("delete", ROWS["delete"], (1,), 0, {"learning_rate": 0.003})
    first = outcome_of(cell, bench)
    assert torch.equal(first.logits, outcome_of(cell, bench).logits)


def test_what_an_earlier_search_chose_is_read_again(bench, tmp_path):
    chosen = choose("pour", bench, tmp_path, only_there=False)
    assert chosen in ROWS["pour"].candidates
    assert earlier("pour", bench, tmp_path) == chosen


def test_training_goes_on_where_it_was_stopped(bench, tmp_path):
    images, labels = bench.inputs(bench.data.train)

    class StopError(Exception):
        pass

    def stop(event):
        if event.done > event.total / 2:
            raise StopError

    whole = TrainingRecipe(bench.recipe.network, bench.recipe.budget)(images, labels, seed=1, progress=silent)
    recipe = TrainingRecipe(bench.recipe.network, bench.recipe.budget, tmp_path)
    with pytest.raises(StopError):
        recipe(images, labels, seed=1, progress=stop)
    assert len(list(tmp_path.glob("*.pt"))) == 1
    resumed = recipe(images, labels, seed=1, progress=silent)
    assert all(torch.equal(value, whole.state_dict()[key]) for key, value in resumed.state_dict().items())
    assert not list(tmp_path.glob("*.pt"))


@pytest.mark.parametrize(("name", "size"), [("small", 32), ("resnet18", 32), ("resnet18", 64), ("vgg16", 32)])
def test_networks_answer_for_their_classes(name, size):
    assert NETWORKS[name](7, size).eval()(torch.zeros(2, 3, size, size)).shape == (2, 7)


@pytest.mark.parametrize("name", ["vit-s", "swin-t"])
@pytest.mark.parametrize("size", [32, 64])
def test_transformers_fit_small_images(name, size):
    with torch.device("meta"):
        network = NETWORKS[name](7, size)
        assert network.eval()(torch.zeros(2, 3, size, size)).shape == (2, 7)


def test_crops_are_shifted_by_up_to_four_pixels_and_sometimes_mirrored():
    ramp = torch.arange(32.0).expand(1, 3, 32, 32) + 1
    crops = flip_and_crop(ramp.repeat(64, 1, 1, 1), torch.Generator().manual_seed(0), 4)
    middle = crops[:, 0, 16, 8:24]
    rising = (middle.diff() > 0).all(1)
    assert 16 < rising.sum() < 48
    assert ((middle[rising, 0] - 9).abs() <= 4).all()


@pytest.mark.parametrize("name", BUDGETS)
def test_rates_end_low(name):
    budget = BUDGETS[name]
    rates = [budget.rate(step, 10 * budget.epochs) for step in range(10 * budget.epochs)]
    assert max(rates) == pytest.approx(budget.learning_rate, rel=0.1)
    assert rates[-1] < 0.1 * budget.learning_rate


def test_images_are_normalised():
    assert normalised(torch.full((1, 3, 2, 2), 125, dtype=torch.uint8)).abs().max() < 0.2
