"""Do two commits write the same model files, byte for byte? ``python .ci/same_models.py OLD [NEW]``.

Enrols eight rendered people, and erases one, three at once, and one after another, with both commits on this machine:
fixed seeds, the same Python and packages, the same photos. No hash is stored: processors differ.
Run from a checkout, in an environment with the package's dependencies. It takes some minutes.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
METHODS = ("anchored", "dispersed", "delete")
TRAININGS = ("head", "full")
PEOPLE = 8


def main() -> int:
    """Exit code 0 if all files are the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", help="a commit")
    parser.add_argument("new", nargs="?", help="another; without it, the files as they lie here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        trees = [_tree(commit, room / name) for commit, name in ((given.old, "old"), (given.new, "new"))]
        photos = room / "photos"
        _run(trees[0], ["render", "--out", str(photos), "--people", str(PEOPLE), "--photos", "6"])
        sums = [_sums(tree, photos, room / f"models-{number}") for number, tree in enumerate(trees)]
        for commit in (given.old, given.new):
            if commit:
                _git("worktree", "prune")
    for name, old in sums[0].items():
        print(f"{'same' if sums[1][name] == old else 'OTHER':6}{name:28}{old[:16]}  {sums[1][name][:16]}")
    return int(sums[0] != sums[1])


def _sums(tree: Path, photos: Path, models: Path) -> dict[str, str]:
    models.mkdir()
    people = sorted(folder.name for folder in photos.iterdir() if folder.is_dir())
    for train in TRAININGS:
        _run(tree, ["enroll", str(photos), "--train", train, "--epochs", "1", "--out", str(models / f"{train}.pt")])
    for method in METHODS:
        for model in TRAININGS:
            for name, asked in (("one", people[:1]), ("three", people[1:4])):
                _erase(tree, photos, asked, method, models / f"{model}.pt", models / f"{model}-{method}-{name}.pt")
        _erase(tree, photos, people[4:5], method, models / f"head-{method}-one.pt", models / f"head-{method}-then.pt")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(models.glob("*.pt"))}


def _erase(tree: Path, photos: Path, people: list[str], method: str, model: Path, out: Path) -> None:
    asked = [word for person in people for word in ("--person", person)]
    photos = photos / people[0] if len(people) == 1 else photos
    words = ["erase", str(model), *asked, "--photos", str(photos), "--method", method, "--out", str(out)]
    _run(tree, [*words, "--allow-incomplete", "--allow-damage"])


def _tree(commit: str | None, folder: Path) -> Path:
    if commit is None:
        return ROOT
    _git("worktree", "add", "--detach", str(folder), commit)
    return folder


def _git(*words: str) -> None:
    subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True)


def _run(tree: Path, words: list[str]) -> None:
    environment = os.environ | {"PYTHONPATH": str(tree), "FACEFORGET_CACHE": ""}
    command = [sys.executable, "-m", "faceforget", *words]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    if done.returncode not in (0, 3):  # 3: written, and a promise was not kept
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode} in {tree}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    raise SystemExit(main())
