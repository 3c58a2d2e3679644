"""Decoupled distillation: the losses of DELETE, on plain tensors.

Source: Zhou et al., "Decoupled Distillation to Erase", CVPR 2025, arXiv 2503.23751.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from faceforget.errors import FaceForgetError


class LossInputError(FaceForgetError, ValueError):
    """Logits or class indices that the loss cannot work with."""


class DecoupledKL(NamedTuple):
    """The two parts of KL(p‖q), each ``(N,)`` for ``(N, C)`` logits, ``(N, H, W)`` for ``(N, C, H, W)``.

    ``forgetting + retention`` is the whole divergence.
    """

    forgetting: Tensor
    retention: Tensor


def mask_logits(logits: Tensor, forget: int | Sequence[int]) -> Tensor:
    """Set the logits of the forgotten classes to minus infinity.

    All forgotten classes are masked in every sample: masking only a sample's own class would
    leave target mass on other classes that are being forgotten too.

    Args:
        logits: ``(N, C)`` or ``(N, C, H, W)``.
        forget: One class index or several.

    Returns:
        A new tensor of the same shape; in at least single precision.
    """
    masked = _at_least_single(logits).clone()
    masked[:, _class_indices(forget, logits)] = -torch.inf
    return masked


def decoupled_kl(target_logits: Tensor, logits: Tensor, forget: int | Sequence[int]) -> DecoupledKL:
    r"""Split KL(p‖q), with p = softmax(target_logits) and q = softmax(logits), at the forgotten classes.

    .. math::
        KL(p‖q) = KL(p^b‖q^b) + p_{\setminus u} \, KL(\hat p‖\hat q)

    where ``p^b = (p_u, 1 - p_u)`` and ``p̂_i = p_i / (1 - p_u)`` for ``i ≠ u``. With several
    forgotten classes ``p^b`` holds each of them and the rest: ``(p_u1, p_u2, ..., 1 - Σ p_u)``.
    With ``p_u = 0`` the forgetting term is ``-log(1 - q_u)``.

    Args:
        target_logits: ``(N, C)`` or ``(N, C, H, W)``; minus infinity means a target of zero.
        logits: The same shape.
        forget: One class index or several, fewer than C.

    Raises:
        LossInputError: Shapes differ, are not one of the two, or the indices do not fit.
    """
    _check_shapes(target_logits, logits)
    forgotten = _class_indices(forget, logits)
    kept = _complement(forgotten, logits.shape[1])
    log_p = functional.log_softmax(_at_least_single(target_logits), dim=1)
    log_q = functional.log_softmax(_at_least_single(logits), dim=1)
    log_p_rest = log_p[:, kept].logsumexp(1, keepdim=True)
    log_q_rest = log_q[:, kept].logsumexp(1, keepdim=True)
    log_p_split = torch.cat([log_p[:, forgotten], log_p_rest], dim=1)
    log_q_split = torch.cat([log_q[:, forgotten], log_q_rest], dim=1)
    forgetting = _weighted_log_ratio(log_p_split.exp(), log_p_split, log_q_split)
    # p_rest · KL(p̂‖q̂), with p_rest · p̂_i = p_i.
    retention = _weighted_log_ratio(log_p[:, kept].exp(), log_p[:, kept] - log_p_rest, log_q[:, kept] - log_q_rest)
    return DecoupledKL(forgetting, retention)


def delete_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    forget: int | Sequence[int],
    *,
    where: Tensor | None = None,
) -> Tensor:
    """DELETE, equation 5: KL( softmax(mask(teacher)) ‖ softmax(student) ), averaged.

    The target has exactly no mass on the forgotten classes, and the others keep the ratios that
    the teacher gives them.

    Args:
        student_logits: ``(N, C)`` or ``(N, C, H, W)``; gradients flow here.
        teacher_logits: The same shape, from the frozen original model; used as constants.
        forget: One class index or several; all are masked in every sample.
        where: Boolean ``(N,)`` or ``(N, H, W)``: the samples or positions that count, for dense
            prediction those of the forgotten class. All when None.

    Returns:
        Scalar in nats, at least 0; 0 when ``where`` selects nothing.

    Raises:
        LossInputError: Shapes differ, are not one of the two, or the indices do not fit.

    Example:
        >>> import torch
        >>> teacher = torch.tensor([[2.0, 1.0, 0.0]])
        >>> round(delete_loss(teacher, teacher, 0).item(), 4)  # -log(1 - q_0)
        1.0944
    """
    _check_shapes(teacher_logits, student_logits)
    # Softmax after masking: the forgotten classes get exactly zero, which no finite mask guarantees.
    log_target = functional.log_softmax(mask_logits(teacher_logits.detach(), forget), dim=1)
    log_q = functional.log_softmax(_at_least_single(student_logits), dim=1)
    divergence = _weighted_log_ratio(log_target.exp(), log_target, log_q)
    if where is None:
        return divergence.mean()
    if where.shape != divergence.shape:
        raise LossInputError(
            f"`where` must have shape {tuple(divergence.shape)}, got {tuple(where.shape)}.",
            "Give one boolean per sample or position.",
        )
    selected = divergence[where]
    return selected.mean() if selected.numel() else divergence.sum() * 0.0


def log_odds_margin(logits: Tensor, forget: int | Sequence[int]) -> Tensor:
    """How far the best other class is ahead of the best forgotten class, in log-odds.

    Args:
        logits: ``(N, C)`` or ``(N, C, H, W)``.
        forget: One class index or several, fewer than C.

    Returns:
        ``(N,)`` or ``(N, H, W)``; positive where no forgotten class wins.
    """
    forgotten = _class_indices(forget, logits)
    values = _at_least_single(logits)
    others = values[:, _complement(forgotten, logits.shape[1])]
    return others.amax(1) - values[:, forgotten].amax(1)


def _weighted_log_ratio(p: Tensor, log_p: Tensor, log_q: Tensor) -> Tensor:
    """Σ p (log p - log q) over the class axis, 0 where p is 0."""
    # The inner `where` keeps -inf - (-inf) = NaN out of the gradient as well as the value.
    positive = p > 0
    ratio = torch.where(positive, log_p, 0.0) - torch.where(positive, log_q, 0.0)
    return (p * ratio).sum(1)


def _at_least_single(logits: Tensor) -> Tensor:
    """Half precision has too few digits for a softmax over many classes."""
    return logits if logits.dtype == torch.float64 else logits.float()


def _check_shapes(target_logits: Tensor, logits: Tensor) -> None:
    if target_logits.shape != logits.shape or logits.ndim not in (2, 4):
        raise LossInputError(
            "Expected two tensors of one shape, (N, C) or (N, C, H, W), got "
            f"{tuple(target_logits.shape)} and {tuple(logits.shape)}.",
            "Pass teacher and student logits of the same images.",
        )


def remaining(classes: int, forget: Sequence[int]) -> Tensor:
    """Indices ``(C - F,)`` of the classes that stay, in order.

    Args:
        classes: C, how many there are in all.
        forget: The forgotten ones.

    Raises:
        LossInputError: The indices do not fit.
    """
    return torch.tensor(_complement(_class_indices(forget, torch.empty(0, classes)), classes))


def _class_indices(forget: int | Sequence[int], logits: Tensor) -> list[int]:
    classes = logits.shape[1]
    indices = sorted({forget} if isinstance(forget, int) else {int(index) for index in forget})
    if not indices or len(indices) >= classes or indices[0] < 0 or indices[-1] >= classes:
        raise LossInputError(
            f"Expected class indices in [0, {classes - 1}], at least one and not all, got {indices}.",
            "At least one class must remain to receive the probability.",
            forget=indices,
            classes=classes,
        )
    return indices


def _complement(indices: list[int], classes: int) -> list[int]:
    return [index for index in range(classes) if index not in set(indices)]
