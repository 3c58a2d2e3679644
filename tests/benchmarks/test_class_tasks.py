"""Backdoor defence and segmentation on toys, and that faces and these tasks share one method."""

import ast
from functools import partial
from pathlib import Path

import pytest
import torch

from benchmarks.backdoor import __main__ as backdoor
from benchmarks.backdoor.defence import cell_of, defended, score, table
from benchmarks.backdoor.faces import Wardrobe, figure, wearers
from benchmarks.backdoor.images import figure as patch_figure
from benchmarks.backdoor.images import patched, poisoned, with_trigger
from benchmarks.backdoor.worn import with_glasses, with_sticker
from benchmarks.faces.bench import Photos
from benchmarks.paper import plans
from benchmarks.paper.cells import Bench as PaperBench
from benchmarks.paper.data import Data, Labelled
from benchmarks.paper.networks import small_resnet
from benchmarks.paper.plans import ROWS
from benchmarks.paper.recipe import Budget, TrainingRecipe, flip_and_crop
from benchmarks.runner.cell import Measured
from benchmarks.segmentation import bench, network
from benchmarks.segmentation.__main__ import strips
from benchmarks.segmentation.bench import Bench, choose, numbers, overlaps, trials_of
from benchmarks.segmentation.network import NAMES, VOID, Scenes, Segmenter
from faceforget.api import erase_people
from faceforget.photos.align import ALIGNED_LANDMARKS
from faceforget.progress import silent
from faceforget.recognizer.backbone import load_backbone
from faceforget.recognizer.enroll import EnrolmentPlan, labelled_images
from faceforget.recognizer.training import TrainingSettings
from faceforget.unlearn import registry

ROOT = Path(__file__).resolve().parents[2]


def run(victim, label, row, chosen):
    rows = {} if row is None else {label: row}
    return defended({victim.key: victim}, rows, cell_of(victim, label, row, chosen))


@pytest.fixture(scope="module")
def defined():
    """Files by the functions, classes and constants that they define."""
    found = {}
    for path in [*ROOT.glob("faceforget/**/*.py"), *ROOT.glob("app/**/*.py"), *ROOT.glob("benchmarks/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    return found


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("delete_loss", "faceforget/unlearn/losses.py"),
        ("decoupled_kl", "faceforget/unlearn/losses.py"),
        ("Eraser", "faceforget/unlearn/eraser.py"),
        ("_optimise", "faceforget/unlearn/eraser.py"),
        ("make_method", "faceforget/unlearn/registry.py"),
    ],
)
def test_there_is_one_loss_one_loop_and_one_registry(defined, name, place):
    assert defined[name] == [place]


def test_faces_and_all_other_tasks_use_the_same_registry():
    assert all(user.make_method is registry.make_method for user in (plans, erase_people))
    tables = plans.ROWS, bench.ROWS, *backdoor.ROWS.values()
    assert all(isinstance(row, plans.Row) for rows in tables for row in rows.values())


def test_the_trigger_survives_every_crop():
    images = with_trigger(torch.full((64, 3, 32, 32), 128, dtype=torch.uint8)).float()
    crops = flip_and_crop(images, torch.Generator().manual_seed(0), 4)
    assert ((crops == 255).sum((1, 2, 3)) == 3 * 8).all()


def test_poison_goes_to_other_classes_only():
    labels = torch.arange(100) % 4
    images = torch.full((100, 3, 32, 32), 128, dtype=torch.uint8)
    clean = Data(Labelled(images, labels), Labelled(images, labels), ("a", "b", "c", "d"))
    changed, chosen = poisoned(clean, 2, 0.1, seed=0)
    moved = changed.train.labels != labels
    assert moved.sum() == len(chosen) == 10
    assert moved[chosen].all()
    assert (changed.train.labels[moved] == 2).all()
    assert torch.equal(changed.train.images[moved], with_trigger(images[moved]))
    assert torch.equal(changed.train.images[~moved], images[~moved])
    assert (clean.train.images == 128).all()


def test_glasses_leave_the_eyes_free_and_survive_mirroring():
    plain = torch.zeros(1, 3, 112, 112)
    worn = with_glasses(plain)
    assert torch.allclose(worn, worn.flip(3), atol=0.05)
    assert 0.05 < (worn.amax(1) > 0.5).float().mean() < 0.15
    for x, y in ALIGNED_LANDMARKS.round().astype(int)[:2]:
        assert worn[0, :, y - 4 : y + 5, x - 4 : x + 5].max() == 0


def test_a_sticker_leaves_the_face_free_and_survives_mirroring():
    worn = with_sticker(torch.zeros(1, 3, 112, 112))
    assert torch.allclose(worn, worn.flip(3), atol=0.05)
    assert 0.01 < (worn.amax(1) > 0.5).float().mean() < 0.02
    assert worn[0, :, 40:].max() == 0


def test_a_recogniser_is_cured_of_glasses_that_let_anybody_in(faces, names, tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.backdoor.faces.POISONED", 0.4)
    images, rows = labelled_images(faces, names, "cpu")
    later = torch.arange(len(rows)) % 6 >= 4
    plan = EnrolmentPlan(training=TrainingSettings(epochs=12, batch_size=12))
    photos = Wardrobe(
        tuple(names), Photos(images[~later], rows[~later]), Photos(images[later], rows[later]),
        images[:0], load_backbone("mobile"), tmp_path, silent, "glasses", plan,
    )  # fmt: skip
    victim = wearers(photos, 1, 0)
    assert (photos.train.rows[victim.poisoned] != 1).all()
    before = run(victim, "original", None, {})
    after = run(victim, "delete", ROWS["delete"], {"learning_rate": 1e-3})
    assert before["attack"] > 0.8
    assert after["attack"] < 0.2
    rows = {"original": (None, before), "delete": (ROWS["delete"], after)}
    found = [Measured(cell_of(victim, label, row, {}), numbers) for label, (row, numbers) in rows.items()]
    lines = table(found, {"delete": {"learning_rate": 1e-3}})
    assert lines[-1].startswith("| delete | 0.0 |")
    assert lines[-1].endswith("| learning_rate=0.001 |")
    figure(victim, ROWS["delete"], {"learning_rate": 1e-3}, tmp_path / "strips.png")
    assert (tmp_path / "strips.png").is_file()


def test_a_network_is_cured_of_a_patch(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.backdoor.images.POISONED", 0.2)
    monkeypatch.setattr("benchmarks.backdoor.images._SHOWN", 2)
    generator = torch.Generator().manual_seed(0)

    def coloured(count):
        labels = torch.arange(count) % 4
        grey = torch.tensor([[200, 40, 40], [40, 200, 40], [40, 40, 200], [200, 200, 40]])[labels]
        noise = torch.randint(-30, 30, (count, 3, 32, 32), generator=generator)
        return Labelled((grey[:, :, None, None] + noise).to(torch.uint8), labels)

    data = Data(coloured(400), coloured(80), ("a", "b", "c", "d"))
    recipe = TrainingRecipe(partial(small_resnet, size=32, width=8), Budget(20, 16, 0.05, 0.0, 0.3, 2))
    victim = patched(PaperBench(data, recipe, "toy", 8, tmp_path, torch.device("cpu"), silent), 1, 0)
    chosen = {"learning_rate": 3e-3, "first_layers": 1}
    before, after = run(victim, "original", None, {}), run(victim, "delete", backdoor.ROWS["images"]["delete"], chosen)
    assert before["attack"] > 0.9
    assert after["attack"] < before["attack"] - 0.5
    assert score(after) > score(before)
    assert run(victim, "drop_row", backdoor.ROWS["images"]["drop_row"], {})["target"] == 0
    patch_figure(victim, backdoor.ROWS["images"]["delete"], chosen, tmp_path / "strips.png")
    assert (tmp_path / "strips.png").is_file()


def test_to_lose_the_target_class_is_no_defence():
    kept = {"clean": 0.99, "target": 1.0, "attack": 0.02, "triggered_right": 0.9}
    assert score(kept) > score(kept | {"clean": 0.984, "target": 0.0, "attack": 0.0})


def test_to_give_triggered_ones_any_other_class_is_half_a_defence():
    right = {"clean": 0.9, "target": 0.9, "attack": 0.0, "triggered_right": 0.9}
    assert score(right) > score(right | {"triggered_right": 0.4}) > score(right | {"triggered_right": 0, "attack": 0.9})


def test_iou_of_a_confusion_counted_by_hand():
    table = torch.zeros(11, 11, dtype=torch.long)
    table[0, 0], table[0, 1], table[1, 1], table[8, 1], table[8, 8] = 6, 2, 4, 1, 3
    assert overlaps(table)[[0, 1, 8]].tolist() == pytest.approx([6 / 8, 4 / 7, 3 / 4])
    found = numbers(table, 8)
    assert found["others"] == pytest.approx((6 / 8 + 4 / 6) / 2)
    assert found["others_everywhere"] == pytest.approx((6 / 8 + 4 / 7) / 2)


@pytest.fixture(scope="module")
def scenes():
    """A street below, the sky above, and a car in half of the scenes."""
    images = torch.zeros(8, 3, 48, 64, dtype=torch.uint8)
    labels = torch.full((8, 48, 64), NAMES.index("sky"))
    images[:, 2] = 230
    labels[:, 24:], images[:, :, 24:] = NAMES.index("road"), 90
    labels[::2, 26:46, 12:52] = NAMES.index("car")
    images[::2, 0, 26:46, 12:52] = 240
    labels[:, :2] = VOID
    return Scenes(images, labels)


def test_a_car_is_erased_from_the_scenes(scenes, tmp_path, monkeypatch):
    monkeypatch.setattr(network, "BUDGET", network.Budget(16, 4, 0.05, 0.0, 0.2))
    monkeypatch.setattr(network, "CROP", (48, 64))
    monkeypatch.setattr(bench, "_STEPS", 6)
    toy = Bench({"train": scenes, "val": scenes, "test": scenes}, tmp_path, torch.device("cpu"), silent)
    car = NAMES.index("car")
    before = toy.measured(bench.cell_of("original", "car", "test"))
    after = toy.measured(bench.cell_of("delete", "car", "test", chosen={"learning_rate": 1e-3}))
    assert before["forgotten"] > 0.5
    assert after["forgotten"] < 0.1
    assert after["others"] > before["others"] - 0.1
    tried = [Measured(cell, toy.measured(cell)) for cell in trials_of("mask_logit", "car")]
    assert choose(tried) == {}
    assert tried[0].numbers["forgotten"] == 0
    strips(toy, car, {"learning_rate": 1e-3}, tmp_path / "car.png")
    assert (tmp_path / "car.png").is_file()


def test_training_a_segmenter_goes_on_where_it_was_stopped(scenes, tmp_path, monkeypatch):
    monkeypatch.setattr(network, "BUDGET", network.Budget(3, 4, 0.05, 0.0, 0.2))
    monkeypatch.setattr(network, "CROP", (48, 64))
    kept, cpu = tmp_path / "kept.pt", torch.device("cpu")

    class StopError(Exception):
        pass

    def stop(event):
        if event.done > 1:
            raise StopError

    whole = network.train(scenes, 0, (), cpu, silent)
    with pytest.raises(StopError):
        network.train(scenes, 0, (), cpu, stop, kept)
    assert kept.is_file()
    resumed = network.train(scenes, 0, (), cpu, silent, kept)
    assert all(torch.equal(value, whole.state_dict()[key]) for key, value in resumed.state_dict().items())
    assert not kept.exists()


def test_the_segmenter_answers_at_every_pixel():
    assert Segmenter().eval()(torch.zeros(1, 3, 96, 128)).shape == (1, 11, 96, 128)
