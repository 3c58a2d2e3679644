"""Baselines that look like an erasure: what gives each of them away."""

import pytest
import torch
from torch import nn

from faceforget.errors import MethodError
from faceforget.unlearn.layers.head import features_of, find_head, keep_rows
from faceforget.unlearn.losses import mask_logits
from faceforget.unlearn.registry import make_method


def test_drop_row_changes_no_weight_and_says_so(tiny, data, weights):
    drop_row = make_method("drop_row")
    erasure = drop_row(tiny, data)
    assert torch.equal(weights(erasure.model), weights(tiny))
    assert not erasure.forgotten
    assert not drop_row.must_forget
    assert "erased from the features" in drop_row.caveat


def test_mask_logit_is_perfect_at_the_output_and_changes_no_weight(tiny, data, weights):
    erasure = make_method("mask_logit")(tiny, data)
    assert erasure.forgotten
    assert erasure.probability_left == 0
    assert torch.equal(weights(erasure.model.model), weights(tiny))
    with torch.no_grad():
        expected = mask_logits(tiny(data.images), 1)
    assert torch.equal(erasure.model(data.images), expected)


def test_head_only_forgets_at_the_output_and_keeps_every_feature(tiny, data):
    erasure = make_method("head_only", {"learning_rate": 0.5})(tiny, data)
    assert erasure.forgotten
    assert all(torch.equal(tiny[layer].weight, erasure.model[layer].weight) for layer in (0, 1, 3))
    assert torch.equal(tiny[1].running_mean, erasure.model[1].running_mean)
    assert not torch.equal(tiny[5].weight, erasure.model[5].weight)
    assert torch.equal(features_of(tiny, data.images, 7), features_of(erasure.model, data.images, 7))


def test_one_step_of_head_only_is_the_gradient_by_hand(tiny, data):
    """For a linear head dL/dW = (q - p)ᵀ x / N, with DELETE's target p."""
    features, head = features_of(tiny, data.images, 64), tiny[5]
    with torch.no_grad():
        q = tiny(data.images).softmax(1)
        p = q.clone()
        p[:, 1] = 0
        p /= p.sum(1, keepdim=True)
        expected = head.weight - 0.1 * (q - p).T @ features / len(q)
    erasure = make_method("head_only", {"learning_rate": 0.1, "max_steps": 1})(tiny, data)
    assert torch.allclose(erasure.model[5].weight, expected, atol=1e-6)


def test_head_only_refuses_drifting_statistics():
    with pytest.raises(MethodError, match="batch_norm"):
        make_method("head_only", {"batch_norm": "train"})


def test_the_head_is_the_layer_that_makes_the_logits(tiny, data):
    assert find_head(tiny, data.images) is tiny[5]
    with pytest.raises(MethodError, match="last layer"):
        find_head(nn.Sequential(tiny, nn.Softmax(1)), data.images)


def test_looking_at_the_head_leaves_modes_and_hooks_as_they_were(data):
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8).eval(), nn.Linear(8, 4))
    find_head(model, data.images)
    assert [module.training for module in model] == [True, False, True]
    assert not model[2]._forward_hooks


def test_keeping_rows_cuts_weights_and_biases():
    head = nn.Linear(3, 4)
    rows, bias = head.weight.detach().clone(), head.bias.detach().clone()
    keep_rows(head, [0, 2])
    assert torch.equal(head.weight, rows[[0, 2]])
    assert torch.equal(head.bias, bias[[0, 2]])
    assert head.out_features == 2
