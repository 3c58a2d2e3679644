"""Render the anchors that are shipped: ``python -m datasets.anchors.make``."""

from faceforget.people.anchors import SHIPPED, render_anchors, write_sheet
from faceforget.progress import Event
from faceforget.recognizer.backbone import MOBILE


def _show(event: Event) -> None:
    print(f"\r{event.stage} {event.done}/{event.total}", end="", flush=True)


if __name__ == "__main__":
    write_sheet(SHIPPED / f"{MOBILE.framing.key}.jpg", render_anchors(MOBILE.framing, progress=_show))
