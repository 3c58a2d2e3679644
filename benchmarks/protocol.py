"""The split of LFW that every measurement on faces shares.

People with at least 20 photos: the first 12 by name are for training, the next 8 unseen. People
with 10 to 15 photos are strangers. ``lay_out`` makes folders of links that the command line reads.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
LFW = SHARED / "data" / "lfw"
MOBILEFACENET = SHARED / "weights" / "mobilefacenet_ms1m.safetensors"
TRAIN, UNSEEN = 12, 8


def people_with(source: Path, fewest: int, most: int | None = None) -> dict[str, list[Path]]:
    """People of a folder by number of photos, photos by name."""
    people = {folder.name: sorted(folder.glob("*.jpg")) for folder in sorted(source.iterdir()) if folder.is_dir()}
    return {n: p for n, p in people.items() if fewest <= len(p) and (most is None or len(p) <= most)}


def split(source: Path = LFW) -> dict[str, dict[str, list[Path]]]:
    """Photos by person for ``train``, ``unseen`` and ``strangers``."""
    regulars = people_with(source, TRAIN + UNSEEN)
    return {
        "train": {name: photos[:TRAIN] for name, photos in regulars.items()},
        "unseen": {name: photos[TRAIN : TRAIN + UNSEEN] for name, photos in regulars.items()},
        "strangers": people_with(source, 10, 15),
    }


def reported_people(source: Path = LFW) -> list[str]:
    """The ten people whose erasures are reported; nothing is ever chosen by looking at them."""
    return sorted(people_with(source, TRAIN + UNSEEN))[2::6][:10]


def search_people(source: Path = LFW) -> list[str]:
    """Twenty others, on whom rates, steps and methods are chosen."""
    names = sorted(people_with(source, TRAIN + UNSEEN))
    return names[5::6][:10] + names[::6][:10]


def lay_out(folder: Path, source: Path = LFW) -> dict[str, Path]:
    """Folders ``train``, ``unseen``, ``strangers`` of links to the photos; what is there already stays."""
    for part, people in split(source).items():
        for name, photos in people.items():
            (folder / part / name).mkdir(parents=True, exist_ok=True)
            for photo in photos:
                link = folder / part / name / photo.name
                if not link.exists():
                    link.symlink_to(photo.resolve())
    return {part: folder / part for part in ("train", "unseen", "strangers")}
