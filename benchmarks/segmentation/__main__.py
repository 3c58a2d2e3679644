"""Forget a class of a segmentation network: cars vanish from street scenes.

    python -m benchmarks.segmentation           CamVid, from scratch, two CPU cores or a GPU

A ResNet-18 with a light decoder is trained on CamVid. "Car" (and "pedestrian") is then erased from the training images
that contain it. ``delete`` has its dense loss at every position of these images, where the masked teacher also says
what is to stay; ``delete_at_positions`` and the baselines at the positions of the class only. IoU per class on the test
images; the mean over the other classes leaves the positions of the forgotten class out, where no answer is right any
more (with them, in another column). The reference is trained again with these positions left out of the loss. Settings
are chosen on the validation images, for the first class, and serve for all. Every network is kept under ``--work``.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.data import CAMVID, RESULTS, ROOT, needed
from benchmarks.paper.recipe import normalised
from benchmarks.runner.cell import Measured
from benchmarks.runner.command import command
from benchmarks.runner.run import run
from benchmarks.runner.table import average, by, by_method, markdown, percent, settings
from benchmarks.segmentation.bench import ROWS, Bench, Values, cell_of, choose, trials_of
from benchmarks.segmentation.network import NAMES, read_scenes
from faceforget.api import write_atomically, write_json
from faceforget.cli.console import progress_bar

_COLOURS = np.array(
    [(128, 170, 210), (120, 70, 60), (190, 190, 130), (110, 90, 120), (170, 150, 180), (90, 130, 60), (200, 140, 60),
     (100, 100, 90), (20, 50, 160), (220, 60, 60), (0, 150, 160), (0, 0, 0)], np.uint8,
)  # fmt: skip


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=CAMVID)
    parser.add_argument("--forget", default="car,pedestrian", help="classes, by comma; each is erased alone")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "segmentation")
    parser.add_argument("--results", type=Path, default=RESULTS / "segmentation")
    options = parser.parse_args()
    unknown = set(options.forget.split(",")) - set(NAMES)
    if unknown:
        parser.error(f"CamVid has no class {', '.join(sorted(unknown))}; it has {', '.join(NAMES)}")
    needed(options.data)
    parts = {part: read_scenes(options.data, part) for part in ("train", "val", "test")}
    text = [
        "# A segmentation network forgets a class\n",
        f"`python -m benchmarks.segmentation --forget {options.forget}`: CamVid test images, per cent. The mean IoU of "
        "the others leaves out the positions of the forgotten class, where no answer is right any more; with them: "
        "*everywhere*.\n",
    ]
    with progress_bar() as progress:
        bench = Bench(parts, options.work, torch.device(options.device), progress)
        names = options.forget.split(",")
        trials = [cell for label in ROWS for cell in trials_of(label, names[0])]
        tried = by(
            run(trials, bench.measured, bench.results, stage="searching", progress=progress), lambda cell: cell.method
        )
        recorded = {
            label: [{"settings": dict(cell.settings), **numbers} for cell, numbers in found]
            for label, found in tried.items()
        }
        write_json(options.results / "search.json", recorded)
        chosen = {label: choose(found) for label, found in tried.items()}
        for name in names:
            cells = [
                cell_of(label, name, "test", seed, chosen.get(label))
                for label in ("original", "retrain", *ROWS)
                for seed in range(options.seeds)
            ]
            found = run(cells, bench.measured, bench.results, stage=f"erasing {name}", progress=progress)
            text += [f"## {name}\n", *table(name, found, chosen), ""]
            strips(bench, NAMES.index(name), chosen["delete"], options.results / f"{name}.png")
    write_atomically(options.results / "table.md", "\n".join(text).encode())
    print("\n".join(text))


def table(name: str, found: Sequence[Measured], chosen: Mapping[str, Values]) -> list[str]:
    """A line per method: mean ± half the 95 % interval over seeds."""
    columns = (
        percent(f"IoU of {name}", "forgotten"),
        percent("mIoU of the others", "others"),
        percent("everywhere", "others_everywhere"),
        average("seconds", "seconds"),
        settings(chosen),
    )
    return markdown(("method",), columns, by_method(found))


def strips(bench: Bench, forgotten: int, chosen: Values, path: Path) -> None:
    """Test scenes with much of the class: photo, truth, original, DELETE, retrained."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    test = bench.parts["test"]
    share = (test.labels == forgotten).flatten(1).float().mean(1)
    scenes = share.argsort(descending=True)[::12][:4]
    models = {
        "original": bench.network(0),
        "DELETE": bench.erased(0, forgotten, "delete", chosen)[0],
        "retrained": bench.network(0, (forgotten,)),
    }
    drawing = Figure(figsize=(12, 1.95 * len(scenes) + 0.3), layout="constrained")
    axes = drawing.subplots(len(scenes), 5, squeeze=False)
    for row, index in enumerate(scenes.tolist()):
        photo, truth = test.images[index], test.labels[index]
        with torch.no_grad():
            answers = {
                words: model(normalised(photo[None].to(bench.device))).argmax(1)[0].cpu()
                for words, model in models.items()
            }
        shown = {"photo": photo.permute(1, 2, 0).numpy(), "labelled": _COLOURS[truth]}
        shown |= {words: _COLOURS[found] for words, found in answers.items()}
        for ax, (words, picture) in zip(axes[row], shown.items(), strict=True):
            ax.imshow(picture)
            ax.axis("off")
            if row == 0:
                ax.set_title(words, fontsize=11)
    patches = [Patch(color=colour / 255, label=name) for colour, name in zip(_COLOURS, NAMES, strict=False)]
    drawing.legend(handles=patches, loc="outside lower center", ncols=len(NAMES), frameon=False, fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(path, dpi=90)


if __name__ == "__main__":
    main()
