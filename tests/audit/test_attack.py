import math

import numpy as np
import pytest
import torch

from faceforget.audit.attack import PopulationAttack, features, modified_entropy


def logits_of(*rows):
    return torch.tensor(rows, dtype=torch.float64).log()


@pytest.mark.parametrize(
    ("target", "by_hand"),
    [
        # -(1 - .7) ln .7 - .2 ln(1 - .2) - .1 ln(1 - .1)
        (0, 0.3 * 0.35667494 + 0.2 * 0.22314355 + 0.1 * 0.10536052),
        # -(1 - .2) ln .2 - .7 ln(1 - .7) - .1 ln(1 - .1)
        (1, 0.8 * 1.60943791 + 0.7 * 1.20397280 + 0.1 * 0.10536052),
        # -(1 - .1) ln .1 - .7 ln(1 - .7) - .2 ln(1 - .2)
        (2, 0.9 * 2.30258509 + 0.7 * 1.20397280 + 0.2 * 0.22314355),
    ],
)
def test_modified_entropy_by_hand(target, by_hand):
    """With log p in place of log(1 - p), the defect of public code, the first row would give 0.659."""
    assert modified_entropy(logits_of([0.7, 0.2, 0.1]), torch.tensor([target])).item() == pytest.approx(by_hand)


def test_modified_entropy_of_certain_answers_stays_finite():
    """p = (1 - e, e), e = exp(-60): right it is 2 e² ≈ 0; wrong it is 2 * 60."""
    logits = torch.tensor([[60.0, 0.0]])
    right, wrong = (modified_entropy(logits, torch.tensor([y])).item() for y in (0, 1))
    assert 0 <= right < 1e-20
    assert wrong == pytest.approx(120)


def test_features_of_a_row():
    table = features(logits_of([0.7, 0.2, 0.1], [0.7, 0.2, 0.1]), torch.tensor([0, 1]))
    entropy = -sum(p * math.log(p) for p in (0.7, 0.2, 0.1))
    assert table.shape == (2, 4)
    assert table[:, 0] == pytest.approx([0.7, 0.2])
    assert table[:, 1] == pytest.approx([entropy, entropy])
    assert table[:, 3].tolist() == [1, 0]


def test_without_a_right_answer_the_best_row_stands_in_and_correctness_is_left_out():
    rows = logits_of([0.7, 0.2, 0.1], [0.1, 0.3, 0.6])
    assert np.array_equal(features(rows, None), features(rows, torch.tensor([0, 2]))[:, :3])


@pytest.fixture
def people():
    """Features (N, 3) of twelve people's photos."""
    generator = np.random.default_rng(0)
    return lambda shift: [generator.normal(shift, 1, (6, 3)) for _ in range(12)]


def test_an_attack_on_what_lies_apart_is_right(people):
    attack = PopulationAttack(people(6), people(-6))
    assert attack.accuracy().value == 1
    assert attack.judge(np.full((5, 3), 6.0)).all()
    assert not attack.judge(np.full((5, 3), -6.0)).any()


def test_an_attack_on_what_is_alike_guesses(people):
    accuracy = PopulationAttack(people(0), people(0)).accuracy()
    low, high = accuracy.interval
    assert low < 0.5 < high
    assert accuracy.photos == 144


def test_more_photos_of_one_kind_do_not_make_a_guess_look_good(people):
    """Nine in ten photos trained on: always saying so would be right for 90 %."""
    few = [rows[:1] for rows in people(0)]
    assert PopulationAttack([np.concatenate([r, r[::-1] + 0.01]) for r in people(0)], few).accuracy().value < 0.75
