"""The cosine head: one row per person, compared by angle."""

import torch
from torch import Tensor, nn
from torch.nn import functional

# A float32 row that was brought to length 1 is so near to it, whatever the processor: twice is once.
_UNIT = 1e-6


class CosineHead(nn.Module):
    """Logits as scaled cosines between an embedding and each person's row.

    Shape: ``(N, D)`` embeddings to ``(N, C)`` logits.
    """

    def __init__(self, rows: Tensor, scale: float = 16.0) -> None:
        """Start from ``rows`` ``(C, D)``; only their direction counts, and those of length 1 stay to the last bit."""
        super().__init__()
        rows = rows.detach().clone()
        is_unit = (rows.norm(dim=1, keepdim=True) - 1).abs() < _UNIT
        self.weight = nn.Parameter(torch.where(is_unit, rows, functional.normalize(rows, dim=1)))
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
