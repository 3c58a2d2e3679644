"""Both promises, measured on people who took no part in the search.

    python -m benchmarks.embedding                           all of it, about two hours on two cores
    python -m benchmarks.embedding --part 0/2 & python -m benchmarks.embedding --part 1/2     the same, side by side

Ten people one at a time, three enrolment seeds, two backbones; five photos instead of twelve; 5, 10 and 20 people at
once, and 20 one after another; a second data set (rendered people, or ``--people DIR``). Beside them DELETE, the
trivial edits and a retrained model. Every cell is kept under ``--work``, so that an interrupted run goes on.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.embedding.table import Kind, Numbers, write
from benchmarks.embedding.world import World, rendered_people
from benchmarks.protocol import LFW, MOBILEFACENET, ROOT
from faceforget import api
from faceforget.audit.compared import look_at_all
from faceforget.audit.promises import keep_promises
from faceforget.audit.questions.collateral import collateral
from faceforget.files import write_json
from faceforget.people.sources import make_people, people_source
from faceforget.progress import Event
from faceforget.recognizer.recognizer import Recognizer

OURS = ("anchored", "dispersed")
BESIDE = ("delete", "head_only", "drop_row")
GROUPS, DRAWS, FEW, IN_SEQUENCE = (5, 10, 20), 3, 5, 20
_FAR = "tar_far_0.001"


@dataclass(frozen=True)
class Cell:
    """One erasure: in which world, of whom, how, and which table it belongs to."""

    table: str
    world: str
    method: str
    people: tuple[str, ...]
    photos: int = 12
    in_sequence: bool = False
    deep: bool = False

    @property
    def key(self) -> str:
        """A file name."""
        who = self.people[0] if len(self.people) == 1 else f"{len(self.people)}_from_{self.people[0]}"
        return f"{self.table}.{self.world}.{self.method}.{who}".replace(" ", "_")


def cells(worlds: dict[str, World]) -> list[Cell]:
    """All of them, the most telling first."""
    first = {name: world for name, world in worlds.items() if name.endswith("_0")}
    one = [
        Cell("single", name, method, (person,), deep=person in _taught(name, world))
        for name, world in worlds.items()
        for method in OURS
        for person in world.reported
    ]
    few = [
        Cell("five_photos", name, method, (person,), FEW)
        for name, world in worlds.items()
        if world.searched
        for method in OURS
        for person in world.reported
    ]
    beside = [
        Cell("single", name, method, (person,))
        for name, world in first.items()
        if world.searched
        for method in BESIDE
        for person in world.reported
    ]
    people = worlds["mobile_0"].reported
    seconds = [Cell("seconds", "mobile_0", method, (person,)) for person in people[:5] for method in OURS]
    slow = [Cell("single", "mobile_0", "retrain", (person,)) for person in people[:FEW]]
    return [*one, *_several(first), *few, *seconds, *beside, *slow]


def _taught(name: str, world: World) -> list[str]:
    """Whose relearning is measured, a minute each: everybody with the shipped backbone, half with the other."""
    return {"mobile_0": world.reported, "ms1m_0": world.reported[:FEW]}.get(name, [])


def _several(worlds: dict[str, World]) -> Iterator[Cell]:
    """Many people at once, and one after another."""
    for name, world in worlds.items():
        for method in OURS:
            for draw in range(DRAWS if world.searched else 0):
                for size in GROUPS:
                    yield Cell(f"{size}_at_once", name, method, tuple(world.drawn(size, draw)))
                if method == "anchored" or draw == 0:  # three minutes each
                    yield Cell("in_sequence", name, method, tuple(world.drawn(IN_SEQUENCE, draw)), in_sequence=True)


def measured(world: World, cell: Cell) -> dict[str, Any]:
    """The numbers of one cell."""
    start = time.perf_counter()
    if cell.table == "seconds":
        photos = {cell.people[0]: world.photos_of(cell.people[0])}
        api.erase(world.before, photos, method=cell.method, runtime=api.Runtime(device="cpu"))
        return {"seconds": time.perf_counter() - start}
    after = world.before
    for people in [(person,) for person in cell.people] if cell.in_sequence else [cell.people]:
        after = world.erased(after, people, cell.method, cell.photos)
    return {"method_seconds": time.perf_counter() - start, **judged(world, after, cell)}


def judged(world: World, after: Recognizer, cell: Cell) -> dict[str, Any]:
    """What the audit finds."""
    faces = world.faces(cell.people, cell.photos)
    compared = look_at_all(world.before, after, None, faces, depths=False, memory=world.memory)
    promises = keep_promises(compared, faces, seed=world.seed)
    price = collateral(compared.before, compared.after, seed=world.seed)
    old, new = promises.check.accuracy.before, promises.check.accuracy.after
    sides = promises.verification.before, promises.verification.after
    found = {
        "acc_f": new.forgotten,
        "acc_r": new.retained,
        "acc_r_before": old.retained,
        "named": new.retained_named,
        "named_before": old.retained_named,
        "nearest": price.strangers_nearest.after,
        "nearest_before": price.strangers_nearest.before,
        "tar_f": sides[1].forgotten[_FAR],
        "tar_f_before": sides[0].forgotten[_FAR],
        "tar_s": sides[1].strangers[_FAR],
        "tar_s_before": sides[0].strangers[_FAR],
        "rank_1": promises.reenrolment.after["5"],
        "rank_1_before": promises.reenrolment.before["5"],
    }
    values = {key: None if value is None else value.value for key, value in found.items()}
    if cell.deep:
        values |= {"relearned": world.steps(after, cell.people[0]), "relearned_stranger": world.stranger_steps}
    # One person's photos are too few to say for each erasure alone; the table counts sixty of them.
    verdict = {promise: promises.verdict.at_value(promise) for promise in promises.verdict.findings}
    return {**values, "verdict": verdict}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=Path, help="a second data set, a folder per person; else rendered people")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--part", default="0/1", metavar="I/N", help="every N-th cell, from the I-th")
    parser.add_argument("--tables", action="store_true", help="only write the tables of the cells that are there")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "embedding")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    second = options.people or rendered_people(options.work / "rendered", _render)
    backbones = {"mobile": "mobile", "ms1m": str(MOBILEFACENET)}
    worlds = {
        f"{name}_{seed}": World(LFW, backbone, seed, options.work / f"{name}_{seed}.safetensors", True, _show)
        for seed in range(options.seeds)
        for name, backbone in backbones.items()
    }
    worlds["second_0"] = World(second, "mobile", 0, options.work / "second_0.safetensors", False, _show)
    part, parts = map(int, options.part.split("/"))
    todo = cells(worlds)
    for number, cell in enumerate(todo):
        path = options.work / "cells" / f"{cell.key}.json"
        if not options.tables and number % parts == part and not path.exists():
            print(f"{number + 1}/{len(todo)} {cell.key}", flush=True)
            write_json(path, measured(worlds[cell.world], cell))
    done = [(cell, options.work / "cells" / f"{cell.key}.json") for cell in todo]
    found: list[tuple[Kind, Numbers]] = [(cell, json.loads(path.read_text())) for cell, path in done if path.exists()]
    write(found, len(todo))


def _render(people: int, photos: int, folder: Path) -> None:
    make_people(people_source("rendered", people=people, photos=photos, size=224, seed=77), folder, progress=_show)


def _show(event: Event) -> None:
    if event.final:
        print(f"    {event.stage}", flush=True)


if __name__ == "__main__":
    main()
