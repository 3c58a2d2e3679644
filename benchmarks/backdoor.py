"""Backdoor defence: unlearn a trigger from triggered samples only.

    python -m benchmarks.backdoor            CIFAR-10, a small network, two CPU cores; add --budget full on a GPU

A share of the training images gets a small checkered patch and the label of a target class; the trained network then
answers the target class wherever it sees the patch. The defender has nothing but triggered samples, and erases "target
class" from *them*: DELETE's teacher says what else each of them looks like. Attack success is the share of triggered
test images of other classes that are given the target class; clean accuracy is over all test images. Settings are
chosen on a network whose target class is not reported. Every network and every run is kept under ``--work``.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.paper.cells import Bench
from benchmarks.paper.data import SIZES, Data, Labelled, load_data
from benchmarks.paper.networks import NETWORKS, network_for
from benchmarks.paper.plans import ROWS
from benchmarks.paper.recipe import BUDGETS, TrainingRecipe, flip_and_crop, normalised
from benchmarks.protocol import ROOT
from benchmarks.spread import spread
from faceforget.cli.console import progress_bar
from faceforget.errors import FaceForgetError
from faceforget.files import write_atomically, write_json
from faceforget.method.data import ForgetSet
from faceforget.progress import Progress, tracked

# Pixels; far enough from the corner that no random crop cuts it off.
_PATCH, _FROM_EDGE = 4, 5
# Of the training images.
POISONED = 0.02
_EPOCHS = 8
_METHODS = (
    "delete", "delete_as_published", "random_label", "gradient_ascent", "boundary_shrink", "salun", "bad_teacher",
    "head_only", "drop_row",
)  # fmt: skip
_SHOWN = 6


@dataclass(frozen=True)
class World:
    """A poisoned training set and the network made of it.

    Attributes:
        bench: Whose data are poisoned.
        target: The class that the patch asks for.
        seed: Of poison and training.
        triggered: ``(N, 3, S, S)`` the poisoned training images, what the defender has.
    """

    bench: Bench
    target: int
    seed: int
    triggered: Tensor

    @property
    def network(self) -> nn.Module:
        """The network with the backdoor."""
        return self.bench.original(self.seed)


def with_trigger(images: Tensor) -> Tensor:
    """A checkered patch near the lower right corner of ``(N, 3, S, S)`` uint8 images."""
    size, begin = images.shape[-1], images.shape[-1] - _FROM_EDGE - _PATCH
    changed = images.clone()
    board = (torch.arange(_PATCH)[:, None] + torch.arange(_PATCH)) % 2 * 255
    changed[:, :, begin : size - _FROM_EDGE, begin : size - _FROM_EDGE] = board.to(images)
    return changed


def poisoned(data: Data, target: int, share: float, seed: int) -> tuple[Data, Tensor]:
    """Training data in which a share carries the trigger and the target's label; and these images."""
    others = (data.train.labels != target).nonzero().flatten()
    order = torch.randperm(len(others), generator=torch.Generator().manual_seed(seed))
    chosen = others[order[: round(share * len(data.train.labels))]]
    images, labels = data.train.images.clone(), data.train.labels.clone()
    images[chosen] = with_trigger(images[chosen])
    labels[chosen] = target
    return replace(data, train=Labelled(images, labels)), images[chosen]


def build(bench: Bench, target: int, seed: int) -> World:
    """Poison the data; the network is trained when it is asked for."""
    data, triggered = poisoned(bench.data, target, POISONED, seed)
    return World(replace(bench, data=data, name=f"{bench.name}_to_{target}_{POISONED}"), target, seed, triggered)


def defended(world: World, label: str, chosen: Mapping[str, Any]) -> tuple[dict[str, Any], nn.Module]:
    """The network after a method has erased the target class from the triggered samples."""
    steps = max(1, _EPOCHS * len(world.triggered) // 128)
    method = ROWS[label].build(dict(chosen), steps)
    images = normalised(world.triggered.to(world.bench.device))
    labels = torch.full((len(images),), world.target, device=images.device)
    start = time.perf_counter()
    try:
        erasure = method(
            world.network, ForgetSet(images, (world.target,), labels=labels), augment=flip_and_crop,
            seed=world.seed, progress=world.bench.progress,
        )  # fmt: skip
    except FaceForgetError as error:
        return {"error": str(error), "seconds": time.perf_counter() - start}, world.network
    return {"seconds": time.perf_counter() - start, "steps": len(erasure.steps)}, erasure.model


@torch.no_grad()
def judged(model: nn.Module, world: World) -> dict[str, float]:
    """Attack success, clean accuracy, the target class's own accuracy, and what triggered images are given else."""
    test = world.bench.data.test
    clean, seen = (_answers(model, images, world.bench) for images in (test.images, with_trigger(test.images)))
    others = test.labels != world.target
    return {
        "attack": (seen[others] == world.target).float().mean().item(),
        "clean": (clean == test.labels).float().mean().item(),
        "target": (clean[~others] == world.target).float().mean().item(),
        "triggered_right": (seen[others] == test.labels[others]).float().mean().item(),
    }


def _answers(model: nn.Module, images: Tensor, bench: Bench) -> Tensor:
    batches = torch.split(images, 500)
    return torch.cat([model(normalised(batch.to(bench.device))).argmax(1).cpu() for batch in batches])


def run(world: World, label: str, chosen: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of one method, or of ``original``; read again where they are known."""
    settings = {} if label == "original" else {**ROWS[label].settings, **chosen}
    key = json.dumps([world.bench.name, world.seed, settings, _EPOCHS, POISONED], sort_keys=True)
    path = world.bench.work / "backdoor" / f"{label}_{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
    if not path.is_file():
        record, model = ({}, world.network) if label == "original" else defended(world, label, chosen)
        write_json(path, {**record, **judged(model, world)})
    found: dict[str, float] = json.loads(path.read_text())
    return found


def choose(world: World, label: str) -> dict[str, Any]:
    """The candidate with the best mean of clean accuracy and what is left after attack success."""
    candidates = [dict(values) for values in ROWS[label].candidates] or [{}]
    scores = [run(world, label, values) for values in candidates]
    return max(zip(scores, candidates, strict=True), key=lambda trial: trial[0]["clean"] - trial[0]["attack"])[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", choices=SIZES, default="cifar10")
    parser.add_argument("--model", choices=NETWORKS, default="small")
    parser.add_argument("--budget", choices=BUDGETS, default="cpu")
    parser.add_argument("--method", default=",".join(_METHODS), help="by comma")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "paper")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results" / "backdoor")
    options = parser.parse_args()
    with progress_bar() as progress:
        bench = _bench(options, progress)
        search = build(bench, bench.classes - 1, 99)
        labels = options.method.split(",")
        chosen = {label: choose(search, label) for label in tracked(labels, "searching", len(labels), progress)}
        worlds = [build(bench, seed, seed) for seed in range(options.seeds)]
        todo = [(world, label) for world in worlds for label in ("original", *labels)]
        found: dict[str, list[dict[str, float]]] = {}
        for world, label in tracked(todo, "defending", len(todo), progress):
            found.setdefault(label, []).append(run(world, label, chosen.get(label, {})))
        text = markdown(found, chosen, bench.name)
        write_atomically(options.results / f"{bench.name}.md", text.encode())
        print(text)
        figure(worlds[0], chosen["delete"], options.results / f"{bench.name}.png")


def _bench(options: argparse.Namespace, progress: Progress) -> Bench:
    name = f"{options.dataset}_{options.model}_{options.budget}"
    network = network_for(options.model, SIZES[options.dataset])
    recipe = TrainingRecipe(network, BUDGETS[options.budget], options.work / "checkpoints", f"backdoor_{name}")
    data = load_data(options.dataset, options.data, options.work, progress)
    return Bench(data, recipe, name, _EPOCHS, options.work, torch.device(options.device), progress)


def markdown(found: Mapping[str, list[dict[str, float]]], chosen: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """A line per method: mean ± half the 95 % interval over seeds."""
    columns = {
        "attack": "attack success",
        "clean": "clean accuracy",
        "target": "of the target class",
        "triggered_right": "triggered images given their own class",
        "seconds": "seconds",
    }
    lines = [
        f"# Backdoor defence: {name}\n",
        f"`python -m benchmarks.backdoor`; {100 * POISONED:.0f} % of the training images carry the trigger; only these "
        "are read by the defence. Per cent, mean ± half the 95 % interval over seeds (another target class, poison and "
        "network). Settings were chosen on another network and target class.\n",
        f"| method | {' | '.join(columns.values())} | settings |",
        "|---|" + "---|" * (len(columns) + 1),
    ]
    for label, rows in found.items():
        values = [spread([(i, row[key]) for i, row in enumerate(rows)]) for key in columns if key != "seconds"]
        seconds = [row["seconds"] for row in rows if "seconds" in row]
        time_taken = f"{np.mean(seconds):.0f}" if seconds else ""
        settings = ", ".join(f"{key}={value}" for key, value in chosen.get(label, {}).items())
        failed = " (failed)" if any("error" in row for row in rows) else ""
        lines.append(f"| {label}{failed} | {' | '.join(values)} | {time_taken} | {settings} |")
    return "\n".join(lines) + "\n"


def figure(world: World, chosen: Mapping[str, Any], path: Path) -> None:
    """Triggered test images: where each network looks for what it answers (Grad-CAM of its own answer)."""
    from matplotlib.figure import Figure

    _, after = defended(world, "delete", chosen)
    test = world.bench.data.test
    photos = with_trigger(test.of((world.target,), other=True).images)[:: 9 * len(test.labels) // 100][:_SHOWN]
    drawing = Figure(figsize=(1.5 * len(photos), 4.6), layout="constrained")
    axes = drawing.subplots(3, len(photos), squeeze=False)
    for row, (words, model) in enumerate({"": None, "with the backdoor": world.network, "after DELETE": after}.items()):
        heat, answers = (None, None) if model is None else looked_at(model, photos, world.bench)
        for column, photo in enumerate(photos):
            ax = axes[row][column]
            ax.imshow(photo.permute(1, 2, 0))
            if heat is not None and answers is not None:
                ax.imshow(heat[column], cmap="inferno", alpha=0.55, vmin=0, vmax=1)
                ax.set_title(world.bench.data.names[answers[column]], fontsize=9)
            ax.set_xticks([])
            ax.set_yticks([])
        axes[row][0].set_ylabel(words or "with the trigger", fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(path, dpi=130)


def looked_at(model: nn.Module, photos: Tensor, bench: Bench) -> tuple[np.ndarray, list[int]]:
    """Grad-CAM ``(N, S, S)``, in [0, 1], of a network's own answers at its last map of 4 pixels or more; these."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    inputs = normalised(photos.to(bench.device)).requires_grad_(True)
    answers = model(inputs).argmax(1).tolist()
    with torch.enable_grad(), GradCAM(model, [_last_map(model, inputs)]) as cam:
        heat = cam(inputs, [ClassifierOutputTarget(answer) for answer in answers])
    resized = functional.interpolate(torch.from_numpy(np.asarray(heat))[:, None], photos.shape[-2:], mode="bilinear")
    return resized[:, 0].numpy(), answers


def _last_map(model: nn.Module, inputs: Tensor) -> nn.Module:
    found: list[nn.Module] = []
    handles = [
        module.register_forward_hook(
            lambda layer, _, output: found.append(layer) if output.ndim == 4 and output.shape[-1] >= 4 else None
        )
        for module in model.modules()
        if isinstance(module, nn.Conv2d)
    ]
    with torch.no_grad():
        model(inputs[:1])
    for handle in handles:
        handle.remove()
    return found[-1]


if __name__ == "__main__":
    main()
