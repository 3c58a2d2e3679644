"""Many people erased at once, on photos from the web: do all stay unrecognisable, and who else pays?

    python -m benchmarks.many_at_once                             six draws of twenty, two backbones: about 20 minutes
    python -m benchmarks.many_at_once --people DIR --draws 0 1 2  other photos, or some of the draws

People with 24 photos are enrolled (``--train full``) and erased with the first twelve by name, and asked about with
the other twelve; people with 10 to 15 are strangers. Enrolled models are kept under ``--work``, found faces where the
product keeps them, so that a second run only erases and asks.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.embedding.world import World
from benchmarks.protocol import MOBILEFACENET, ROOT, SHARED
from faceforget.audit.compared import look_at_all
from faceforget.audit.promises import keep_promises
from faceforget.photos.cache import PREPROCESSING_VERSION
from faceforget.progress import Event

RESULTS = ROOT / "benchmarks" / "results" / "many_at_once.md"
_FRESH = 12
_FAR = "tar_far_0.001"
_COLUMNS = {
    "re-enrolled, rank-1": "{reenrolled:.1%} ({chance:.1%})",
    "pairs of theirs match": "{pairs_before:.1%} → {pairs:.1%}",
    "others named": "{named_before:.1%} → {named:.1%}",
    "of before": "{share:.0%}",
    "strangers' pairs match": "{strangers_before:.1%} → {strangers:.1%}",
    "strangers named": "{strange_before:.1%} → {strange:.1%}",
    "old row names them": "{row_back:.1%}",
    "β": "{beyond:g}",
}


def measured(world: World, people: Sequence[str], method: str) -> dict[str, float]:
    """What the audit finds of one erasure of many people."""
    after, faces = world.erased(world.before, people, method), world.faces(people)
    compared = look_at_all(world.before, after, None, faces, depths=False, memory=world.memory)
    promises = keep_promises(compared, faces, seed=world.seed)
    old, new = promises.check.accuracy.before, promises.check.accuracy.after
    sides = promises.verification.before, promises.verification.after
    found: dict[str, Any] = {
        "reenrolled": promises.reenrolment.after["5"],
        "pairs_before": sides[0].forgotten[_FAR],
        "pairs": sides[1].forgotten[_FAR],
        "named_before": old.retained_named,
        "named": new.retained_named,
        "strangers_before": sides[0].strangers[_FAR],
        "strangers": sides[1].strangers[_FAR],
        "strange_before": old.strangers_named,
        "strange": new.strangers_named,
        "row_back": new.forgotten,
    }
    numbers = {key: measured.value for key, measured in found.items()}
    layer = after.classifier.embedder.scatter
    beyond = float(layer.beyond.max()) if hasattr(layer, "beyond") else 0.0
    share = numbers["named"] / numbers["named_before"]
    return {**numbers, "share": share, "chance": 1 / (len(after.labels) + 1), "beyond": beyond}


def lines_of(name: str, draws: Mapping[int, Mapping[str, float]]) -> Iterator[str]:
    """The rows of a backbone, and its worst draw in what must hold in each."""
    for draw, numbers in draws.items():
        yield f"| {name} | {draw} | {' | '.join(words.format(**numbers) for words in _COLUMNS.values())} |"
    most, least = max(n["reenrolled"] for n in draws.values()), min(n["share"] for n in draws.values())
    yield f"| {name} | worst | {most:.1%} | | | {least:.0%} |{' |' * (len(_COLUMNS) - 4)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=Path, default=SHARED / "data" / "web", help="a folder per person")
    parser.add_argument("--draws", type=int, nargs="+", default=list(range(6)), metavar="SEED")
    parser.add_argument("--count", type=int, default=20, help="people to erase at once")
    parser.add_argument("--method", default="dispersed")
    parser.add_argument("--backbones", nargs="+", choices=("mobile", "ms1m"), default=["mobile", "ms1m"])
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "many_at_once")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    lines = [
        f"# {options.count} people at once",
        "",
        f"`python -m benchmarks.many_at_once`, `{options.method}`, photos of `{options.people.name}`, preprocessing "
        f"version {PREPROCESSING_VERSION}. Per cent of unseen photos. Re-enrolled from five photos, beside the people "
        "who stay (in brackets: chance); pairs at FAR 0.1 %; β as the layer holds it.",
        "",
        f"| model | draw | {' | '.join(_COLUMNS)} |",
        f"|{'---|' * (2 + len(_COLUMNS))}",
    ]
    for name in options.backbones:
        kept = options.work / f"{name}_preprocessing_{PREPROCESSING_VERSION}.safetensors"
        backbone = str(MOBILEFACENET) if name == "ms1m" else name
        world = World(options.people, backbone, 0, kept, searched=False, progress=_show, unseen=_FRESH)
        found = {}
        for draw in options.draws:
            found[draw] = measured(world, world.drawn(options.count, draw), options.method)
            print(name, draw, {key: round(value, 3) for key, value in found[draw].items()}, flush=True)
        lines += lines_of(name, found)
    print("\n".join(lines))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("\n".join(lines) + "\n")


def _show(event: Event) -> None:
    if event.final:
        print(f"    {event.stage}", flush=True)


if __name__ == "__main__":
    main()
