"""How well embeddings tell people apart: identification and verification of strangers to the network."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from faceforget.recognizer.mobilefacenet import MobileFaceNet

_MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
_STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


@dataclass(frozen=True)
class Scores:
    """Recognition of strangers, all in [0, 1].

    Attributes:
        rank1_gallery_1: Closed-set identification, one gallery photo a person, mean over draws.
        rank1_gallery_5: The same with the mean of five unit embeddings as template.
        tar_at_far_1pc: True accepts over all same-person pairs where 1 % of the others pass.
        tar_at_far_01pc: The same at 0.1 %.
        teacher_cosine: Mean cosine to the teacher's embedding of the same crop, if one was given.
    """

    rank1_gallery_1: float
    rank1_gallery_5: float
    tar_at_far_1pc: float
    tar_at_far_01pc: float
    teacher_cosine: float | None = None


def load_backbone(path: Path) -> MobileFaceNet:
    """Backbone in evaluation mode from a safetensors file of any float precision."""
    network = MobileFaceNet()
    state = {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}
    network.load_state_dict(state)
    return network.eval()


def normalise(crops: Tensor) -> Tensor:
    """``(N, H, W, 3)`` uint8 RGB to ``(N, 3, H, W)`` as the networks want it, channels last."""
    return (crops.permute(0, 3, 1, 2).float() / 255 - _MEAN) / _STD


def embed(network: nn.Module, crops: NDArray[np.uint8], batch: int = 64, *, bf16: bool = False) -> Tensor:
    """Unit embeddings ``(N, D)`` of aligned ``(N, 112, 112, 3)`` crops."""
    parts = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        for start in range(0, len(crops), batch):
            x = normalise(torch.from_numpy(crops[start : start + batch]))
            parts.append(nn.functional.normalize(network(x).float(), dim=1))
    return torch.cat(parts)


def identification(embeddings: Tensor, labels: NDArray[np.int64], gallery: int, draws: int = 20) -> float:
    """Rank-1 identification: probes are all photos that a draw did not put into the gallery."""
    rng = np.random.default_rng(0)
    hits = []
    people = np.unique(labels)
    for _ in range(draws):
        chosen = [rng.permutation(np.flatnonzero(labels == p))[:gallery] for p in people]
        templates = torch.stack([embeddings[c].mean(0) for c in chosen])
        probes = np.setdiff1d(np.arange(len(labels)), np.concatenate(chosen))
        scores = embeddings[probes] @ nn.functional.normalize(templates, dim=1).T
        hits.append((people[scores.argmax(1).numpy()] == labels[probes]).mean())
    return float(np.mean(hits))


def tar_at_far(embeddings: Tensor, labels: NDArray[np.int64], rates: tuple[float, ...]) -> list[float]:
    """Share of same-person pairs above the cosine that the share ``rate`` of other pairs exceeds."""
    similarity = (embeddings @ embeddings.T).numpy()
    upper = np.triu(np.ones_like(similarity, dtype=bool), 1)
    same = labels[:, None] == labels[None, :]
    genuine, impostor = similarity[upper & same], similarity[upper & ~same]
    return [float((genuine > t).mean()) for t in np.quantile(impostor, [1 - r for r in rates])]


def score(embeddings: Tensor, people: NDArray[np.str_], teacher: Tensor | None = None) -> Scores:
    """Every number of :class:`Scores` from unit embeddings and names."""
    labels = np.unique(people, return_inverse=True)[1]
    tar1, tar01 = tar_at_far(embeddings, labels, (0.01, 0.001))
    return Scores(
        rank1_gallery_1=identification(embeddings, labels, 1),
        rank1_gallery_5=identification(embeddings, labels, 5),
        tar_at_far_1pc=tar1,
        tar_at_far_01pc=tar01,
        teacher_cosine=None if teacher is None else float((embeddings * teacher).sum(1).mean()),
    )
