"""Views of made-up embeddings, so that the answers are known beforehand."""

from dataclasses import replace

import torch
from torch.nn import functional

from faceforget.audit.view import Groups, View
from faceforget.recognizer.recognizer import Threshold

SIZE = 128


def photos_of(centre, count, spread, generator):
    """Unit embeddings ``(count, D)`` around a centre; with spread 0 all alike, with a large one random."""
    noise = torch.randn(count, len(centre), generator=generator) / len(centre) ** 0.5
    return functional.normalize(centre + spread * noise, dim=1)


def made_up_view(recognizer, *, spread=0.5, forgotten_spread=None, retained=6, strangers=12, unseen=8, read=12, seed=0):
    """Person E erased in name only: rows are the centres, everything is near its own."""
    generator = torch.Generator().manual_seed(seed)
    own = spread if forgotten_spread is None else forgotten_spread

    def centre():
        return functional.normalize(torch.randn(SIZE, generator=generator), dim=0)

    erased, centres = centre(), {f"R{i}": centre() for i in range(retained)}
    groups = Groups(
        {"E": photos_of(erased, unseen, own, generator)},
        {"E": photos_of(erased, read, own, generator)} if read else {},
        {name: photos_of(c, 8, spread, generator) for name, c in centres.items()},
        {f"S{i}": photos_of(centre(), 8, spread, generator) for i in range(strangers)},
    )
    model = recognizer.with_head(torch.stack([erased, *centres.values()]), ("E", *centres))
    model = replace(model, threshold=Threshold(0.5, 0.01, "test"))
    return View(model, model.without(["E"]), groups)


def with_forgotten(view, embeddings, read=None):
    """The same view with other photos of the person."""
    photos = view.embeddings
    read = photos.forget_photos["E"] if read is None else read
    return replace(view, embeddings=replace(photos, forgotten={"E": embeddings}, forget_photos={"E": read}))


def projected_out(view):
    """The person's direction is gone from every embedding and row: the photos of E are only noise."""
    direction = functional.normalize(view.model.classifier.head.weight[0], dim=0)

    def project(rows):
        return functional.normalize(rows - (rows @ direction)[:, None] * direction, dim=1)

    rows = project(view.used.classifier.head.weight)
    used = view.used.with_head(rows, view.used.labels)
    return replace(view, used=used, embeddings=view.embeddings.map(project))
