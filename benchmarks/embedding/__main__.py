"""Both promises, measured on people who took no part in the search.

    python -m benchmarks.embedding                           all of it, about two hours on two cores
    python -m benchmarks.embedding --part 0/2 & python -m benchmarks.embedding --part 1/2     the same, side by side

Ten people one at a time, three enrolment seeds, two backbones; five photos instead of twelve; 5, 10 and 20 people at
once, and 20 one after another; a second data set (rendered people, or ``--people DIR``). Beside them DELETE, the
trivial edits and a retrained model. Every cell is kept under ``--work``, so that an interrupted run goes on.
"""

import time
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path

from benchmarks.data import BACKBONES, LFW, MOBILEFACENET, RESULTS, ROOT, TRAIN, UNSEEN, link_photos, needed
from benchmarks.embedding.table import written
from benchmarks.promises import judged, relearned, stranger_relearned
from benchmarks.runner.cell import Cell, Numbers
from benchmarks.runner.command import command, options_of, run_all
from benchmarks.world import World
from faceforget import api
from faceforget.api import make_people, people_source, write_atomically
from faceforget.cli.console import progress_bar
from faceforget.progress import Progress

OURS = ("anchored", "dispersed")
BESIDE = ("delete", "head_only", "drop_row")
GROUPS, DRAWS, FEW = (5, 10, 20), 3, 5
Worlds = Mapping[tuple[str, int], World]


def cells(worlds: Worlds) -> list[Cell]:
    """All of them, the most telling first."""
    first = {name: world for (name, seed), world in worlds.items() if seed == 0}
    one, few = (
        [
            Cell(name, method, (person,), table, seed)
            for (name, seed), world in worlds.items()
            if table == "single" or world.searched
            for method in OURS
            for person in world.reported
        ]
        for table in ("single", "five_photos")
    )
    beside = [
        Cell(name, method, (person,), "single")
        for name, world in first.items()
        if world.searched
        for method in BESIDE
        for person in world.reported
    ]
    people = first["mobile"].reported
    seconds = [Cell("mobile", method, (person,), "seconds") for person in people[:5] for method in OURS]
    slow = [Cell("mobile", "retrain", (person,), "single") for person in people[:FEW]]
    return [*one, *_several(first), *few, *seconds, *beside, *slow]


def _taught(cell: Cell, world: World) -> bool:
    """Whether relearning is measured, a minute each: of everybody with the shipped backbone, half with the other."""
    taught = {"mobile": world.reported, "ms1m": world.reported[:FEW]}.get(cell.world, [])
    return cell.table == "single" and cell.seed == 0 and cell.method in OURS and cell.people[0] in taught


def _several(worlds: Mapping[str, World]) -> Iterator[Cell]:
    """Many people at once, and one after another."""
    for name, world in worlds.items():
        for method in OURS:
            for draw in range(DRAWS if world.searched else 0):
                for size in GROUPS:
                    yield Cell(name, method, tuple(world.drawn(size, draw)), f"{size}_at_once")
                if method == "anchored" or draw == 0:  # three minutes each
                    yield Cell(name, method, tuple(world.drawn(GROUPS[-1], draw)), "in_sequence")


def measured(worlds: Worlds, cell: Cell) -> Numbers:
    """The numbers of one cell."""
    world, start = worlds[cell.world, cell.seed], time.perf_counter()
    if cell.table == "seconds":
        photos = {cell.people[0]: world.photos["train"][cell.people[0]]}
        api.erase(world.before, photos, method=cell.method, runtime=api.Runtime(device="cpu"))
        return {"seconds": time.perf_counter() - start}
    after, read = world.before, FEW if cell.table == "five_photos" else TRAIN
    for people in [(person,) for person in cell.people] if cell.table == "in_sequence" else [cell.people]:
        after = world.erased(after, people, cell.method, read)
    found = {"method_seconds": time.perf_counter() - start, **judged(world, after, cell.people, read)}
    if _taught(cell, world):
        found |= {"relearned": relearned(world, after, cell.people[0]), "relearned_stranger": _stranger(world)}
    return found


_stranger = lru_cache(stranger_relearned)


@command
def main() -> None:
    parser = options_of(__doc__, ROOT / "out" / "embedding", RESULTS)
    parser.add_argument("--people", type=Path, help="a second data set, a folder per person; else rendered people")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    needed(LFW, MOBILEFACENET, *filter(None, [options.people]))
    with progress_bar() as progress:
        second = options.people or rendered_people(options.work / "rendered", progress)
        worlds = {
            (name, seed): World(
                LFW, file, seed, options.work / f"{name}_{seed}.safetensors", searched=True, progress=progress
            )
            for seed in range(options.seeds)
            for name, file in BACKBONES.items()
        }
        worlds["second", 0] = World(second, "mobile", 0, options.work / "second_0.safetensors", progress=progress)
        todo = cells(worlds)
        found = run_all("embedding", todo, partial(measured, worlds), options, progress)
    if found:
        write_atomically(options.results / "embedding.md", written(found, len(todo)).encode())


def rendered_people(folder: Path, progress: Progress) -> Path:
    """A data set of people who do not exist: 30 to enrol, 20 strangers; rendered where it is not there yet."""
    if not (folder / "done").is_file():
        source = people_source("rendered", people=50, photos=TRAIN + UNSEEN, size=224, seed=77)
        make_people(source, folder / "all", progress=progress)
        for number, person in enumerate(sorted((folder / "all").iterdir())):
            photos = sorted(person.glob("*.jpg"))
            link_photos(folder / "people" / person.name, photos if number % 5 < 3 else photos[:TRAIN])
        (folder / "done").touch()
    return folder / "people"


if __name__ == "__main__":
    main()
