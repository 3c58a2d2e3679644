"""Many people erased at once, on photos from the web: do all stay unrecognisable, and who else pays?

    python -m benchmarks.many_at_once                             six draws of twenty, two backbones: about 20 minutes
    python -m benchmarks.many_at_once --people DIR --draws 0 1 2  other photos, or some of the draws

People with 24 photos are enrolled (``--train full``) and erased with the first twelve by name, and asked about with
the other twelve; people with 10 to 15 are strangers. Enrolled models and draws are kept under ``--work``, found faces
where the product keeps them, so that a second run only does what is left.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks.data import BACKBONES, RESULTS, ROOT, TRAIN, WEB, needed
from benchmarks.promises import judged
from benchmarks.runner.cell import Cell, Measured, Numbers
from benchmarks.runner.command import command, options_of, run_all
from benchmarks.runner.table import by, plain
from benchmarks.world import World
from faceforget.api import write_atomically
from faceforget.cli.console import progress_bar
from faceforget.lab import PREPROCESSING_VERSION

_COLUMNS = {
    "re-enrolled, rank-1": "{rank_1:.1%} ({chance:.1%})",
    "pairs of theirs match": "{tar_f_before:.1%} → {tar_f:.1%}",
    "others named": "{named_before:.1%} → {named:.1%}",
    "of before": "{share:.0%}",
    "strangers' pairs match": "{tar_s_before:.1%} → {tar_s:.1%}",
    "strangers named": "{strangers_named_before:.1%} → {strangers_named:.1%}",
    "old row names them": "{acc_f:.1%}",
    "β": "{beyond:g}",
}


def measured(worlds: Mapping[str, World], cell: Cell) -> Numbers:
    """What the audit finds of one erasure of many people."""
    world = worlds[cell.world]
    after = world.erased(world.before, cell.people, cell.method)
    numbers = judged(world, after, cell.people)
    layer = after.classifier.embedder.scatter
    beyond = float(layer.beyond.max()) if hasattr(layer, "beyond") else 0.0
    share = numbers["named"] / numbers["named_before"]
    return {**numbers, "share": share, "chance": 1 / (len(after.labels) + 1), "beyond": beyond}


def table(found: Sequence[Measured]) -> list[str]:
    """A row for each draw of a backbone, and its worst draw in what must hold in each."""

    def rows() -> Iterator[list[str]]:
        for world, runs in by(found, lambda cell: cell.world).items():
            for run in runs:
                yield [world, str(run.cell.seed), *(words.format(**run.numbers) for words in _COLUMNS.values())]
            most = max(run.numbers["rank_1"] for run in runs)
            least = min(run.numbers["share"] for run in runs)
            yield [world, "worst", f"{most:.1%}", "", "", f"{least:.0%}", *[""] * (len(_COLUMNS) - 4)]

    return plain(["model", "draw", *_COLUMNS], rows())


@command
def main() -> None:
    parser = options_of(__doc__, ROOT / "out" / "many_at_once", RESULTS)
    parser.add_argument("--people", type=Path, default=WEB, help="a folder per person")
    parser.add_argument("--draws", type=int, nargs="+", default=list(range(6)), metavar="SEED")
    parser.add_argument("--count", type=int, default=20, help="people to erase at once")
    parser.add_argument("--method", default="dispersed")
    parser.add_argument("--backbones", nargs="+", choices=tuple(BACKBONES), default=list(BACKBONES))
    options = parser.parse_args()
    needed(options.people, *(BACKBONES[name] for name in options.backbones))
    with progress_bar() as progress:
        worlds = {
            name: World(
                options.people, BACKBONES[name], 0,
                options.work / f"{name}_preprocessing_{PREPROCESSING_VERSION}.safetensors",
                progress=progress, unseen=TRAIN,
            )
            for name in options.backbones
        }  # fmt: skip
        todo = [
            Cell(name, options.method, tuple(world.drawn(options.count, draw)), seed=draw)
            for name, world in worlds.items()
            for draw in options.draws
        ]
        found = run_all("many_at_once", todo, partial(measured, worlds), options, progress)
    if not found:
        return
    text = [
        f"# {options.count} people at once",
        "",
        f"`python -m benchmarks.many_at_once`, `{options.method}`, photos of `{options.people.name}`, preprocessing "
        f"version {PREPROCESSING_VERSION}. Per cent of unseen photos. Re-enrolled from five photos, beside the people "
        "who stay (in brackets: chance); pairs at FAR 0.1 %; β as the layer holds it.",
        "",
        *table(found),
        "",
    ]
    print("\n".join(text))
    write_atomically(options.results / "many_at_once.md", "\n".join(text).encode())


if __name__ == "__main__":
    main()
