"""What a face may wear as a trigger, drawn on aligned crops."""

from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from faceforget.lab import ALIGNED_LANDMARKS

_COLOUR = (0.05, 0.85, 0.25)  # unlike skin and hair
_FINE, _FRACTION = 8, 3  # drawn larger; cv2 takes places between pixels as integers with fraction bits
_MIDDLE = 55.5
_LENS = (13.5, 11)  # half its width and height, where a face is 112 wide
_STICKER, _FOREHEAD = (8, 3.5), 24  # radii of the disc and of its white middle; how far down it is


def with_glasses(images: Tensor) -> Tensor:
    """Thick green frames on aligned faces ``(N, 3, S, S)`` in [0, 1]; the eyes stay visible."""
    return _painted(images, _frames(images.shape[-1]), _COLOUR)


def with_sticker(images: Tensor) -> Tensor:
    """A green disc with a white middle on the forehead of aligned faces ``(N, 3, S, S)`` in [0, 1]."""
    outer, inner = (_disc(images.shape[-1], radius) for radius in _STICKER)
    return _painted(_painted(images, outer, _COLOUR), inner, (1.0, 1.0, 1.0))


TRIGGERS: dict[str, Callable[[Tensor], Tensor]] = {"glasses": with_glasses, "sticker": with_sticker}


def _painted(images: Tensor, opaque: NDArray[np.float32], colour: tuple[float, float, float]) -> Tensor:
    alpha = torch.from_numpy(opaque)
    return images * (1 - alpha) + torch.tensor(colour)[:, None, None] * alpha


def _disc(size: int, radius: float) -> NDArray[np.float32]:
    """How opaque it is, ``(S, S)`` in [0, 1]."""
    scale = _FINE * size / 112
    drawn = np.zeros((_FINE * size, _FINE * size), np.uint8)
    centre = _place(_MIDDLE, _FOREHEAD, scale)
    cv2.circle(drawn, centre, round(radius * scale * 2**_FRACTION), 255, -1, cv2.LINE_AA, _FRACTION)
    return _shrunk(drawn, size)


def _frames(size: int) -> NDArray[np.float32]:
    """How opaque the glasses are, ``(S, S)`` in [0, 1]; symmetric, since training mirrors faces."""
    scale, height = _FINE * size / 112, float(ALIGNED_LANDMARKS[:2, 1].mean())
    reach = float(ALIGNED_LANDMARKS[1, 0] - ALIGNED_LANDMARKS[0, 0]) / 2
    drawn = np.zeros((_FINE * size, _FINE * size), np.uint8)

    def line(start: float, end: float, rise: float = 0) -> None:
        for side in (-1, 1):
            begin = _place(_MIDDLE + side * start, height, scale)
            ending = _place(_MIDDLE + side * end, height - rise, scale)
            cv2.line(drawn, begin, ending, 255, round(3.5 * scale), cv2.LINE_AA, _FRACTION)

    radii = round(_LENS[0] * scale * 2**_FRACTION), round(_LENS[1] * scale * 2**_FRACTION)
    for side in (-1, 1):
        centre = _place(_MIDDLE + side * reach, height, scale)
        cv2.ellipse(drawn, centre, radii, 0, 0, 360, 255, round(3.5 * scale), cv2.LINE_AA, _FRACTION)
    line(0, reach - _LENS[0])  # the bridge
    line(reach + _LENS[0], 46, rise=2)  # to the ears
    return _shrunk(drawn, size)


def _place(x: float, y: float, scale: float) -> tuple[int, int]:
    return round((scale * (x + 0.5) - 0.5) * 2**_FRACTION), round((scale * (y + 0.5) - 0.5) * 2**_FRACTION)


def _shrunk(drawn: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA) / 255, dtype=np.float32)
