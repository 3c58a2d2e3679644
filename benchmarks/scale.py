"""What one machine does per second, for the plan in docs/scale.md.

``python -m benchmarks.scale`` writes benchmarks/results/scale.json: photos taken in, faces embedded, requests written
into a ledger, and a head of a million people. One thread, as in a batch.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch

from benchmarks.data import RESULTS
from benchmarks.runner.command import command
from benchmarks.soak import resident
from faceforget.api import Ledger, PhotoIntake, load_backbone, read_people, write_json
from faceforget.lab import MOBILE, SHIPPED_PEOPLE, Embedder, to_images

OUT = RESULTS / "scale.json"
_PEOPLE, _DIMENSIONS = 1_000_000, 128


def per_second(work: Callable[[], object], count: int, repeats: int = 3) -> float:
    """Units per second, the median of a few runs."""
    rates = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        rates.append(count / (time.perf_counter() - start))
    return round(median(rates), 2)


def photos(count: int) -> dict[str, float]:
    """Photos taken in, and their faces embedded."""
    paths = [photo for own in read_people(SHIPPED_PEOPLE).values() for photo in own][:count]
    intake = PhotoIntake(MOBILE.framing)
    intake.read(paths[:2])  # loads the detector
    found = [photo.crop for photo in intake.read(paths) if photo.error is None]
    images, embedder = (
        to_images(np.stack(found), torch.device("cpu")),
        Embedder(MOBILE, load_backbone("mobile").network).eval(),
    )

    def embed() -> None:
        with torch.no_grad():
            embedder(images)

    return {
        "photos_taken_in": per_second(lambda: intake.read(paths), len(paths)),
        "faces_embedded": per_second(embed, len(images)),
    }


def head() -> dict[str, float]:
    """A head of a million rows: memory, and recognising one face or a batch of 64."""
    before = resident()
    rows = torch.nn.functional.normalize(torch.randn(_PEOPLE, _DIMENSIONS, generator=torch.Generator().manual_seed(0)))
    grown = resident() - before
    one, many = rows[:1].clone(), rows[:64].clone()
    return {
        "head_mb": round(rows.nbytes / 1e6, 1),
        "head_resident_mb": round(grown / 1e6, 1),
        "faces_compared_one_by_one": per_second(lambda: (one @ rows.T).argmax(), 1, 5),
        "faces_compared_by_64": per_second(lambda: (many @ rows.T).argmax(dim=1), 64, 3),
        "rows_removed_seconds": round(1 / per_second(lambda: torch.cat([rows[:500_000], rows[500_001:]]), 1), 3),
    }


def ledger(count: int) -> dict[str, float]:
    """Requests planned together, steps appended one by one, and the check of the chain."""
    body = {"model": "0" * 64, "configuration": "1" * 64, "settings": {"promise": "forgotten"}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        with Ledger(path, create=True) as opened:
            ids = [f"{index:016x}" for index in range(count)]
            start = time.perf_counter()
            opened.append(dict.fromkeys(ids, body), "planned", 0)
            together = count / (time.perf_counter() - start)
            start = time.perf_counter()
            for request in ids[:100]:
                opened.append({request: {"before": "0" * 64, "members": [request], "mode": "joint"}}, "running", 1)
            single = 100 / (time.perf_counter() - start)
            start = time.perf_counter()
            checked = opened.verify()
            verified = checked / (time.perf_counter() - start)
        return {
            "entries_written_together": round(together, 1),
            "entries_written_one_by_one": round(single, 1),
            "entries_verified": round(verified, 1),
            "bytes_per_entry": round(path.stat().st_size / checked, 1),
        }


@command
def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=48)
    parser.add_argument("--entries", type=int, default=5000)
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    result = {
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "people_in_head": _PEOPLE,
        "dimensions": _DIMENSIONS,
        "per_second": photos(chosen.photos) | head() | ledger(chosen.entries),
    }
    write_json(chosen.out, result)
    print(result)


if __name__ == "__main__":
    main()
