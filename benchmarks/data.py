"""Where photos and weights are, and how people are divided: for every measurement on faces the same.

People with at least 20 photos: the first 12 by name are for training, the next 8 unseen. People
with 10 to 15 photos are strangers. ``lay_out`` makes folders of links that the command line reads.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from faceforget.errors import UsageError

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
SHARED = Path(os.environ.get("FACEFORGET_SHARED") or ROOT.parent / "shared")
LFW = SHARED / "data" / "lfw"
WEB = SHARED / "data" / "web"
CIFAR10 = SHARED / "data" / "cifar10_jpeg.zip"
CAMVID = SHARED / "data" / "camvid_320x240.zip"
MOBILEFACENET = SHARED / "weights" / "mobilefacenet_ms1m.safetensors"
BACKBONES = {"mobile": "mobile", "ms1m": str(MOBILEFACENET)}
TRAIN, UNSEEN = 12, 8
STRANGERS = 10, 15
_WHAT = {
    LFW: "photos of Labeled Faces in the Wild",
    WEB: "photos from the web",
    CIFAR10: "CIFAR-10",
    CAMVID: "CamVid",
    MOBILEFACENET: "weights of a MobileFaceNet",
}


class MissingDataError(UsageError):
    """Photos or weights that a benchmark reads are not there."""


def needed(*places: Path | str) -> None:
    """Refuse what is not there, before anything is done.

    Args:
        places: Folders and files; names of shipped backbones are none, and pass.

    Raises:
        MissingDataError: One of them does not exist, or is an empty folder; the error names all that are missing.
    """
    paths = [Path(place) for place in places if isinstance(place, Path) or Path(place).suffix or os.sep in place]
    missing = [path for path in dict.fromkeys(paths) if not _there(path)]
    if missing:
        raise MissingDataError(
            "; ".join(f"expected {_WHAT.get(path, 'data')} in {path}, found nothing" for path in missing) + ".",
            "docs/data.md says where they come from and which option names another place; FACEFORGET_SHARED names "
            "another folder than shared/ beside the checkout.",
            missing=[str(path) for path in missing],
        )


def _there(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.is_file()


def people_with(source: Path, fewest: int, most: int | None = None) -> dict[str, list[Path]]:
    """People of a folder by number of photos, photos by name."""
    needed(source)
    people = {folder.name: sorted(folder.glob("*.jpg")) for folder in sorted(source.iterdir()) if folder.is_dir()}
    return {n: p for n, p in people.items() if fewest <= len(p) and (most is None or len(p) <= most)}


def split(source: Path = LFW, *, train: int = TRAIN, unseen: int = UNSEEN) -> dict[str, dict[str, list[Path]]]:
    """Photos by person for ``train``, ``unseen`` and ``strangers``."""
    regulars = people_with(source, train + unseen)
    return {
        "train": {name: photos[:train] for name, photos in regulars.items()},
        "unseen": {name: photos[train : train + unseen] for name, photos in regulars.items()},
        "strangers": people_with(source, *STRANGERS),
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
    parts = split(source)
    for part, people in parts.items():
        for name, photos in people.items():
            link_photos(folder / part / name, photos)
    return {part: folder / part for part in parts}


def link_photos(folder: Path, photos: list[Path]) -> None:
    """A folder of links to photos."""
    folder.mkdir(parents=True, exist_ok=True)
    for photo in photos:
        link = folder / photo.name
        if not link.exists():
            link.symlink_to(photo.resolve())


def halves(source: Path, photos: int = TRAIN) -> tuple[Mapping[str, list[Path]], Mapping[str, list[Path]]]:
    """People with twice as many photos: the first, to enrol, and the rest, unseen."""
    people = people_with(source, 2 * photos)
    return {name: own[:photos] for name, own in people.items()}, {name: own[photos:] for name, own in people.items()}
