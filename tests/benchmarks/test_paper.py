"""The paper's tables on a toy: colours instead of photos."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from benchmarks.paper import measures
from benchmarks.paper.__main__ import cells_of, choose, earlier, trials_of, write_tables
from benchmarks.paper.cells import Bench, cell_of, outcome_of, path_of
from benchmarks.paper.data import load_data
from benchmarks.paper.measures import right_by_means
from benchmarks.paper.networks import NETWORKS, small_resnet
from benchmarks.paper.plans import ROWS
from benchmarks.paper.recipe import BUDGETS, Budget, TrainingRecipe, flip_and_crop, normalised, random_window
from benchmarks.paper.table import COLUMNS, table
from benchmarks.runner.cell import Cell, Measured
from benchmarks.runner.run import Results, run
from faceforget.errors import UsageError
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


def bench_of(folder, work, width, budget):
    data = load_data("cifar10", folder, work, silent)
    recipe = TrainingRecipe(partial(small_resnet, size=32, width=width), budget, work / "checkpoints", "small")
    return Bench(data, recipe, "toy", 8, work, torch.device("cpu"), silent)


@pytest.fixture(scope="module")
def bench(folder, tmp_path_factory):
    """Trained until it knows the colours on any processor."""
    return bench_of(folder, tmp_path_factory.mktemp("paper"), 8, Budget(20, 16, 0.02, 0.0, 0.3))


@pytest.fixture(scope="module")
def quick(folder, tmp_path_factory):
    """Trained in a moment: what it has learnt does not matter."""
    return bench_of(folder, tmp_path_factory.mktemp("quick"), 4, Budget(2, 16, 0.02, 0.0, 0.3))


def measured(bench, label, **chosen):
    return measures.measured(bench, cell_of(label, (1,), 0, "table", bench, chosen))


def test_a_folder_is_read_by_class(bench):
    assert bench.data.names == tuple(sorted(COLOURS))
    assert bench.data.train.images.shape == (96, 3, 32, 32)
    blue = bench.data.test.of((0,)).images.float().mean((0, 2, 3))
    assert blue.argmax() == 2


def test_the_network_learns_and_delete_forgets(bench):
    before, after = measured(bench, "original"), measured(bench, "delete", learning_rate=0.0003)
    assert before["acc_f_test"] == before["acc_r_test"] == 1
    assert after["acc_f_test"] == 0
    assert after["acc_r_test"] > 0.9


@pytest.mark.parametrize("label", ["drop_row", "mask_logit"])
def test_a_trivial_edit_is_undone_by_the_old_row(bench, label):
    row = measured(bench, label)
    assert row["acc_f_test"] == 0
    assert row["old_row"] == 1
    assert row["by_means"] == measured(bench, "original")["by_means"]


def test_an_image_is_not_in_the_mean_that_it_is_compared_with():
    features = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.1, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.1], [0.0, 0.1, 1.0]])
    found = right_by_means(features, torch.tensor([0, 0, 1, 1, 2]))
    assert found.tolist() == [True, True, True, True, False]  # the last has nobody but itself


def test_a_destroyed_network_knows_no_class():
    assert not right_by_means(torch.tensor([[torch.inf, 1.0], [torch.nan, 1.0]]), torch.tensor([0, 0])).any()


def test_retraining_never_sees_the_class(bench):
    row = measured(bench, "retrain")
    assert row["acc_f_test"] == 0
    assert row["acc_r_test"] > 0.9


def test_a_cell_is_read_again(quick):
    cell = cell_of("delete", (1,), 0, "table", quick, {"learning_rate": 0.003})
    first = outcome_of(cell, quick)
    assert torch.equal(first.logits, outcome_of(cell, quick).logits)


def test_a_row_may_have_its_own_passes(quick):
    usual, longer = (cell_of(label, (1,), 0, "table", quick) for label in ("delete", "delete_20_passes"))
    steps = [outcome_of(cell, quick).record["steps"] for cell in (usual, longer)]
    assert steps == [passes * 24 // 16 for passes in (quick.epochs, 20)]


def test_what_an_earlier_search_chose_is_read_again(quick, tmp_path):
    tried = run(trials_of("pour", quick), partial(measures.measured, quick), Results(tmp_path / "cells.jsonl"))
    chosen = choose("pour", quick, tmp_path, tried)
    assert chosen in ROWS["pour"].candidates
    assert earlier("pour", tmp_path / f"{quick.name}_search") == chosen


def test_a_search_that_is_not_finished_chooses_nothing_for_good(quick, tmp_path):
    second = trials_of("influence", quick)[1]
    tried = [Measured(second, measures.measured(quick, second))]
    assert choose("influence", quick, tmp_path, tried) == ROWS["influence"].candidates[1]
    assert not list(tmp_path.rglob("*.json"))


def test_another_training_is_another_network(quick):
    longer = replace(quick, recipe=replace(quick.recipe, budget=replace(quick.recipe.budget, epochs=11)))
    fewer = replace(quick, data=replace(quick.data, train=quick.data.train.first(20)))
    cell = cell_of("delete", (1,), 0, "table", quick)
    assert len({path_of(cell, one) for one in (quick, longer, fewer)}) == 3


def test_tables_compare_with_the_network_retrained_for_the_same_seed(quick, tmp_path):
    cells = cells_of(["retrain", "drop_row"], {}, [1, 2], 2, quick)
    assert len(cells) == 2 * 3 * 2
    results = Results(tmp_path / "cells.jsonl")
    write_tables(run(cells, partial(measures.measured, quick), results), quick, tmp_path, quick.name)
    assert "## 2 of 4 classes" in (tmp_path / "toy.md").read_text()
    figures = {"trade_off", "bars", "stability", "over_classes", "map"}
    assert {path.stem for path in (tmp_path / "toy").glob("*.png")} == figures


def test_a_difference_and_a_factor_are_of_pairs_of_one_seed():
    def runs(label, accuracies, seconds):
        numbers = dict.fromkeys(COLUMNS, 0.5) | {"failed": 0.0, "seconds": seconds}
        return [
            Measured(Cell(f"network {seed}", label, ("1",)), {**numbers, "acc_r_test": value})
            for seed, value in enumerate(accuracies)
        ]

    rows = {"retrain": runs("retrain", [0.8, 0.9], 60.0), "delete": runs("delete", [0.79, 0.89], 3.0)}
    text = table(rows, {})
    assert text.splitlines()[-1].endswith("| 1.0 ± 0.0 | 3.0 | 20 |")


def test_tiny_imagenet_is_read_as_it_is_published(tmp_path):
    root = tmp_path / "tiny-imagenet-200"
    for place in ("train/n01/images/n01_0.JPEG", "train/n02/images/n02_0.JPEG", "val/images/val_0.JPEG",
                  "val/images/val_1.JPEG", "test/images/test_0.JPEG"):  # fmt: skip
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 64), (0, 0, 40 * len(place))).save(root / place)
    (root / "val/val_annotations.txt").write_text("val_0.JPEG\tn02\t0\t0\t9\t9\nval_1.JPEG\tn01\t0\t0\t9\t9\n")
    data = load_data("tiny-imagenet", tmp_path, tmp_path / "work", silent)
    assert data.names == ("n01", "n02")
    assert data.train.labels.tolist() == [0, 1]
    assert sorted(data.test.labels.tolist()) == [0, 1]


def test_parts_with_other_classes_are_refused(tmp_path):
    for place in ("train/a/0.png", "test/b/0.png"):
        (tmp_path / "data" / place).parent.mkdir(parents=True)
        Image.new("RGB", (32, 32)).save(tmp_path / "data" / place)
    with pytest.raises(UsageError, match="same classes"):
        load_data("cifar10", tmp_path / "data", tmp_path, silent)


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


def test_windows_are_looked_at_first_and_whole_images_last():
    seen = list[int]()

    class Sized(nn.Linear):
        def forward(self, images):
            seen.append(images.shape[-1])
            return super().forward(images.mean((2, 3)))

    recipe = TrainingRecipe(partial(Sized, 3), Budget(5, 2, 0.1, 0.0, 0.2, window=24))
    images = torch.arange(4.0)[:, None, None, None].expand(-1, 3, 32, 32)
    recipe(images, torch.tensor([0, 1, 0, 1]), seed=0, progress=silent)
    assert seen == [24] * 6 + [32] * 4


def test_a_window_is_the_same_part_of_all_images():
    ramp = torch.arange(32.0).expand(4, 3, 32, 32)
    part = random_window(ramp, torch.Generator().manual_seed(0), 24)
    assert part.shape == (4, 3, 24, 24)
    assert (part.diff(dim=3) == 1).all()


@pytest.mark.parametrize("name", BUDGETS)
def test_rates_end_low(name):
    budget = BUDGETS[name]
    rates = [budget.rate(step, 10 * budget.epochs) for step in range(10 * budget.epochs)]
    assert max(rates) == pytest.approx(budget.learning_rate, rel=0.1)
    assert rates[-1] < 0.1 * budget.learning_rate


def test_images_are_normalised():
    assert normalised(torch.full((1, 3, 2, 2), 125, dtype=torch.uint8)).abs().max() < 0.2
