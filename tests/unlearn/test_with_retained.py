"""The defining property of each method that reads photos of the classes that stay."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import nn

from faceforget.errors import MethodError
from faceforget.unlearn.curvature import diagonal_fisher
from faceforget.unlearn.eraser import Batch, RetainBatch
from faceforget.unlearn.methods.with_retained.fisher import FisherSettings, noise_variance
from faceforget.unlearn.methods.with_retained.wood_fisher import inverse_times
from faceforget.unlearn.registry import make_method


def test_one_step_of_finetune_is_the_gradient_of_the_retained_photos(tiny, data):
    settings = {"learning_rate": 0.1, "max_steps": 1, "batch_size": 60}
    erasure = make_method("finetune", settings)(tiny, data)
    copy = deepcopy(tiny)
    nn.functional.cross_entropy(copy(data.retained.images), data.retained.labels).backward()
    for name, parameter in copy.named_parameters():
        moved = erasure.model.get_parameter(name) - tiny.get_parameter(name)
        assert torch.allclose(moved, -0.1 * parameter.grad, atol=1e-6)


def test_retrain_is_the_recipe_on_the_retained_photos(tiny, data, weights):
    """Classes 0, 2, 3 are trained as 0, 1, 2; the old row of class 1 is put back where it was."""
    result = make_method("retrain")(tiny, data, seed=5).model
    images, labels = data.retained.images, data.retained.labels
    fresh = data.retained.recipe(images, torch.tensor([0, -1, 1, 2])[labels], seed=5)
    assert torch.equal(result[0].weight, fresh[0].weight)
    assert torch.equal(result[5].weight[[0, 2, 3]], fresh[5].weight)
    assert torch.equal(result[5].bias[[0, 2, 3]], fresh[5].bias)
    assert torch.equal(result[5].weight[1], tiny[5].weight[1])
    assert torch.equal(result[5].bias[1], tiny[5].bias[1])


def test_retrain_owes_nothing_to_the_weights_of_the_model(tiny, data):
    other = data.retained.recipe(*_all(data), seed=9)
    first, again = (make_method("retrain")(model, data, seed=5).model for model in (tiny, other))
    assert torch.equal(first[3].weight, again[3].weight)


def test_retrain_needs_a_recipe_and_every_class(tiny, data):
    with pytest.raises(MethodError, match="recipe"):
        make_method("retrain")(tiny, replace(data, retained=replace(data.retained, recipe=None)))
    some = data.retained.labels != 3
    fewer = replace(data.retained, images=data.retained.images[some], labels=data.retained.labels[some])
    with pytest.raises(MethodError, match=r"none of classes \[3\]"):
        make_method("retrain")(tiny, replace(data, retained=fewer))


def _all(data):
    images = torch.cat([data.retained.images, data.images])
    return images, torch.cat([data.retained.labels, torch.ones(len(data.images), dtype=torch.long)])


def retained_batch(step, forget_student, retained_student, teacher, labels):
    count = len(forget_student)
    beside = RetainBatch(retained_student, labels, teacher, nn.Identity())
    return Batch(forget_student, teacher, (0,), None, torch.zeros(count, 2), torch.arange(count), step, beside)


def test_scrub_goes_away_from_the_teacher_and_back_in_turn():
    """d KL(p‖q)/ds = q - p, with the opposite sign in the max-step; the min-step adds q - one-hot."""
    teacher, labels = torch.tensor([[3.0, 0.0, 1.0]]), torch.tensor([2])
    p, one_hot = teacher.softmax(1), torch.tensor([[0.0, 0, 1]])
    scrub = make_method("scrub", {"alpha": 2, "gamma": 0.5, "temperature": 1})
    forget, retained = (torch.tensor([[1.0, 0.0, 2.0]], requires_grad=True) for _ in range(2))
    q = forget.detach().softmax(1)
    scrub.loss(retained_batch(0, forget, retained, teacher, labels)).backward()
    assert torch.allclose(forget.grad, p - q)
    assert retained.grad is None
    forget.grad = None
    scrub.loss(retained_batch(1, forget, retained, teacher, labels)).backward()
    assert forget.grad is None
    assert torch.allclose(retained.grad, 2 * (q - p) + 0.5 * (q - one_hot), atol=1e-6)


def test_scrub_ends_with_min_steps_only():
    forget, retained = (torch.tensor([[1.0, 0.0, 2.0]], requires_grad=True) for _ in range(2))
    late = retained_batch(40, forget, retained, torch.zeros(1, 3), torch.tensor([2]))
    make_method("scrub", {"forget_steps": 40}).loss(late).backward()
    assert forget.grad is None


def test_fisher_noise_goes_where_only_the_forget_photos_need_the_weights():
    of_forget, of_retained = torch.tensor([1.0, 1.0, 0.0]), torch.tensor([1e-6, 1.0, 1e-6])
    for_forget, for_both, for_nobody = noise_variance(of_forget, of_retained, FisherSettings(alpha=1e-3)).tolist()
    assert for_forget > 100 * for_both
    assert for_nobody == 0
    assert noise_variance(of_forget, of_retained, FisherSettings(alpha=1e9)).max() == FisherSettings().cap


def test_fisher_reads_the_forget_photos(tiny, data, weights):
    other = replace(data, images=data.images + 1)
    first, second = (make_method("fisher")(tiny, photos, seed=0).model for photos in (data, other))
    assert not torch.equal(weights(first), weights(second))


def test_the_fisher_information_of_a_linear_model_by_hand():
    """E[(∂ log q_y / ∂W)²] = Σ_y q_y ((onehot_y - q) xᵀ)², here of one point with two classes."""
    model, point = nn.Linear(2, 2, bias=False), torch.tensor([[1.0, -2.0]])
    q = model(point).detach().softmax(1)[0]
    expected = sum(q[y] * torch.outer(torch.eye(2)[y] - q, point[0]).square() for y in (0, 1))
    torch.manual_seed(0)
    found = diagonal_fisher(model, point.repeat(4000, 1))["weight"]
    assert torch.allclose(found, expected, rtol=0.1)


def test_the_woodfisher_inverse_is_that_of_the_whole_matrix():
    generator = torch.Generator().manual_seed(0)
    rows, vector = torch.randn(5, 9, generator=generator).double(), torch.randn(9, generator=generator).double()
    whole = 0.3 * torch.eye(9, dtype=torch.float64) + rows.T @ rows / 5
    assert torch.allclose(inverse_times(rows, 0.3, vector), torch.linalg.solve(whole, vector))


def test_wood_fisher_is_not_a_gradient_step_but_agrees_with_its_sign(tiny, data):
    erasure = make_method("wood_fisher", {"relative_step": 1e-3})(tiny, data)
    pairs = zip(erasure.model.parameters(), tiny.parameters(), strict=True)
    shift = torch.cat([(new - old).detach().flatten() for new, old in pairs])
    copy = deepcopy(tiny)
    nn.functional.cross_entropy(copy(data.images), data.own_classes()).backward()
    gradient = torch.cat([parameter.grad.flatten() for parameter in copy.parameters()])
    assert 0 < torch.cosine_similarity(shift, gradient, dim=0) < 0.99
