"""The defining property of each method that reads the forget photos only."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import nn

from faceforget.errors import MethodError
from faceforget.recognizer.head import CosineHead
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.eraser import Batch
from faceforget.unlearn.layers.head import features_of
from faceforget.unlearn.layers.projection import Projection, project_features
from faceforget.unlearn.methods.forget_only.bad_teacher import untrained
from faceforget.unlearn.methods.forget_only.boundary_expand import BoundaryExpand
from faceforget.unlearn.methods.forget_only.boundary_shrink import fgsm
from faceforget.unlearn.methods.forget_only.gradient_ascent import bounded_ascent
from faceforget.unlearn.methods.forget_only.l2ul_adv import L2ulSettings, targeted_pgd
from faceforget.unlearn.methods.forget_only.l2ul_imp import importance
from faceforget.unlearn.methods.forget_only.random_label import draw
from faceforget.unlearn.methods.forget_only.salun import largest
from faceforget.unlearn.registry import make_method


def batch_of(student, teacher=None, classes=(0,), **more):
    """A first batch of photos with these logits."""
    count = len(student)
    images, index = torch.zeros(count, 2), torch.arange(count)
    return Batch(student, student.detach() if teacher is None else teacher, classes, None, images, index, 0, **more)


def labels_seen(monkeypatch, tiny, data, method="random_label", **settings):
    """The labels of each step of a run, in the order of the photos."""
    seen = []
    cross_entropy = Batch.cross_entropy

    def watch(batch, labels):
        seen.append(labels[batch.index.argsort()])
        return cross_entropy(batch, labels)

    monkeypatch.setattr(Batch, "cross_entropy", watch)
    make_method(method, {"margin": None, "max_steps": 5, **settings})(tiny, data)
    monkeypatch.undo()
    return seen


def test_random_label_never_draws_a_forgotten_class(tiny, two, monkeypatch):
    for kind in ("fixed", "resampled"):
        drawn = torch.cat(labels_seen(monkeypatch, tiny, two, labels=kind, batch_size=40))
        assert set(drawn.tolist()) == {0, 2}


def test_random_label_draws_once_or_at_every_step(tiny, data, monkeypatch):
    fixed = labels_seen(monkeypatch, tiny, data, labels="fixed")
    assert all(torch.equal(fixed[0], later) for later in fixed[1:])
    resampled = labels_seen(monkeypatch, tiny, data, labels="resampled")
    assert not all(torch.equal(resampled[0], later) for later in resampled[1:])


def test_every_remaining_class_is_as_likely():
    drawn = draw(torch.tensor([0, 2, 5]), (3000,), torch.Generator().manual_seed(0))
    shares = torch.bincount(drawn, minlength=6) / 3000
    assert torch.allclose(shares, torch.tensor([1, 0, 1, 0, 0, 1]) / 3, atol=0.03)


def test_the_relabelling_gradient_is_student_minus_one_hot():
    student = torch.tensor([[2.0, 0.0, 1.0], [0.0, 0.0, 0.0]], requires_grad=True)
    batch_of(student).cross_entropy(torch.tensor([2, 1])).mean().backward()
    expected = (student.detach().softmax(1) - torch.tensor([[0.0, 0, 1], [0, 1, 0]])) / 2
    assert torch.allclose(student.grad, expected)


def test_gradient_ascent_raises_the_loss_up_to_its_bound():
    """d(-CE)/ds = one-hot - q, over N; a photo beyond the bound has no gradient."""
    student = torch.tensor([[2.0, 0.0, 1.0], [0.0, 9.0, 0.0]], requires_grad=True)
    bounded_ascent(batch_of(student).cross_entropy(torch.tensor([0, 0])), 8.0).backward()
    expected = (torch.tensor([1.0, 0, 0]) - student[0].detach().softmax(0)) / 2
    assert torch.allclose(student.grad[0], expected)
    assert (student.grad[1] == 0).all()


def test_gradient_ascent_stays_finite_however_long_it_goes_on(tiny, data):
    settings = {"learning_rate": 0.5, "margin": None, "max_steps": 300}
    erasure = make_method("gradient_ascent", settings)(tiny, data)
    assert erasure.steps[-1].loss >= -8.0
    assert all(parameter.isfinite().all() for parameter in erasure.model.parameters())


def test_gradient_ascent_raises_each_photos_own_class(tiny, two):
    with pytest.raises(MethodError, match="label per image"):
        make_method("gradient_ascent")(tiny, replace(two, labels=None))


def test_fgsm_moves_every_entry_by_epsilon_up_the_loss():
    """For a linear model dCE/dx = Wᵀ(q - one-hot), by hand."""
    model = nn.Linear(3, 4).requires_grad_(False)
    images, labels = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 3, 0])
    error = model(images).softmax(1) - nn.functional.one_hot(labels, 4)
    assert torch.allclose(fgsm(model, images, labels, 0.1), images + 0.1 * (error @ model.weight).sign())


def test_boundary_shrink_takes_the_class_across_the_boundary(tiny, data, monkeypatch):
    """However small the step, no label is the forgotten class; far enough, it is the neighbour's."""
    for epsilon in (1e-6, 2.0):
        drawn = torch.cat(labels_seen(monkeypatch, tiny, data, method="boundary_shrink", epsilon=epsilon))
        assert 1 not in drawn
    neighbour = fgsm(deepcopy(tiny).requires_grad_(False), data.images, data.own_classes(), 2.0)
    predicted = tiny(neighbour).argmax(1)
    crossed = predicted != 1
    assert crossed.float().mean() > 0.5
    assert torch.equal(drawn[:20][crossed], predicted[crossed])


def test_boundary_expand_ends_with_the_original_classes(tiny, data, monkeypatch):
    widths = []
    loss = BoundaryExpand.loss
    monkeypatch.setattr(
        BoundaryExpand, "loss", lambda self, batch: widths.append(batch.student_logits.shape[1]) or loss(self, batch)
    )
    erasure = make_method("boundary_expand", {"learning_rate": 0.05})(tiny, data)
    assert set(widths) == {5}
    assert erasure.model(data.images).shape == (20, 4)
    assert erasure.model[5].weight.shape == tiny[5].weight.shape


def test_the_gradient_of_boundary_expand_goes_to_the_shadow_class():
    student = torch.zeros(1, 4, requires_grad=True)
    BoundaryExpand().loss(batch_of(student, teacher=torch.zeros(1, 3))).backward()
    assert torch.allclose(student.grad, torch.tensor([[0.25, 0.25, 0.25, -0.75]]))


@pytest.mark.parametrize("more", [{}, {"weight_decay": 0.1}])
def test_salun_moves_only_the_most_salient_weights(tiny, data, more):
    settings = {"learning_rate": 0.05, "share": 0.25, "margin": None, "max_steps": 5, **more}
    erasure = make_method("salun", settings)(tiny, data)
    gradient = autograd_gradient(tiny, data)
    flat = torch.cat([value.flatten().abs() for value in gradient.values()])
    limit = flat.sort(descending=True).values[round(0.25 * len(flat)) - 1]
    moved = {name: p != tiny.get_parameter(name) for name, p in erasure.model.named_parameters()}
    for name, value in gradient.items():
        assert not moved[name][value.abs() < 0.999 * limit].any()  # near it rounding decides
    assert sum(mask.sum() for mask in moved.values()) > 0.2 * len(flat)


def test_the_largest_are_chosen_over_the_whole_network():
    chosen = largest({"a": torch.tensor([1.0, 5.0]), "b": torch.tensor([[4.0, 2.0]])}, 0.5)
    assert chosen["a"].tolist() == [False, True]
    assert chosen["b"].tolist() == [[True, False]]


def test_targeted_pgd_stays_in_its_ball_and_comes_closer_to_the_target(tiny, data):
    model, targets = deepcopy(tiny).requires_grad_(False), torch.full((20,), 2)
    settings = L2ulSettings(epsilon=3.0, attack_step=0.5, attack_steps=12)
    moved = targeted_pgd(model, data.images, targets, settings)
    assert (moved - data.images).norm(dim=1).max() <= 3.0 + 1e-5
    cross_entropy = nn.functional.cross_entropy
    assert cross_entropy(model(moved), targets) < cross_entropy(model(data.images), targets)


def test_adversarial_examples_hold_and_importance_holds_more(tiny, data, weights):
    """The two variants differ, and the penalty keeps the weights closer to the original."""
    common = {"learning_rate": 0.05, "margin": None, "max_steps": 30, "epsilon": 3, "attack_step": 0.5}
    adversarial = make_method("l2ul_adv", common)(tiny, data).model
    important = make_method("l2ul_imp", common)(tiny, data).model
    unheld = make_method("l2ul_adv", {**common, "adversarial_weight": 0})(tiny, data).model
    assert not torch.equal(weights(adversarial), weights(important))
    assert not torch.equal(weights(adversarial), weights(unheld))
    distances = [(weights(model) - weights(tiny)).norm() for model in (adversarial, important)]
    assert distances[1] < distances[0]


def test_importance_of_a_linear_model_by_hand():
    """|d(Wx)²/dW| = 2 |Wx| |x|ᵀ, its mean over the images, scaled to at most 1."""
    model, images = nn.Linear(2, 2, bias=False), torch.tensor([[1.0, 2.0], [3.0, -1.0]])
    outputs = images @ model.weight.detach().T
    expected = torch.einsum("ni,nj->ij", outputs.abs(), images.abs())
    assert torch.allclose(importance(model, images)["weight"], expected / expected.max())


def test_the_bad_teacher_knows_nothing_and_the_student_follows_it(tiny, data):
    torch.manual_seed(0)
    bad = untrained(tiny)
    assert not torch.equal(bad[0].weight, tiny[0].weight)
    assert (bad[1].running_mean == 0).all()
    settings = {"learning_rate": 0.05, "margin": None, "max_steps": 200}
    student = make_method("bad_teacher", settings)(tiny, data).model
    with torch.no_grad():  # an untrained network is far less sure than the original
        certainty = [model(data.images).softmax(1).amax(1).mean() for model in (tiny, student)]
    assert certainty[0] > 0.99
    assert certainty[1] < 0.7


def test_layers_without_an_initialisation_of_their_own_are_new_too():
    head = CosineHead(torch.eye(3, 5))
    assert not torch.equal(untrained(head).weight, head.weight)


@pytest.mark.parametrize("direction", ["photos", "row"])
def test_pour_takes_the_direction_out_of_the_features(tiny, data, direction):
    result = make_method("pour", {"direction": direction})(tiny, data).model
    old, new = (features_of(model, data.images, 64) for model in (tiny, result))
    removed = tiny[5].weight[1].detach() if direction == "row" else nn.functional.normalize(old, dim=1).mean(0)
    removed = removed / removed.norm()
    assert torch.allclose(new @ removed, torch.zeros(20), atol=1e-4)
    assert torch.allclose(new, old - torch.outer(old @ removed, removed), atol=1e-4)


def test_pour_on_a_perfect_simplex_leaves_a_simplex():
    """Neural collapse: rows are class means, all angles equal; after it, so they are for the others."""
    simplex = torch.eye(4) - 0.25
    model = nn.Sequential(nn.Linear(4, 4, bias=False), CosineHead(simplex))
    model[0].weight.data = torch.eye(4)
    erasure = make_method("pour")(model, ForgetSet(simplex[:1].repeat(2, 1), (0,)))
    rows = nn.functional.normalize(erasure.model[1].weight[1:], dim=1)
    assert torch.allclose(rows @ rows.T, torch.eye(3) * 1.5 - 0.5, atol=1e-5)
    assert (erasure.model(simplex[1:]).argmax(1) == torch.tensor([1, 2, 3])).all()
    assert torch.allclose(erasure.model[0](simplex[:1]), torch.zeros(1, 4), atol=1e-6)


@pytest.mark.parametrize("norm", [False, True])
def test_a_projection_is_folded_into_the_layers_before_the_head(norm):
    torch.manual_seed(0)
    before_head = [nn.Conv2d(3, 5, 4), nn.Flatten(), *([nn.BatchNorm1d(5)] if norm else [])]
    model = nn.Sequential(*before_head, CosineHead(torch.randn(4, 5)))
    images, matrix = torch.randn(8, 3, 4, 4), torch.randn(5, 5)
    model.train()(images)
    model.eval()
    expected = features_of(model, images, 3) @ matrix.T
    assert not any(isinstance(m, Projection) for m in project_features(model, matrix, images, 8).modules())
    assert torch.allclose(features_of(model, images, 3), expected, atol=1e-4)


def test_influence_steps_up_the_damped_natural_gradient(tiny, data):
    """With a huge damping the direction is the plain gradient of the forget photos' loss, by autograd."""
    erasure = make_method("influence", {"damping": 1e9, "relative_step": 0.01})(tiny, data)
    pairs = zip(erasure.model.parameters(), tiny.parameters(), strict=True)
    shift = torch.cat([(new - old).detach().flatten() for new, old in pairs])
    gradient = torch.cat([value.flatten() for value in autograd_gradient(tiny, data).values()])
    assert torch.cosine_similarity(shift, gradient, dim=0) > 0.999
    length = torch.cat([p.detach().flatten() for p in tiny.parameters()]).norm()
    assert shift.norm() / length == pytest.approx(0.01, rel=1e-3)


def autograd_gradient(model, data):
    """Gradient of the forget photos' mean cross-entropy with their own class."""
    copy = deepcopy(model)
    nn.functional.cross_entropy(copy(data.images), data.own_classes()).backward()
    return {name: parameter.grad for name, parameter in copy.named_parameters()}
