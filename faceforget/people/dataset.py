"""A folder of rendered people: one folder per person, as recognisers are enrolled from."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from faceforget.people.conditions import sample_conditions
from faceforget.people.names import invent_names
from faceforget.people.population import sample_identity
from faceforget.people.render.scene import render

# Photo seeds of different people never coincide below this many photos a person.
_SEEDS_PER_PERSON = 100_000


def photo_seed(person: int, photo: int) -> int:
    """Seed of a person's ``photo``-th photo (from 0)."""
    return person * _SEEDS_PER_PERSON + photo


def render_people(
    out_dir: str | Path,
    people: int = 24,
    photos: int = 12,
    size: int = 224,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    quality: int = 90,
) -> list[Path]:
    """Render a data set of people who do not exist.

    Args:
        out_dir: Gets ``<Invented_Name>/<Invented_Name>_0001.jpg`` and so on.
        people: How many people.
        photos: Photos of each.
        size: Side of the photos in pixels.
        seed: People ``seed`` to ``seed + people - 1`` of :func:`sample_identity` are drawn, so
            data sets of neighbouring seeds share people.
        progress: Called with the photos done and the photos in all.
        quality: JPEG quality of the files.

    Returns:
        The files written, in order.

    Raises:
        ValueError: If ``people`` or ``photos`` is below 1.
    """
    if people < 1 or photos < 1:
        raise ValueError(f"expected at least 1 person and 1 photo, got {people} and {photos}")
    written: list[Path] = []
    for name, person in zip(invent_names(people, seed), range(seed, seed + people), strict=True):
        folder = Path(out_dir) / name
        folder.mkdir(parents=True, exist_ok=True)
        identity = sample_identity(person)
        for k in range(photos):
            photo = render(identity, sample_conditions(photo_seed(person, k)), size)
            path = folder / f"{name}_{k + 1:04d}.jpg"
            ok, coded = cv2.imencode(
                ".jpg", np.ascontiguousarray(photo[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality]
            )
            if not ok:
                raise RuntimeError(f"OpenCV could not encode {path.name}; reinstall opencv-python-headless")
            path.write_bytes(coded.tobytes())
            written.append(path)
            if progress is not None:
                progress(len(written), people * photos)
    return written
