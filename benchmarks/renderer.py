"""Measure the renderer: speed, detection, and whether a real face network tells its people apart.

The network is MobileFaceNet trained on photos of real people and never on rendered ones. Every
photo is found and aligned by MTCNN as a user's photo would be.

Example::

    python -m benchmarks.renderer
    python -m benchmarks.renderer --sheet docs/rendered_people.jpg
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from facenet_pytorch import MTCNN
from numpy.typing import NDArray

from benchmarks.data import MOBILEFACENET, RESULTS, needed
from benchmarks.runner.command import command
from faceforget.api import write_json
from faceforget.lab import align, make_person, photo_seed, render, sample_conditions, sample_identity
from pretrained.scores import embed, load_backbone

SHEET_PEOPLE = [18, 87, 102, 17, 97, 22, 89, 90]

Photos = NDArray[np.uint8]


def render_set(people: int, photos: int, size: int, first: int) -> tuple[Photos, float]:
    """``(people, photos, size, size, 3)`` and the photos rendered per second, modelling included."""
    make_person.cache_clear()
    start = time.perf_counter()
    rows = []
    for person in range(first, first + people):
        identity = sample_identity(person)
        rows.append([render(identity, sample_conditions(photo_seed(person, k)), size) for k in range(photos)])
    return np.array(rows), people * photos / (time.perf_counter() - start)


def detect(photos: Photos) -> tuple[Photos, NDArray[np.bool_], NDArray[np.bool_]]:
    """Aligned crops, which photos have exactly one face at p >= 0.95, and which have no other box at all."""
    detector = MTCNN(keep_all=True)
    crops, single, alone = [], [], []
    for batch in np.array_split(photos, max(len(photos) // 64, 1)):
        _, probabilities, landmarks = detector.detect(list(batch), landmarks=True)
        for photo, probability, points in zip(batch, probabilities, landmarks, strict=True):
            sure = [] if points is None else [k for k, p in enumerate(probability) if p >= 0.95]
            single.append(len(sure) == 1)
            alone.append(len(sure) == 1 and len(probability) == 1)
            found = points is not None
            crops.append(
                align(photo, points[int(np.argmax(probability))]) if found else np.zeros((112, 112, 3), np.uint8)
            )
    return np.array(crops), np.array(single), np.array(alone)


def cosines(embeddings: NDArray[np.float32]) -> dict[str, float]:
    """Between and within people; ``(people, photos, 128)`` unit embeddings."""
    people, photos = embeddings.shape[:2]
    flat = embeddings.reshape(people * photos, -1)
    owner = np.repeat(np.arange(people), photos)
    similarity = flat @ flat.T
    same = owner[:, None] == owner[None]
    self_pairs = np.eye(len(flat), dtype=bool)
    nearest = owner[similarity[:, ::photos].argmax(1) * photos]
    probes = np.arange(len(flat)) % photos != 0
    return {
        "same_person_cosine": float(similarity[same & ~self_pairs].mean()),
        "different_people_cosine": float(similarity[~same].mean()),
        "one_nn_accuracy": float((nearest == owner)[probes].mean()),
    }


def measure(weights: Path, people: int, photos: int, gallery: int, size: int) -> dict[str, float]:
    """All numbers."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rendered, rate = render_set(people, photos, size, 0)
    crops, single, alone = detect(rendered.reshape(-1, size, size, 3))
    result = {"people": people, "photos": people * photos, "size": size, "photos_per_second": rate}
    result["exactly_one_face"] = float(single.mean())
    result["and_no_weaker_box"] = float(alone.mean())
    if gallery > people:
        more, _ = render_set(gallery - people, photos, size, people)
        crops = np.concatenate([crops, detect(more.reshape(-1, size, size, 3))[0]])
    embeddings = embed(load_backbone(weights), crops).numpy().reshape(max(gallery, people), photos, -1)
    return {**result, "gallery_people": max(gallery, people), **cosines(embeddings)}


def contact_sheet(path: Path, people: list[int], photos: int, size: int) -> None:
    """Save a grid of photos, one person a row."""
    rows = [render_set(1, photos, size, person)[0][0] for person in people]
    sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in rows], axis=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(sheet[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 82])


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=MOBILEFACENET)
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--photos", type=int, default=10)
    parser.add_argument("--gallery", type=int, default=130, help="people among whom a photo is recognised")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--sheet", type=Path, help="only save a contact sheet of 8 people x 8 photos here")
    parser.add_argument("--who", type=int, nargs="+", default=SHEET_PEOPLE, help="the sheet's people")
    parser.add_argument("--out", type=Path, default=RESULTS / "renderer.json")
    options = parser.parse_args()
    if options.sheet is not None:
        contact_sheet(options.sheet, options.who, 8, 168)
        return
    needed(options.weights)
    result = measure(options.weights, options.people, options.photos, options.gallery, options.size)
    for name, value in result.items():
        print(f"{name:24s} {value:.4g}")
    write_json(options.out, result)


if __name__ == "__main__":
    main()
