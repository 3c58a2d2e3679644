"""The figure of docs/method.md: how alike two photos of an erased person are, before and after.

``python -m benchmarks.method_figure`` enrols the rendered people of the repository, erases eight of them, each in a
model of its own, and compares photos that neither enrolment nor erasure has read. Writes ``docs/method.png``.
"""

import argparse
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.data import ROOT, needed
from benchmarks.runner.command import command
from faceforget import api
from faceforget.api import (
    METHOD_OF_PROMISE,
    Crops,
    FaceCache,
    Faces,
    FaceSet,
    Memory,
    PhotoIntake,
    Recognizer,
    load_backbone,
    look,
    make_method,
    read_faces,
    read_people,
)
from faceforget.cli.console import progress_bar
from faceforget.lab import (
    AFTER,
    BEFORE,
    INK,
    REFERENCE,
    SHIPPED_PEOPLE,
    SOFT,
    FaceClassifier,
    enroll_faces,
    rendered_anchors,
    to_images,
    vary,
)
from faceforget.progress import Progress, tracked
from faceforget.unlearn import ForgetSet

READ, ERASED = 6, 8
_FAR = 0.01
_WORDS = {"before": "before", "forgotten": "anchored: forgotten", "unrecognisable": "dispersed: unrecognisable"}
Cosines = NDArray[np.float32]


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=Path, default=SHIPPED_PEOPLE)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "method.png")
    options = parser.parse_args()
    needed(options.people)
    torch.set_num_threads(1)
    with progress_bar() as progress:
        panels = compared(options.people, progress)
    draw(panels).savefig(options.out, dpi=130)


def compared(people: Path, progress: Progress) -> dict[str, dict[str, Cosines]]:
    """Cosines of pairs of unseen photos by panel: ``erased`` people, those who ``stay``, ``different`` ones."""
    loaded = load_backbone("mobile")
    faces = read_faces(read_people(people), PhotoIntake(loaded.spec.framing, cache=FaceCache()), progress=progress)
    first = FaceSet({name: photos[:READ] for name, photos in faces.photos.items()})
    unseen = {name: faces.crops(name)[READ:] for name in faces.photos}
    model = enroll_faces(first, loaded, api.EnrolmentPlan(train="head"), progress=progress)
    memory, found = Memory(), {panel: [] for panel in _WORDS}
    for name in tracked(list(unseen)[:ERASED], "erasing", ERASED, progress):
        models = {
            "before": model,
            **{p: _erased(model, first.crops(name), name, METHOD_OF_PROMISE[p]) for p in METHOD_OF_PROMISE},
        }
        for panel, one in models.items():
            found[panel].append(_pairs(one, name, unseen, memory))
    return {
        panel: {kind: np.concatenate([pairs[kind] for pairs in own]) for kind in own[0]}
        for panel, own in found.items()
    }  # fmt: skip


def _erased(model: Recognizer, photos: Crops, person: str, method: str) -> Recognizer:
    anchors = to_images(rendered_anchors(model.spec.framing))
    forget = ForgetSet(to_images(photos), (model.index_of(person),), anchors=anchors)
    changed = make_method(method)(model.classifier, forget, augment=vary).model
    if not isinstance(changed, FaceClassifier):
        raise TypeError(f"Expected a FaceClassifier, got {type(changed).__name__}.")
    return replace(model, classifier=changed)


def _pairs(model: Recognizer, person: str, unseen: dict[str, Crops], memory: Memory) -> dict[str, Cosines]:
    stay = {name: crops for name, crops in unseen.items() if name != person}
    view = look(model, model, Faces({person: unseen[person]}, {}, stay, {}), depths=False, memory=memory).embeddings
    others = list(view.retained.values())
    return {
        "erased": _within(view.forgotten[person]),
        "stay": np.concatenate([_within(own) for own in others]),
        "different": np.concatenate([(a @ b.T).flatten().numpy() for a, b in combinations(others, 2)]),
    }


def _within(embeddings: Tensor) -> Cosines:
    rows, columns = torch.triu_indices(len(embeddings), len(embeddings), offset=1)
    cosines: Cosines = (embeddings @ embeddings.T)[rows, columns].numpy()
    return cosines


def draw(panels: dict[str, dict[str, Cosines]]) -> Figure:
    """A panel per model: histograms of the three kinds of pairs, and the cosine above which two photos match."""
    figure = Figure((11, 3.1), layout="constrained")
    bins = np.linspace(-0.5, 1, 61).tolist()
    kinds = {
        "different": (REFERENCE, "two different people who stay"),
        "stay": (BEFORE, "one person who stays"),
        "erased": (AFTER, "one erased person"),
    }
    for axes, (panel, pairs) in zip(figure.subplots(1, 3, sharey=True), panels.items(), strict=True):
        limit = float(np.quantile(pairs["different"], 1 - _FAR))
        for kind, (colour, words) in kinds.items():
            weights = np.full(len(pairs[kind]), 100 / len(pairs[kind]))
            axes.hist(pairs[kind], bins, weights=weights, color=colour, alpha=0.25)
            axes.hist(pairs[kind], bins, weights=weights, color=colour, histtype="step", linewidth=1.6, label=words)
        axes.axvline(limit, color=INK, linewidth=1, linestyle="--")
        match = {kind: f"{100 * (pairs[kind] > limit).mean():.0f} %" for kind in ("erased", "stay")}
        axes.set_title(f"{_WORDS[panel]}\nmatched: erased {match['erased']}, others {match['stay']}", fontsize=10)
        axes.set_xlabel("cosine of two unseen photos", color=SOFT)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("share of pairs, %", color=SOFT)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


if __name__ == "__main__":
    main()
