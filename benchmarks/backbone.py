"""How well a backbone file tells people apart: identification and verification on a folder of people.

Run from the repository's root: ``python -m benchmarks.backbone``. The people must be strangers to
the backbone. Faces are found as the product finds them; a photo without a usable face is left out, and counted.
Beside it stands the teacher it was distilled from.
"""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from benchmarks.data import LFW, MOBILEFACENET, RESULTS, ROOT, needed, people_with
from benchmarks.runner.command import command
from faceforget.api import FaceCache, PhotoIntake, read_faces, write_json
from faceforget.lab import MOBILE
from pretrained.scores import embed, load_backbone, score


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=ROOT / "pretrained/mobile.safetensors")
    parser.add_argument("--teacher", type=Path, default=MOBILEFACENET)
    parser.add_argument("--people", type=Path, default=LFW)
    parser.add_argument("--output", type=Path, default=RESULTS / "backbone.json")
    args = parser.parse_args()
    needed(args.people, args.weights, args.teacher)
    intake = PhotoIntake(MOBILE.framing, cache=FaceCache())
    faces = read_faces(people_with(args.people, 1), intake)
    crops = faces.all_crops()
    people = np.repeat(list(faces.photos), [len(photos) for photos in faces.photos.values()])
    start = time.time()
    embeddings = embed(load_backbone(args.weights), crops)
    rate = len(crops) / (time.time() - start)
    teacher = embed(load_backbone(args.teacher), crops)
    result = {
        "people": len(faces.photos),
        "photos": len(crops) + len(faces.refused),
        "photos_without_a_usable_face": len(faces.refused),
        "student": asdict(score(embeddings, people, teacher)),
        "teacher": asdict(score(teacher, people)),
    }
    write_json(args.output, result)
    print(json.dumps(result, indent=2), f"\n{rate:.0f} photos/s on {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
