"""When has an erasure destroyed a model? The figure on anchors (``faceforget.audit.health``) beside what others get.

    python -m benchmarks.health     an hour on two cores, most of it enrolment; models are kept under ``--work``

The least that is asked for was chosen on all of them with ``mobile``; on the other backbone it is to be checked.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.embedding.world import VARIANTS, World
from benchmarks.protocol import LFW, MOBILEFACENET, ROOT, SHARED, TRAIN, people_with
from faceforget.audit.health import LEAST, health
from faceforget.audit.questions.accuracy import accuracy, named_rightly
from faceforget.files import write_json
from faceforget.people.anchors import rendered_anchors
from faceforget.progress import silent
from faceforget.recognizer.recognizer import Recognizer
from faceforget.unlearn.registry import METHODS

RESULTS = ROOT / "benchmarks" / "results" / "health.json"
ONE_AT_A_TIME = (
    "drop_row", "anchored", "dispersed", "delete", "delete_all_layers", "random_label", "boundary_shrink",
    "boundary_expand", "bad_teacher", "influence", "pour", "head_only", "retrain",
)  # fmt: skip
AT_ONCE, MANY = ("anchored", "dispersed", "delete", "delete_all_layers"), 20


@dataclass(frozen=True)
class Place(World):
    """A world of some of the people of a folder, with few strangers, who are not asked about here."""

    fewest: int = 20
    most: int = 1000

    def _split(self) -> dict[str, dict[str, list[Path]]]:
        people = people_with(self.people, self.fewest)
        names = sorted(people)
        names = names[:: max(1, len(names) // self.most)][: self.most]
        half = min(TRAIN, self.fewest // 2)
        return {
            "train": {name: people[name][:half] for name in names},
            "unseen": {name: people[name][half : 2 * half] for name in names},
            "strangers": {},
        }


def places(work: Path) -> dict[str, Place]:
    """By name."""
    rendered, web = ROOT / "datasets" / "people", SHARED / "data" / "web"
    asked: dict[str, tuple[Path, str, int, int]] = {
        "10 of LFW, mobile": (LFW, "mobile", 20, 10),
        "rendered, mobile": (rendered, "mobile", 12, 18),
        "33 of the web, mobile": (web, "mobile", 20, 33),
        "62 of LFW, mobile": (LFW, "mobile", 20, 1000),
        "10 of LFW, ms1m": (LFW, str(MOBILEFACENET), 20, 10),
        "33 of the web, ms1m": (web, str(MOBILEFACENET), 20, 33),
    }
    return {
        name: Place(people, backbone, 0, work / f"{name}.safetensors", False, silent, fewest, most)
        for name, (people, backbone, fewest, most) in asked.items()
    }


def cells(place: Place) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Methods, and whom they erase."""
    names = sorted(place.before.labels)
    if len(names) > MANY:
        drawn = np.random.default_rng(0).permutation(len(names))[:MANY]
        for method in AT_ONCE:
            yield method, tuple(names[i] for i in drawn)
    for method in ONE_AT_A_TIME:
        yield method, (names[2],)


def measured(place: Place, method: str, people: tuple[str, ...]) -> dict[str, Any]:
    """The figure, and the share of the others' unseen photos that get their name."""
    before, after = place.before, place.erased(place.before, people, method)
    anchors = rendered_anchors(before.spec.framing)
    found = health(before, after, anchors[:: len(anchors) // 100][:100])
    return {
        "people": len(people),
        "named_before": _named(place, before, people),
        "named": _named(place, after, people),
        "best_candidate": accuracy(after, _seen(place, after, people)).value,
        **found.to_dict(),
    }


def _named(place: Place, model: Recognizer, gone: tuple[str, ...]) -> float | None:
    return named_rightly(model, _seen(place, model, gone)).value


def _seen(place: Place, model: Recognizer, gone: tuple[str, ...]) -> dict[str, Any]:
    return {name: model.embed(own) for name, own in place.crops["unseen"].items() if name not in gone}


def table(found: list[dict[str, Any]]) -> str:
    """Markdown, as in ``docs/method.md``."""
    lines = ["| people | method | erased | others named before | after | left | refused |", f"|{'---|' * 7}"]
    for cell in found:
        named = [f"{100 * cell[key]:.0f} %" for key in ("named_before", "named")]
        said = [cell["place"], f"`{cell['method']}`", str(cell["people"]), *named, f"{cell['left']:.2f}"]
        lines.append(f"| {' | '.join([*said, 'yes' if cell['destroyed'] else 'no'])} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "health")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    done: list[dict[str, Any]] = json.loads(RESULTS.read_text())["cells"] if RESULTS.is_file() else []
    known = {(cell["place"], cell["method"], cell["people"]) for cell in done}
    for name, place in places(options.work).items():
        for method, people in cells(place):
            if (method not in METHODS and method not in VARIANTS) or (name, method, len(people)) in known:
                continue
            done.append({"place": name, "method": method, **measured(place, method, people)})
            write_json(RESULTS, {"least": LEAST, "cells": done})
            print(table(done[-1:]).splitlines()[-1], flush=True)
    print(table(done))


if __name__ == "__main__":
    main()
