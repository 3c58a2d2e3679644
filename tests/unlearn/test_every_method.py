"""What holds for each method, whatever it does inside."""

from dataclasses import replace

import pytest
import torch

from faceforget.errors import MethodError
from faceforget.unlearn.registry import METHODS, make_method

# Rates that suit four classes of points; the defaults are for a face recogniser.
FITTING = {
    "delete": {"learning_rate": 0.05},
    "random_label": {"learning_rate": 0.05},
    "gradient_ascent": {"learning_rate": 0.3},
    "boundary_shrink": {"learning_rate": 0.05, "epsilon": 2},
    "boundary_expand": {"learning_rate": 0.05},
    "salun": {"learning_rate": 0.05},
    "l2ul_adv": {"learning_rate": 0.01},
    "l2ul_imp": {"learning_rate": 0.01},
    "bad_teacher": {"learning_rate": 0.05},
    "influence": {"relative_step": 0.2},
    "finetune": {"learning_rate": 0.1, "max_steps": 20},
    "scrub": {"learning_rate": 0.03},
    "fisher": {"alpha": 0.1},
    "wood_fisher": {"relative_step": 0.2},
    "head_only": {"learning_rate": 0.5},
}
NAMES = list(METHODS)
READ_OTHERS = [name for name, method in METHODS.items() if "retained photos" in method.reads]
# Not these: no weight that matters for it moves, or nothing in them asks for the class to lose.
FORGET = [name for name in NAMES if name not in ("drop_row", "finetune", "retrain", "fisher")]
# One step for two of four classes is too much to ask; a bad teacher may favour one of them itself; and
# SCRUB is content when it has swapped them.
FORGET_SEVERAL = [
    n for n in FORGET if n not in ("anchored", "dispersed", "pour", "influence", "wood_fisher", "bad_teacher", "scrub")
]


def fitting(name, **more):
    return make_method(name, {**FITTING.get(name, {}), **more})


@pytest.mark.parametrize("name", NAMES)
def test_the_model_given_in_is_unchanged(name, tiny, data, weights):
    before = weights(tiny)
    erasure = fitting(name)(tiny, data)
    assert torch.equal(before, weights(tiny))
    assert all(parameter.requires_grad for parameter in tiny.parameters())
    assert not any(parameter.requires_grad for parameter in erasure.model.parameters())
    assert not erasure.model.training


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_weights(name, tiny, data, weights):
    first, again = (fitting(name)(tiny, data, seed=3) for _ in range(2))
    assert torch.equal(weights(first.model), weights(again.model))


@pytest.mark.parametrize("name", NAMES)
def test_global_randomness_is_left_alone(name, tiny, data):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    fitting(name)(tiny, data)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("name", NAMES)
def test_the_result_has_the_classes_of_the_model(name, tiny, data):
    assert fitting(name)(tiny, data).model(data.images).shape == (20, 4)


@pytest.mark.parametrize("name", FORGET)
def test_forgets_the_class_and_keeps_the_others(name, tiny, data, accuracy):
    gone, kept = accuracy(fitting(name)(tiny, data).model)
    assert gone <= 0.05
    assert kept >= 0.9


@pytest.mark.parametrize("name", FORGET_SEVERAL)
def test_forgets_several_classes_at_once(name, tiny, two, accuracy):
    erasure = fitting(name)(tiny, two)
    assert erasure.forgotten
    assert accuracy(erasure.model, gone=(1, 3))[0] <= 0.05


@pytest.mark.parametrize("name", READ_OTHERS)
def test_refuses_without_the_photos_that_it_reads(name, tiny, data):
    with pytest.raises(MethodError, match="as retain"):
        make_method(name)(tiny, replace(data, retained=None))


@pytest.mark.parametrize("name", READ_OTHERS)
def test_refuses_retained_photos_of_a_forgotten_class(name, tiny, data):
    mixed = replace(data.retained, labels=torch.ones_like(data.retained.labels))
    with pytest.raises(MethodError, match="of a forgotten class"):
        make_method(name)(tiny, replace(data, retained=mixed))


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(READ_OTHERS)))
def test_reads_no_other_photos(name, tiny, data, weights):
    """The same result with the others' photos there and not: what `reads` says is true."""
    without = fitting(name)(tiny, replace(data, retained=None))
    assert torch.equal(weights(without.model), weights(fitting(name)(tiny, data).model))


def test_settings_of_another_method_are_refused():
    with pytest.raises(MethodError, match="RandomLabelSettings"):
        METHODS["random_label"](METHODS["delete"]().settings)


def test_settings_are_given_in_one_way_only():
    with pytest.raises(MethodError, match="and hyperparameters"):
        METHODS["delete"](METHODS["delete"]().settings, learning_rate=1e-3)
