"""The likelihood ratio attack: Carlini et al. 2022, arXiv 2112.03570, with few shadow models."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score, roc_curve

from faceforget.lab import Estimate, bootstrap, not_measured

FloatArray = NDArray[np.float64]

_RESAMPLES = 300


def likelihood_ratios(scores: FloatArray, inside: NDArray[np.bool_], outside: NDArray[np.bool_]) -> FloatArray:
    """How much more likely each score is inside than outside, each shadow left out of its own Gaussians.

    Args:
        scores: ``(K, N)`` of K shadows and N photos.
        inside: ``(K, N)`` where the photo was in the one world.
        outside: ``(K, N)`` where it was in the other.

    Returns:
        ``(K, N)`` log-likelihood ratios; NaN in neither world, and where there are no other shadows to learn from.
    """
    ratios = np.full(scores.shape, np.nan)
    for target in range(len(scores)):
        others = np.arange(len(scores)) != target
        gaussians = [_gaussians(scores[others], world[others]) for world in (inside, outside)]
        (mean_in, deviation_in), (mean_out, deviation_out) = gaussians
        asked = inside[target] | outside[target]
        ratio = _log_density(scores[target], mean_in, deviation_in)
        ratio -= _log_density(scores[target], mean_out, deviation_out)
        ratios[target, asked] = ratio[asked]
    return ratios


def _gaussians(scores: FloatArray, world: NDArray[np.bool_]) -> tuple[FloatArray, float]:
    """Mean of each photo ``(N,)``, and the deviation from it, over all photos."""
    counts = world.sum(0)
    means = np.divide((scores * world).sum(0), counts, out=np.full(scores.shape[1], np.nan), where=counts > 0)
    freedom = int(np.maximum(counts - 1, 0).sum())
    if not freedom:
        return means, np.nan
    squares = np.nansum(np.where(world, (scores - means) ** 2, 0.0))
    return means, max(float(np.sqrt(squares / freedom)), 1e-6)


def _log_density(values: FloatArray, means: FloatArray, deviation: float) -> FloatArray:
    density: FloatArray = -0.5 * ((values - means) / deviation) ** 2 - np.log(deviation)
    return density


def strength(ratios: FloatArray, inside: NDArray[np.bool_], seed: int = 0) -> dict[str, Estimate]:
    """AUC, accuracy at a ratio of one, and the share found where 1 % are accused wrongly; bootstrap over photos.

    Args:
        ratios: ``(K, N)``, NaN where there is none.
        inside: ``(K, N)`` the truth.
        seed: Of the bootstrap.
    """
    known = np.isfinite(ratios)
    count = int(known.any(0).sum())  # the same photo in several shadows is one photo
    if len(np.unique(inside[known])) < 2:
        note = "too few shadows to learn from"
        return {key: not_measured(count, note) for key in ("auc", "accuracy", "tpr_at_fpr_0.01")}

    def measure(statistic: Callable[[NDArray[np.bool_], FloatArray], float]) -> Estimate:
        def of(photos: NDArray[np.int64]) -> float:
            kept = known[:, photos]
            truth = inside[:, photos][kept]
            return float(statistic(truth, ratios[:, photos][kept])) if len(np.unique(truth)) == 2 else np.nan

        everything = np.arange(ratios.shape[1])
        interval = bootstrap(
            len(everything), lambda drawn: np.apply_along_axis(of, -1, drawn), seed=seed, resamples=_RESAMPLES
        )
        return Estimate(of(everything), count, interval)

    return {
        "auc": measure(roc_auc_score),
        "accuracy": measure(lambda truth, ratio: float(np.mean(ratio[truth] > 0) + np.mean(ratio[~truth] <= 0)) / 2),
        "tpr_at_fpr_0.01": measure(_found_at_one_percent),
    }


def _found_at_one_percent(truth: NDArray[np.bool_], ratios: FloatArray) -> float:
    false, true, _ = roc_curve(truth, ratios)
    return float(true[false <= 0.01].max())
