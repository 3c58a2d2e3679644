"""The main job on real photos through the command line: enrol, recognise, erase, audit.

``python -m benchmarks.first_light`` prints a table and writes ``benchmarks/results/first_light.json``.
Each erased person is a run of its own from the same model; nothing is tuned per person.
"""

import argparse
import io
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import mean
from typing import Any

from PIL import Image

from benchmarks.data import LFW, MOBILEFACENET, RESULTS, ROOT, lay_out, needed
from benchmarks.runner.command import command
from benchmarks.runner.spread import spread
from faceforget.api import write_json
from faceforget.cli.console import DONE, UNKEPT


def run(*arguments: object) -> float:
    """Run ``faceforget`` and return its seconds; its progress stays visible."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "faceforget", *map(str, arguments)], check=False)
    if done.returncode not in (DONE, UNKEPT):  # what DELETE breaks is measured here
        raise subprocess.CalledProcessError(done.returncode, done.args)
    return time.perf_counter() - start


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def variants(photo: Path, folder: Path) -> None:
    """One photo in other encodings: rotated by EXIF, grey, CMYK, PNG with alpha, WebP."""
    folder.mkdir(parents=True, exist_ok=True)
    image = Image.open(photo).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.transpose(Image.Transpose.ROTATE_90).save(folder / "rotated.jpg", quality=95, exif=exif)
    image.convert("L").save(folder / "grey.jpg", quality=95)
    image.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    alpha = image.copy()
    alpha.putalpha(255)
    alpha.save(folder / "alpha.png")
    image.save(folder / "photo.webp", quality=90)
    buffer = io.BytesIO(photo.read_bytes())
    (folder / "original.jpg").write_bytes(buffer.getvalue())


def recognise_variants(model: Path, unseen: Path, work: Path, people: int) -> dict[str, int]:
    """How often each encoding gets the name that the original JPEG gets."""
    for person in sorted(unseen.iterdir())[:people]:
        variants(sorted(person.iterdir())[0], work / "variants" / person.name)
    run("recognize", model, work / "variants", "--json", work / "variants.json")
    names: dict[str, dict[str, str]] = {}
    for photo in read(work / "variants.json")["photos"]:
        path = Path(photo["photo"])
        names.setdefault(path.parent.name, {})[path.stem] = photo["faces"][0]["name"] if photo["faces"] else ""
    kinds = sorted({kind for found in names.values() for kind in found} - {"original"})
    return {kind: sum(found[kind] == found["original"] for found in names.values()) for kind in kinds}


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=Path, default=LFW, help="a folder of photos per person")
    parser.add_argument("--backbone", default=str(MOBILEFACENET))
    parser.add_argument("--erase", type=int, default=6, help="people to erase, one at a time")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "first_light")
    parser.add_argument("--out", type=Path, default=RESULTS / "first_light.json")
    options = parser.parse_args()
    needed(options.people, options.backbone)
    parts = lay_out(options.work / "people", options.people)
    model = options.work / "model.safetensors"
    seconds = run("enroll", parts["train"], "--out", model, "--backbone", options.backbone, "--train", "full",
                  "--json", options.work / "enroll.json")  # fmt: skip
    names = sorted(path.name for path in parts["train"].iterdir())
    chosen = names[:: max(1, len(names) // options.erase)][: options.erase]
    rows = []
    for name in chosen:
        after = options.work / f"{name}.safetensors"
        run("erase", model, "--person", name, "--photos", parts["train"] / name, "--out", after,
            "--method", "delete", "--set", "moves=all", "--allow-damage",
            "--json", options.work / "erase.json")  # fmt: skip
        run("audit", model, after, "--person", name, "--photos", parts["unseen"] / name,
            "--forget-photos", parts["train"] / name, "--retained", parts["unseen"],
            "--strangers", parts["strangers"], "--json", options.work / "audit.json")  # fmt: skip
        audit, erasure = read(options.work / "audit.json"), read(options.work / "erase.json")["erasure"]
        rows.append({"before": audit["accuracy"]["before"], "after": audit["accuracy"]["after"], **erasure})
    result = {
        "backbone": Path(options.backbone).name,
        "enrolled": len(names),
        "enroll_seconds": round(seconds, 1),
        "threshold": read(options.work / "enroll.json")["threshold"],
        "variants_with_the_same_name": recognise_variants(model, parts["unseen"], options.work, 20),
        "variants_of_people": 20,
        "erasures": rows,
    }
    write_json(options.out, result)
    print(f"{len(names)} people enrolled in {seconds:.0f} s; {len(rows)} erased one at a time")
    print("per cent\n\n| | before | after DELETE |\n|---|---|---|")
    for key in ("forgotten", "forgotten_train", "retained", "retained_named", "strangers_named"):
        before, after = (spread(list(enumerate(row[side][key] for row in rows))) for side in ("before", "after"))
        print(f"| {key} | {before} | {after} |")
    worst = min(row["after"]["retained"] for row in rows)
    steps, seconds = (mean(row[key] for row in rows) for key in ("steps", "seconds"))
    print(f"worst retained accuracy {worst:.3f}; {steps:.0f} steps, {seconds:.1f} s an erasure")
    print("same name as the original JPEG, of 20:", result["variants_with_the_same_name"])


if __name__ == "__main__":
    main()
