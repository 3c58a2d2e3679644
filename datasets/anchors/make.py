"""Render the anchors that are shipped, for the framings of all backbones: ``python -m datasets.anchors.make``."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from faceforget.people.anchors import ANCHORS, anchor_photo, cut_anchors, write_sheet
from faceforget.progress import Event, tracked
from faceforget.recognizer.backbone import BACKBONES
from faceforget.resources import SHIPPED_ANCHORS

# Of larger faces fewer, so that no picture takes more than 1.5 MB; an erasure looks at 400 at most.
_SMALL, _FEWER = 112, 400


def main() -> None:
    """Render everybody once, then cut a picture for each framing."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        rendered = pool.map(anchor_photo, range(ANCHORS), chunksize=4)
        photos = list(tracked(rendered, "rendering", ANCHORS, _show))
    for framing in dict.fromkeys(spec.framing for spec in BACKBONES.values()):
        path = SHIPPED_ANCHORS / f"{framing.key}.jpg"
        crops = cut_anchors(photos[: ANCHORS if framing.size <= _SMALL else _FEWER], framing, progress=_show)
        write_sheet(path, crops)
        print(f"{path.name}: {len(crops)} faces, {path.stat().st_size / 1e6:.2f} MB")


def _show(event: Event) -> None:
    print(f"\r{event.stage} {event.done}/{event.total}", end="\n" if event.final else "", flush=True)


if __name__ == "__main__":
    main()
