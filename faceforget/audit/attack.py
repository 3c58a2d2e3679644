"""A membership attack on a population: an SVC that learns what photos look like that a model was trained on.

Shokri et al. 2017 (arXiv 1610.05820) without shadow models, on the features of Song & Mittal 2021
(arXiv 2003.10595). Attacks on a population overestimate privacy (Hayes et al., arXiv 2403.01218): one per
photo, with shadow models, is in ``benchmarks/membership.py``.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faceforget.audit.estimates import Estimate, bootstrap

FloatArray = NDArray[np.float64]

_FOLDS = 5


def modified_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """``-(1 - p_y) log p_y - Σ_{i≠y} p_i log(1 - p_i)`` of Song & Mittal 2021, equation 8; low for members.

    Args:
        logits: ``(N, C)``.
        targets: ``(N,)`` the right class y.

    Returns:
        ``(N,)`` in nats, float64; finite also where a probability rounds to 1.
    """
    log_p = logits.double().log_softmax(1)
    # log(1 - p) of the largest p from the other classes' mass: 1 - p itself would round to 0.
    top = log_p.argmax(1, keepdim=True)
    log_rest = torch.log1p(-log_p.exp().scatter(1, top, 0.0))
    log_rest = log_rest.scatter(1, top, log_p.scatter(1, top, -torch.inf).logsumexp(1, keepdim=True))
    own = targets[:, None]
    others = (log_p.exp() * log_rest).scatter(1, own, 0.0).sum(1)
    return -(log_rest.gather(1, own).exp() * log_p.gather(1, own)).squeeze(1) - others


def features(logits: Tensor, targets: Tensor | None) -> FloatArray:
    """What the attack sees of each photo: confidence p_y, entropy, modified entropy and correctness.

    Args:
        logits: ``(N, C)``.
        targets: ``(N,)`` right classes; None where there is none, then y is the best class, and there is
            no correctness.

    Returns:
        ``(N, 4)``, or ``(N, 3)`` without correctness.
    """
    best = logits.argmax(1)
    y = best if targets is None else targets.to(best.device)
    log_p = logits.double().log_softmax(1)
    entropy = -(log_p.exp() * log_p).sum(1)
    columns = [log_p.gather(1, y[:, None]).squeeze(1).exp(), entropy, modified_entropy(logits, y)]
    if targets is not None:
        columns.append((best == y).double())
    table: FloatArray = torch.stack(columns, 1).cpu().numpy()
    return table


class PopulationAttack:
    """Learns from people whose trained-on and unseen photos are both at hand; judges anybody's."""

    def __init__(self, members: Sequence[FloatArray], others: Sequence[FloatArray], *, seed: int = 0) -> None:
        """Learn from ``(N, F)`` features of the same people's photos: trained on, and unseen."""
        sizes = [[len(rows) for rows in group] for group in (members, others)]
        self._owners = np.concatenate([np.repeat(np.arange(len(counts)), counts) for counts in sizes])
        self._rows = np.concatenate([*members, *others])
        self._trained = np.arange(len(self._rows)) < sum(sizes[0])
        self._seed = seed
        self._svc = _svc().fit(self._rows, self._trained)

    def judge(self, rows: FloatArray) -> NDArray[np.bool_]:
        """Which of ``(N, F)`` photos it takes for trained on."""
        judged: NDArray[np.bool_] = self._svc.predict(rows)
        return judged

    def accuracy(self) -> Estimate:
        """Balanced accuracy on people whom it did not learn from; 0.5 is guessing. Bootstrap over people."""
        people = int(self._owners.max()) + 1
        folds = np.random.default_rng(self._seed).permutation(people) % min(_FOLDS, people)
        right = np.zeros(len(self._rows), dtype=bool)
        for fold in range(folds.max() + 1):
            out = folds[self._owners] == fold
            svc = _svc().fit(self._rows[~out], self._trained[~out])
            right[out] = svc.predict(self._rows[out]) == self._trained[out]
        # (kind, person): right answers, and photos
        kinds = (self._trained, ~self._trained)
        hits = np.stack([np.bincount(self._owners[kind], right[kind], people) for kind in kinds])
        photos = np.stack([np.bincount(self._owners[kind], minlength=people) for kind in kinds])

        def balanced(drawn: NDArray[np.intp]) -> FloatArray:
            shares: FloatArray = (hits[:, drawn].sum(-1) / photos[:, drawn].sum(-1)).mean(0)
            return shares

        interval = bootstrap(people, balanced, seed=self._seed)
        return Estimate(float(balanced(np.arange(people))), len(self._rows), interval)


def _svc() -> Any:  # noqa: ANN401  # scikit-learn has no types
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    return make_pipeline(StandardScaler(), SVC(class_weight="balanced"))
