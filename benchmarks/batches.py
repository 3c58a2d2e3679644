"""What a batch of erasure requests costs: joint against one after the other, and memory over many batches.

``python -m benchmarks.batches --people 8 --rounds 5`` enrols the shipped rendered people, erases the first so many of
them jointly, then each in a pass of their own, then jointly again and again to see whether memory stays flat.
"""

import argparse
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

from faceforget.api.runtime import Runtime
from faceforget.files import write_json
from faceforget.people.faces import read_faces
from faceforget.people.folder import read_people
from faceforget.photos.intake import PhotoIntake
from faceforget.recognizer.backbone import MOBILE, load_backbone
from faceforget.recognizer.enroll import Plan, enroll_faces
from faceforget.recognizer.storage import save_recognizer
from faceforget.requests.batch import run_batch
from faceforget.requests.closing import Place
from faceforget.requests.plan import Configuration

PEOPLE = Path(__file__).resolve().parents[1] / "datasets" / "people"
OUT = Path(__file__).parent / "results" / "batches.json"


def enrolled(folder: Path, people: int) -> tuple[Path, Path]:
    """A model of everybody, and a folder of requests of the first so many."""
    photos = read_people(PEOPLE)
    model, requests = folder / "team.safetensors", folder / "requests"
    recognizer = enroll_faces(read_faces(photos, PhotoIntake(MOBILE.framing)), load_backbone("mobile"), Plan("head"))
    save_recognizer(recognizer, model)
    for name in list(photos)[:people]:
        shutil.copytree(PEOPLE / name, requests / name)
    return model, requests


def batch(folder: Path, model: Path, requests: Path, name: str, *, joint: bool) -> dict[str, float]:
    """Run one; seconds, people erased, memory now."""
    start = time.perf_counter()
    result = run_batch(
        requests,
        Place(model, folder / name),
        folder / f"{name}.db",
        configuration=Configuration(joint=joint),
        runtime=Runtime(device="cpu"),
    )
    seconds = time.perf_counter() - start
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    return {
        "seconds": round(seconds, 2),
        "erased": sum(outcome.erased for outcome in result.outcomes),
        "asked": len(result.outcomes),
        "resident_mb": round(resident / 2**20, 1),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model, requests = enrolled(folder, given.people)
        batch(folder, model, requests, "warm-up", joint=True)
        joint = batch(folder, model, requests, "joint", joint=True)
        alone = batch(folder, model, requests, "alone", joint=False)
        rounds = [batch(folder, model, requests, f"round{n}", joint=True) for n in range(given.rounds)]
    found = {
        "people": given.people,
        "cpus": os.cpu_count(),
        "joint": joint,
        "sequential": alone,
        "times_faster": round(alone["seconds"] / joint["seconds"], 2),
        "rounds": rounds,
    }
    write_json(given.out, found)
    print(found)


if __name__ == "__main__":
    main()
