"""Backdoor defence: unlearn a trigger from triggered samples only.

    python -m benchmarks.backdoor cifar10    a small network, two CPU cores; add --budget full on a GPU
    python -m benchmarks.backdoor faces      people of LFW, a sticker; --people DIR for others, --trigger glasses

A share of the training images carries a trigger and the label of a target class; the trained network then answers the
target class wherever it sees the trigger. The defender has nothing but triggered samples, and erases "target class"
from *them*: DELETE's teacher says what else each of them looks like. Attack success is the share of triggered unseen
samples of other classes that are given the target class; clean accuracy is over all unseen samples. Settings are
chosen on a network whose target class is not reported. Every network and every run is kept under ``--work``.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from benchmarks.backdoor import faces, images
from benchmarks.backdoor.defence import Victim, cell_of, choose, defended, table, trials_of, tried
from benchmarks.backdoor.plans import Pace, rows_of
from benchmarks.backdoor.worn import TRIGGERS
from benchmarks.data import LFW, MOBILEFACENET, RESULTS, ROOT, needed
from benchmarks.paper.cells import Bench
from benchmarks.paper.data import SIZES, load_data
from benchmarks.paper.networks import NETWORKS, network_for
from benchmarks.paper.plans import Row
from benchmarks.paper.recipe import BUDGETS, TrainingRecipe
from benchmarks.runner.command import command
from benchmarks.runner.run import Results, run
from benchmarks.runner.table import by
from faceforget.api import write_atomically, write_json
from faceforget.cli.console import progress_bar
from faceforget.progress import Progress

_SHOWN = "delete_sharpened"
_TRANSFORMERS = ("vit-s", "swin-t")  # have no map of a convolution to look at
ROWS = {
    "images": rows_of(
        Pace(3e-5, 125), Pace(3e-5, 125, 1), Pace(1e-4, 62, 1), Pace(1e-4, 125, 1),
        Pace(3e-4, 16, 1), Pace(3e-4, 31, 1), Pace(3e-4, 62, 1),
    ),
    "faces": rows_of(  # of 52 layers
        Pace(5e-4, 60, margin=0, margin_share=0.9), Pace(1e-3, 6), Pace(1e-3, 8), Pace(1e-3, 10), Pace(3e-4, 30),
        Pace(3e-4, 60, margin=0, margin_share=0.9), Pace(1e-3, 10, 26), Pace(1e-3, 12, 26), Pace(5e-4, 20, 26),
        Pace(3e-4, 60, 26, margin=0, margin_share=0.9), Pace(3e-3, 60, 1),
    ),
}  # fmt: skip
_TABLE = """# Backdoor defence: {name}

`python -m benchmarks.backdoor {command}`; {share:.0f} % of the training images carry the trigger; only these are read \
by the defence. Retrain: the same training without them. Per cent, mean ± half the 95 % interval over seeds (another \
target class, poison and network). Settings were chosen on another network and target class."""


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=[*SIZES, "faces"], nargs="?", default="cifar10")
    parser.add_argument("--model", choices=NETWORKS, default="small", help="for images")
    parser.add_argument("--budget", choices=BUDGETS, default="short", help="for images")
    parser.add_argument("--data", type=Path, help="for images")
    parser.add_argument("--people", type=Path, default=LFW, help="for faces: a folder of photos per person")
    parser.add_argument("--backbone", default=str(MOBILEFACENET), help="for faces: of aligned photos")
    parser.add_argument("--trigger", choices=TRIGGERS, default="sticker", help="for faces")
    parser.add_argument("--method", default=",".join(ROWS["images"]), help="by comma")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--figure", action="store_true", help="for faces too: draws the people's faces")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="for images")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "paper")
    parser.add_argument("--results", type=Path, default=RESULTS / "backdoor")
    options = parser.parse_args()
    unknown = set(options.method.split(",")) - set(ROWS["images"])
    if unknown:
        parser.error(f"there is no row {', '.join(sorted(unknown))}; there are {', '.join(ROWS['images'])}")
    needed(*([options.people, options.backbone] if options.dataset == "faces" else filter(None, [options.data])))
    with progress_bar() as progress:
        name, share, victim_of, classes = _victims(options, progress)
        known = ROWS["faces" if options.dataset == "faces" else "images"]
        rows = {label: known[label] for label in options.method.split(",")}
        results = Results(options.work / "backdoor" / f"{name}.jsonl")
        searched = victim_of(classes - 1, 99)
        trials = [cell for label, row in rows.items() for cell in trials_of(searched, label, row)]
        measure = partial(defended, {searched.key: searched}, rows)
        found = by(run(trials, measure, results, stage="searching", progress=progress), lambda cell: cell.method)
        recorded = {label: tried(rows[label], runs) for label, runs in found.items()}
        write_json(options.results / f"{name}_search.json", recorded)
        chosen = {label: choose(candidates) for label, candidates in recorded.items()}
        victims = [victim_of(classes * seed // 3 % (classes - 1), seed) for seed in range(options.seeds)]
        every: dict[str, Row | None] = {"original": None, "retrain": None, **rows}
        cells = [
            cell_of(victim, label, row, chosen.get(label, {})) for victim in victims for label, row in every.items()
        ]
        measure = partial(defended, {victim.key: victim for victim in victims}, rows)
        told = table(run(cells, measure, results, stage="defending", progress=progress), chosen)
        words = _TABLE.format(name=name, command=options.dataset, share=100 * share)
        text = "\n".join([words, "", *told, ""])
        write_atomically(options.results / f"{name}.md", text.encode())
        print(text)
        picture, first = options.results / f"{name}.png", victims[0]
        if _SHOWN not in rows:
            return
        if isinstance(first, images.PatchedImages) and options.model not in _TRANSFORMERS:
            images.figure(first, rows[_SHOWN], chosen[_SHOWN], picture)
        elif isinstance(first, faces.Wearers) and options.figure:
            faces.figure(first, rows[_SHOWN], chosen[_SHOWN], picture)


def _victims(options: argparse.Namespace, progress: Progress) -> tuple[str, float, Callable[[int, int], Victim], int]:
    """Name of the table, share of poison, a victim for a target and a seed, number of classes."""
    if options.dataset == "faces":
        photos = faces.wardrobe(options.people, options.backbone, options.trigger, options.work, progress)
        name = f"faces_{len(photos.names)}_{options.trigger}"
        return name, faces.POISONED, lambda target, seed: faces.wearers(photos, target, seed), len(photos.names)
    name = f"{options.dataset}_{options.model}_{options.budget}"
    network = network_for(options.model, SIZES[options.dataset])
    recipe = TrainingRecipe(network, BUDGETS[options.budget], options.work / "checkpoints", f"backdoor_{name}")
    data = load_data(options.dataset, options.data, options.work, progress)
    bench = Bench(data, recipe, name, images.EPOCHS, options.work, torch.device(options.device), progress)
    return name, images.POISONED, lambda target, seed: images.patched(bench, target, seed), bench.classes


if __name__ == "__main__":
    main()
