"""From linear light to the file a camera writes: exposure, lens, noise, JPEG."""

import cv2
import numpy as np
from numpy.typing import NDArray

from faceforget.people.conditions import Conditions
from faceforget.people.render.raster import Floats

# Radiance that metering aims for, and how much of the way it goes: dark skin stays darker than pale.
_SKIN_TARGET, _METERING = 0.3, 0.5


def develop(conditions: Conditions, light: Floats, face: float, size: int) -> NDArray[np.uint8]:
    """Take the photo.

    Args:
        conditions: Exposure, blur, noise, vignette and JPEG quality.
        light: ``(S, S, 3)`` linear, larger than the photo.
        face: Mean radiance of the skin: cameras meter on faces.
        size: Side of the photo in pixels.

    Returns:
        ``(size, size, 3)`` sRGB.
    """
    rng = np.random.default_rng([conditions.seed, 707])
    small = cv2.resize(light, (size, size), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), max(conditions.blur * size / 224, 0.05))
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j].astype(np.float32)
    small *= (1 - conditions.vignette * 0.35 * (x * x + y * y))[..., None]
    metered = float(np.clip((_SKIN_TARGET / max(face, 1e-3)) ** _METERING, 0.55, 2.4))
    exposed = small * np.float32(metered * 2**conditions.exposure)
    # A shoulder instead of clipping, as film and phones have it.
    rolled = np.where(exposed > 0.6, 0.6 + 0.4 * np.tanh((exposed - 0.6) / 0.4), exposed)
    encoded = np.clip(rolled, 0, 1) ** np.float32(1 / 2.2)
    grain = rng.standard_normal((size, size, 3), dtype=np.float32)
    grain = 0.7 * grain + 0.6 * grain.mean(2, keepdims=True)
    noisy = encoded + grain * np.float32(conditions.noise)
    pixels = np.round(np.clip(noisy, 0, 1) * 255).astype(np.uint8)
    ok, coded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, conditions.jpeg])
    if not ok:
        raise RuntimeError(f"OpenCV could not encode a {size}x{size} JPEG; reinstall opencv-python-headless")
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])
