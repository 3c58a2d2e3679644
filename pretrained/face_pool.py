"""Faces as arrays: find, five-point align once, keep on disk.

Detection costs more than a training step, so it is done once per source. The stored crops are
a little larger than what the network sees, so that alignment jitter has real pixels to move in.
"""

import argparse
import io
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from facenet_pytorch import MTCNN
from numpy.typing import NDArray
from PIL import Image

from faceforget.photos.align import ALIGNED_LANDMARKS, similarity_transform

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
TEMPLATE_SIZE = 112
# Roughly the scale of a deep-funneled LFW face against the template, the face being central.
# Used where the detector finds nothing, so that an evaluation cannot profit from leaving the
# hard photos out.
_FUNNELED_SCALE = 1.2


class Faces(NamedTuple):
    """Aligned crops of one source.

    Attributes:
        crops: ``(N, S, S, 3)`` uint8 RGB, the 112x112 template in the middle.
        people: ``(N,)`` names, one per crop.
        found: ``(N,)`` whether the detector found a face; false where the position is assumed.
    """

    crops: NDArray[np.uint8]
    people: NDArray[np.str_]
    found: NDArray[np.bool_]


def read_photos(source: Path) -> Iterator[tuple[str, bytes]]:
    """Yield ``(person, file content)`` from a folder or a zip with one folder per person."""
    if source.is_dir():
        for path in sorted(source.rglob("*.jpg")):
            yield path.parent.name, path.read_bytes()
        return
    with zipfile.ZipFile(source) as archive:
        for name in sorted(n for n in archive.namelist() if n.endswith(".jpg")):
            yield Path(name).parent.name, archive.read(name)


def align_with_margin(image: NDArray[np.uint8], landmarks: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """Five-point aligned ``(size, size, 3)`` crop with the 112x112 template in its middle."""
    target = ALIGNED_LANDMARKS + (size - TEMPLATE_SIZE) / 2
    matrix = similarity_transform(landmarks, target)
    # Outside the template the photo may have ended; a mirrored edge is nearer to a face's
    # surroundings than black.
    border = cv2.BORDER_CONSTANT if size == TEMPLATE_SIZE else cv2.BORDER_REFLECT_101
    crop = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(crop, dtype=np.uint8)


def central_landmarks(detector: MTCNN, image: Image.Image) -> NDArray[np.float64] | None:
    """Five points of the face nearest to the centre of ``image``, or None where there is none."""
    boxes, _, points = detector.detect(image, landmarks=True)
    if boxes is None:
        return None
    # facenet-pytorch hands back object arrays.
    boxes = np.asarray(boxes, dtype=np.float64)
    centre = np.array(image.size) / 2
    offsets = np.linalg.norm((boxes[:, :2] + boxes[:, 2:]) / 2 - centre, axis=1)
    return np.asarray(points[int(offsets.argmin())], dtype=np.float64)


def _align_chunk(job: tuple[list[bytes], int]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    contents, size = job
    torch.set_num_threads(1)
    detector = MTCNN(keep_all=True, device="cpu")
    crops, found = [], []
    for content in contents:
        image = Image.open(io.BytesIO(content)).convert("RGB")
        landmarks = central_landmarks(detector, image)
        found.append(landmarks is not None)
        if landmarks is None:
            landmarks = (ALIGNED_LANDMARKS - TEMPLATE_SIZE / 2) * _FUNNELED_SCALE + np.array(image.size) / 2
        crops.append(align_with_margin(np.asarray(image), landmarks, size))
    return np.stack(crops), np.array(found)


def align_source(source: Path, size: int, workers: int = 2, chunk: int = 100) -> Faces:
    """Align every photo of ``source``; see :class:`Faces`."""
    people, contents = zip(*read_photos(source), strict=True)
    jobs = [(list(contents[i : i + chunk]), size) for i in range(0, len(contents), chunk)]
    start, parts = time.time(), []
    with ProcessPoolExecutor(workers) as pool:
        for part in pool.map(_align_chunk, jobs):
            parts.append(part)
            done = sum(len(p[1]) for p in parts)
            rate = done / (time.time() - start)
            eta = (len(people) - done) / rate
            sys.stderr.write(f"{source.name}: {done}/{len(people)}, {rate:.0f}/s, {eta:.0f} s left\n")
    return Faces(np.concatenate([p[0] for p in parts]), np.array(people), np.concatenate([p[1] for p in parts]))


def load_faces(source: Path, cache: Path, size: int, workers: int = 2) -> Faces:
    """Aligned faces of ``source``, from ``cache`` where it exists."""
    if not cache.exists():
        faces = align_source(source, size, workers)
        cache.parent.mkdir(parents=True, exist_ok=True)
        partial = cache.with_suffix(".partial.npz")
        np.savez(partial, **faces._asdict())
        partial.replace(cache)
    with np.load(cache) as stored:
        return Faces(**{name: stored[name] for name in Faces._fields})


def main() -> None:
    """Align a source from the command line."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("source", type=Path, help="folder or zip with one folder per person")
    parser.add_argument("cache", type=Path, help="the .npz to write")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    faces = load_faces(args.source, args.cache, args.size, args.workers)
    sys.stderr.write(f"{len(faces.crops)} crops, {int((~faces.found).sum())} without a detected face\n")


if __name__ == "__main__":
    main()
