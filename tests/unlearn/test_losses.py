import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faceforget.unlearn.losses import (
    LossInputError,
    decoupled_kl,
    delete_loss,
    log_odds_margin,
    mask_logits,
)


def softmax64(row):
    values = np.exp(np.asarray(row, np.float64) - np.max(row))
    return values / values.sum()


def reference_delete_loss(student, teacher, forget):
    """KL over the classes that remain: the forgotten ones are cut out of the teacher, not masked."""
    total = 0.0
    for s_row, t_row in zip(np.asarray(student, np.float64), np.asarray(teacher, np.float64), strict=True):
        kept = np.delete(np.arange(len(t_row)), forget)
        p, q = softmax64(t_row[kept]), softmax64(s_row)[kept]
        total += float(np.sum(p * np.log(p / q)))
    return total / len(student)


def logits(seed, *shape, scale=3.0, dtype=torch.float64):
    return (torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * scale).to(dtype)


@pytest.mark.parametrize("forget", [0, 4, [1], [0, 2, 5]])
def test_delete_loss_agrees_with_cutting_the_class_out(forget):
    student, teacher = logits(0, 5, 7), logits(1, 5, 7)
    expected = reference_delete_loss(student.numpy(), teacher.numpy(), forget)
    assert delete_loss(student, teacher, forget).item() == pytest.approx(expected, rel=1e-12)
    in_single = delete_loss(student.float(), teacher.float(), forget).item()
    assert in_single == pytest.approx(expected, rel=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 4), st.integers(2, 9), st.integers(0, 2**31), st.floats(0.1, 20), st.data())
def test_delete_loss_holds_for_any_shape(samples, classes, seed, scale, data):
    forget = data.draw(st.lists(st.integers(0, classes - 1), min_size=1, max_size=classes - 1, unique=True))
    student, teacher = (
        logits(seed, samples, classes, scale=scale),
        logits(seed + 1, samples, classes, scale=scale),
    )
    expected = reference_delete_loss(student.numpy(), teacher.numpy(), forget)
    assert delete_loss(student, teacher, forget).item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_the_target_has_exactly_no_mass_on_the_forgotten_classes():
    target = mask_logits(logits(0, 6, 5, scale=30, dtype=torch.float32), [1, 3]).softmax(1)
    assert (target[:, [1, 3]] == 0).all()
    assert torch.allclose(target.sum(1), torch.ones(6))


def test_the_others_keep_the_teachers_ratios():
    teacher = logits(0, 1, 4)
    target, before = mask_logits(teacher, 0).softmax(1)[0], teacher.softmax(1)[0]
    assert torch.allclose(target[1:] / target[3], before[1:] / before[3])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("extreme", [1e2, 1e4, 6e4])
def test_finite_with_extreme_logits(dtype, extreme):
    student = torch.tensor([[extreme, -extreme, 0.0, 1.0], [0.0, extreme, extreme, -extreme]], dtype=dtype)
    student.requires_grad_(True)
    teacher = student.detach().flip(1)
    loss = delete_loss(student, teacher, 0)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(student.grad).all()
    assert all(torch.isfinite(term).all() for term in decoupled_kl(mask_logits(teacher, 0), student, 0))


def test_invariant_to_the_masked_logit():
    student, teacher = logits(0, 3, 5), logits(1, 3, 5)
    changed = teacher.clone()
    changed[:, 2] = torch.tensor([1e30, -1e30, 0.0])
    assert torch.equal(delete_loss(student, teacher, 2), delete_loss(student, changed, 2))


def test_invariant_to_the_order_of_classes():
    student, teacher, order = logits(0, 4, 6), logits(1, 4, 6), torch.tensor([3, 0, 5, 1, 2, 4])
    moved = [order.tolist().index(index) for index in (1, 4)]
    same = delete_loss(student[:, order], teacher[:, order], moved)
    assert same.item() == pytest.approx(delete_loss(student, teacher, [1, 4]).item(), rel=1e-12)


def test_the_gradient_is_student_minus_target():
    student, teacher = logits(0, 2, 4).requires_grad_(True), logits(1, 2, 4)
    delete_loss(student, teacher, 3).backward()
    expected = (student.detach().softmax(1) - mask_logits(teacher, 3).softmax(1)) / 2
    assert torch.allclose(student.grad, expected)


def test_gradcheck_of_both_terms():
    target, student = logits(0, 2, 4), logits(1, 2, 4).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda s: sum(decoupled_kl(target, s, [0, 2])), student)
    assert torch.autograd.gradcheck(lambda s: delete_loss(s, target, 1), student)


def test_no_gradient_reaches_the_teacher():
    student, teacher = logits(0, 2, 4).requires_grad_(True), logits(1, 2, 4).requires_grad_(True)
    delete_loss(student, teacher, 0).backward()
    assert teacher.grad is None


def test_dense_prediction_is_the_same_at_every_position():
    student, teacher = logits(0, 2, 5, 3, 4), logits(1, 2, 5, 3, 4)
    flat = [t.permute(0, 2, 3, 1).reshape(-1, 5) for t in (student, teacher)]
    assert delete_loss(student, teacher, [0, 3]).item() == pytest.approx(delete_loss(*flat, [0, 3]).item(), rel=1e-12)


def test_only_the_chosen_positions_count():
    student, teacher = logits(0, 2, 5, 3, 4), logits(1, 2, 5, 3, 4)
    where = torch.rand(2, 3, 4, generator=torch.Generator().manual_seed(0)) < 0.4
    chosen = [t.permute(0, 2, 3, 1)[where] for t in (student, teacher)]
    expected = delete_loss(*chosen, 1).item()
    assert delete_loss(student, teacher, 1, where=where).item() == pytest.approx(expected, rel=1e-12)
    assert delete_loss(student, teacher, 1, where=torch.zeros_like(where)).item() == 0


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 8), st.integers(0, 2**31), st.floats(0.1, 5), st.data())
def test_the_two_terms_are_the_whole_divergence(classes, seed, scale, data):
    forget = data.draw(st.lists(st.integers(0, classes - 1), min_size=1, max_size=classes - 1, unique=True))
    target, student = logits(seed, 3, classes, scale=scale), logits(seed + 1, 3, classes, scale=scale)
    terms = decoupled_kl(target, student, forget)
    for row in range(3):
        p, q = softmax64(target[row].numpy()), softmax64(student[row].numpy())
        assert (terms.forgetting + terms.retention)[row].item() == pytest.approx(np.sum(p * np.log(p / q)), abs=1e-12)


def test_with_no_target_mass_the_forgetting_term_is_minus_log_of_the_rest():
    target, student = mask_logits(logits(0, 3, 4), 2), logits(1, 3, 4)
    forgetting = decoupled_kl(target, student, 2).forgetting
    assert torch.allclose(forgetting, -torch.log(1 - student.softmax(1)[:, 2]), atol=1e-12)


def test_a_one_hot_target_sees_one_class_only():
    """Relabelling as the special case of the paper: its retention term is -log of one class's share."""
    student = logits(1, 1, 4)
    one_hot = torch.full((1, 4), -torch.inf, dtype=torch.float64)
    one_hot[0, 3] = 0.0
    q = student.softmax(1)[0]
    assert decoupled_kl(one_hot, student, 0).retention.item() == pytest.approx(-torch.log(q[3] / q[1:].sum()).item())


def test_margin_is_the_lead_of_the_best_other_class():
    rows = torch.tensor([[1.0, 4.0, 2.0], [5.0, 1.0, 2.0]])
    assert log_odds_margin(rows, 0).tolist() == [3.0, -3.0]
    assert log_odds_margin(rows, [0, 1]).tolist() == [-2.0, -3.0]


@pytest.mark.parametrize("forget", [[], [0, 1, 2], 3, -1, [0, 7]])
def test_impossible_classes_are_refused_with_the_range(forget):
    with pytest.raises(LossInputError, match=r"\[0, 2\]"):
        delete_loss(logits(0, 2, 3), logits(1, 2, 3), forget)


def test_shapes_that_differ_are_refused_with_both():
    with pytest.raises(LossInputError, match=r"\(2, 3\) and \(2, 4\)"):
        delete_loss(logits(0, 2, 4), logits(1, 2, 3), 0)
    with pytest.raises(LossInputError, match="where"):
        delete_loss(logits(0, 2, 3), logits(1, 2, 3), 0, where=torch.ones(3, dtype=torch.bool))


def test_a_student_that_masks_the_logit_already_has_no_forgetting_loss():
    student = torch.tensor([[-torch.inf, 1.0, 0.0]], requires_grad=True)
    loss = delete_loss(student, torch.tensor([[3.0, 1.0, 0.0]]), 0)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-7)
    assert torch.isfinite(student.grad).all()
