"""When has an erasure destroyed a model? The figure on anchors (``faceforget.audit.health``) beside what others get.

    python -m benchmarks.health     an hour on two cores, most of it enrolment; models are kept under ``--work``

The least that is asked for was chosen on all of them with ``mobile``; on the other backbone it is to be checked.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import BACKBONES, LFW, MOBILEFACENET, RESULTS, ROOT, WEB, needed
from benchmarks.runner.cell import Cell, Measured, Numbers
from benchmarks.runner.command import command, options_of, run_all
from benchmarks.runner.table import plain
from benchmarks.world import World
from faceforget.api import Recognizer
from faceforget.cli.console import progress_bar
from faceforget.lab import SHIPPED_PEOPLE, accuracy, health, named_rightly, rendered_anchors
from faceforget.progress import Progress

ONE_AT_A_TIME = (
    "drop_row", "anchored", "dispersed", "delete", "delete_all_layers", "random_label", "boundary_shrink",
    "boundary_expand", "bad_teacher", "influence", "pour", "head_only", "retrain",
)  # fmt: skip
AT_ONCE, MANY = ("anchored", "dispersed", "delete", "delete_all_layers"), 20


def worlds(work: Path, progress: Progress) -> dict[str, World]:
    """By name: some of the people of a folder, with few strangers, who are not asked about here."""
    asked: dict[str, tuple[Path, str, int, int | None]] = {
        "10 of LFW, mobile": (LFW, "mobile", 20, 10),
        "rendered, mobile": (SHIPPED_PEOPLE, "mobile", 12, 18),
        "33 of the web, mobile": (WEB, "mobile", 20, 33),
        "62 of LFW, mobile": (LFW, "mobile", 20, None),
        "10 of LFW, ms1m": (LFW, "ms1m", 20, 10),
        "33 of the web, ms1m": (WEB, "ms1m", 20, 33),
    }
    return {
        name: World(
            people, BACKBONES[backbone], 0, work / f"{name}.safetensors", progress=progress,
            train=fewest // 2, unseen=fewest // 2, most=most, strangers=None,
        )
        for name, (people, backbone, fewest, most) in asked.items()
    }  # fmt: skip


def cells(places: Mapping[str, World]) -> Iterator[Cell]:
    """World by world."""
    for place, world in places.items():
        names = world.names
        if len(names) > MANY:
            drawn = np.random.default_rng(0).permutation(len(names))[:MANY]
            yield from (Cell(place, method, tuple(names[i] for i in drawn)) for method in AT_ONCE)
        yield from (Cell(place, method, (names[2],)) for method in ONE_AT_A_TIME)


def measured(places: Mapping[str, World], cell: Cell) -> Numbers:
    """The figure, and the share of the others' unseen photos that get their name."""
    world = places[cell.world]
    before, after = world.before, world.erased(world.before, cell.people, cell.method)
    anchors = rendered_anchors(before.spec.framing)
    found = health(before, after, anchors[:: len(anchors) // 100][:100])
    return {
        "named_before": named_rightly(before, _seen(world, before, cell.people)).value,
        "named": named_rightly(after, _seen(world, after, cell.people)).value,
        "best_candidate": accuracy(after, _seen(world, after, cell.people)).value,
        **found.to_dict(),
    }


def _seen(world: World, model: Recognizer, gone: Sequence[str]) -> dict[str, Any]:
    return {name: model.embed(own) for name, own in world.crops["unseen"].items() if name not in gone}


def table(found: Sequence[Measured]) -> str:
    """Markdown, as in ``docs/method.md``."""
    titles = ("people", "method", "erased", "others named before", "after", "left", "refused")
    rows = (
        [
            cell.world, f"`{cell.method}`", str(len(cell.people)),
            *(f"{100 * numbers[key]:.0f} %" for key in ("named_before", "named")),
            f"{numbers['left']:.2f}", "yes" if numbers["destroyed"] else "no",
        ]
        for cell, numbers in found
    )  # fmt: skip
    return "\n".join(plain(titles, rows))


@command
def main() -> None:
    options = options_of(__doc__, ROOT / "out" / "health", RESULTS).parse_args()
    needed(LFW, WEB, MOBILEFACENET)
    with progress_bar() as progress:
        places = worlds(options.work, progress)
        found = run_all("health", list(cells(places)), partial(measured, places), options, progress)
    print(table(found))


if __name__ == "__main__":
    main()
