"""The MTCNN cascade, the same for a face in a wide photo and in one that is cropped around it.

Zhang et al. 2016, "Joint face detection and alignment using multitask cascaded convolutional networks"
(arXiv 1604.02878), with the three trained networks that facenet-pytorch ships. Its own way through them cuts a
candidate's box off where the photo ends and stretches what is left to a square, so that on photos cropped around the
face the points come out wrong without a word: the eyes 1.2 times too far apart. Here a box goes on beyond the photo
in grey, which is zero to the networks, as it would in a wider photo.

1. P-Net looks at 12x12 windows of a pyramid of sizes. Each level has a grey edge of two thirds of a window, so that
   the windows of a face that fills the photo are there, at a fraction of what a border around the photo costs.
2. R-Net looks at what is left, at 24x24, and moves the boxes.
3. O-Net looks at 48x48, moves the boxes again and gives five points.
4. O-Net reads the points once more, on the final box and on its mirror image: their mean moves less with the box.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import nms, roi_align

from faceforget.photos.align import RGB

# The paper's: of a candidate's probability, at each network.
_PASSES = (0.6, 0.7, 0.7)
_SMALLEST_FACE = 20
_WINDOW, _STRIDE = 12, 2
_SHRINK = 0.709
_EDGE = 8
# A pyramid ends where the photo's short side is this many pixels: a face may be larger than the photo.
_SMALLEST_SIDE = 8
# Overlaps at which the less probable of two boxes goes: at one level, among levels, at the end.
_SAME_LEVEL, _SAME_FACE = 0.5, 0.7
# Where the points are in a mirror image.
MIRRORED = (1, 0, 2, 4, 3)


class Cascade:
    """P-Net, R-Net and O-Net, one photo after another: what is found does not depend on which photos go together."""

    def __init__(self, device: torch.device) -> None:
        from facenet_pytorch.models.mtcnn import ONet, PNet, RNet  # imported late: it loads torch's vision library

        self._device = device
        self._propose, self._refine, self._output = (net().eval().to(device) for net in (PNet, RNet, ONet))

    @torch.inference_mode()
    def find(self, photo: RGB) -> tuple[Tensor, Tensor, Tensor]:
        """All faces of a photo ``(H, W, 3)`` uint8 RGB.

        Returns:
            Boxes ``(F, 4)`` x0, y0, x1, y1 in pixels, which may reach beyond the photo; points ``(F, 5, 2)``;
            probabilities ``(F,)``; most probable first.
        """
        pixels = torch.tensor(photo, device=self._device).permute(2, 0, 1)[None].float()
        image = (pixels - 127.5) / 128
        boxes = self._refined(image, self._proposals(image))
        boxes, scores = self._judged(image, boxes)
        return boxes.cpu(), self._points(image, _square(boxes)).cpu(), scores.cpu()

    def _proposals(self, image: Tensor) -> Tensor:
        """Square candidates ``(B, 4)`` of all sizes."""
        boxes, scores = zip(*(self._level(image, scale) for scale in _scales(image)), strict=True)
        moved, score = torch.cat(boxes), torch.cat(scores)
        return _square(moved[nms(moved, score, _SAME_FACE)])

    def _level(self, image: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        """Candidates ``(B, 4)`` of one size, and their probabilities ``(B,)``."""
        height, width = image.shape[2:]
        size = (int(height * scale) + 1, int(width * scale) + 1)
        shrunk = functional.pad(functional.interpolate(image, size=size, mode="area"), (_EDGE,) * 4)
        moves, probabilities = self._propose(shrunk)
        passed = (probabilities[0, 1] >= _PASSES[0]).nonzero()
        rows, columns = passed.T
        corner = (_STRIDE * passed.flip(1) - _EDGE) / scale
        windows = torch.cat([corner, corner + _WINDOW / scale], dim=1)
        scores = probabilities[0, 1, rows, columns]
        kept = nms(windows, scores, _SAME_LEVEL)
        return _moved(windows, moves[0, :, rows, columns].T)[kept], scores[kept]

    def _refined(self, image: Tensor, boxes: Tensor) -> Tensor:
        """The square boxes ``(B', 4)`` that R-Net leaves of ``(B, 4)``."""
        moves, probabilities = _ask(self._refine, _cut(image, boxes, 24))
        passed = probabilities[:, 1] > _PASSES[1]
        boxes, moves, scores = boxes[passed], moves[passed], probabilities[passed, 1]
        kept = nms(boxes, scores, _SAME_FACE)
        return _square(_moved(boxes[kept], moves[kept]))

    def _judged(self, image: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """The boxes ``(F, 4)`` and probabilities ``(F,)`` of what O-Net takes for a face, most probable first."""
        moves, _, probabilities = _ask(self._output, _cut(image, boxes, 48))
        passed = probabilities[:, 1] > _PASSES[2]
        boxes, scores = _moved(boxes[passed], moves[passed]), probabilities[passed, 1]
        kept = _distinct(boxes, scores)
        return boxes[kept], scores[kept]

    def _points(self, image: Tensor, boxes: Tensor) -> Tensor:
        """Five points ``(F, 5, 2)`` in each square box ``(F, 4)``."""
        faces = _cut(image, boxes, 48)
        xy = [_ask(self._output, crops)[1].view(-1, 2, 5).transpose(1, 2) for crops in (faces, faces.flip(3))]
        mirrored = torch.stack([1 - xy[1][..., 0], xy[1][..., 1]], dim=2)[:, MIRRORED]
        return boxes[:, None, :2] + (xy[0] + mirrored) / 2 * (boxes[:, 2:] - boxes[:, :2])[:, None]


def _ask(network: nn.Module, crops: Tensor) -> list[Tensor]:
    """A network's answers to crops ``(B, 3, S, S)``; the library's networks do not take none."""
    asked = crops if len(crops) else crops.new_zeros(1, *crops.shape[1:])
    return [answer[: len(crops)] for answer in network(asked)]


def _scales(image: Tensor) -> list[float]:
    """From the smallest face to one that is larger than the photo; at least one."""
    scales = [_WINDOW / _SMALLEST_FACE]
    while min(image.shape[2:]) * scales[-1] * _SHRINK >= _SMALLEST_SIDE:
        scales.append(scales[-1] * _SHRINK)
    return scales


def _cut(image: Tensor, boxes: Tensor, size: int) -> Tensor:
    """``(B, 3, size, size)`` of boxes ``(B, 4)``; zero, which is grey, beyond the photo."""
    crops: Tensor = roi_align(image, [boxes], size, aligned=True)
    return crops


def _moved(boxes: Tensor, moves: Tensor) -> Tensor:
    """Boxes ``(B, 4)`` whose sides a network moves by shares ``(B, 4)`` of their size."""
    return boxes + moves * (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)


def _square(boxes: Tensor) -> Tensor:
    """The squares around boxes ``(B, 4)`` with the same middles."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(1, keepdim=True) / 2
    return torch.cat([middle - half, middle + half], dim=1)


def _distinct(boxes: Tensor, scores: Tensor) -> list[int]:
    """Places of the boxes that are no part of a more probable one, most probable first."""
    kept: list[int] = []
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    for place in scores.argsort(descending=True).tolist():
        sides = torch.minimum(boxes[kept, 2:], boxes[place, 2:]) - torch.maximum(boxes[kept, :2], boxes[place, :2])
        shared = sides.clamp(min=0).prod(1) / torch.minimum(areas[kept], areas[place])
        if not (shared > _SAME_FACE).any():
            kept.append(place)
    return kept
