"""The cosine head: one row per person, compared by angle."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class CosineHead(nn.Module):
    """Logits as scaled cosines between an embedding and each person's row.

    Shape: ``(N, D)`` embeddings to ``(N, C)`` logits.
    """

    def __init__(self, rows: Tensor, scale: float = 16.0) -> None:
        """Start from ``rows`` ``(C, D)``; only their direction counts."""
        super().__init__()
        self.weight = nn.Parameter(functional.normalize(rows.detach().clone(), dim=1))
        self.scale = scale

    def forward(self, embeddings: Tensor) -> Tensor:
        """Scaled cosines."""
        return self.scale * functional.linear(
            functional.normalize(embeddings, dim=1), functional.normalize(self.weight, dim=1)
        )


class FaceClassifier(nn.Module):
    """Embedder and head as one classifier, the view that an erasure method has of a recogniser.

    Shape: ``(N, 3, S, S)`` RGB in [0, 1] to ``(N, C)`` logits.
    """

    def __init__(self, embedder: nn.Module, head: CosineHead) -> None:
        super().__init__()
        self.embedder = embedder
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        """Classify faces."""
        logits: Tensor = self.head(self.embedder(images))
        return logits


def to_images(crops: object, device: str | torch.device = "cpu") -> Tensor:
    """Crops ``(N, S, S, 3)`` uint8 as ``(N, 3, S, S)`` float in [0, 1], channels last in memory."""
    tensor = torch.as_tensor(crops, device=device)
    return tensor.permute(0, 3, 1, 2).float().div_(255)
