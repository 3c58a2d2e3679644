"""``faceforget render``."""

from pathlib import Path
from typing import Annotated

import typer

from faceforget import api
from faceforget.cli.console import out, progress_bar


def render(
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="New folder for the people.")],
    people: Annotated[int, typer.Option(min=1, help="How many people.")] = 24,
    photos: Annotated[int, typer.Option(min=1, help="Photos of each.")] = 12,
    size: Annotated[int, typer.Option(min=32, max=2048, help="Side of a photo in pixels.")] = 224,
    seed: Annotated[int, typer.Option(min=0, help="The same seed renders the same photos.")] = 0,
) -> None:
    """Render photos of people who do not exist."""
    source = api.people_source("rendered", people=people, photos=photos, size=size, seed=seed)
    with progress_bar() as progress:
        made = api.make_people(source, folder, progress=progress)
    out.print(
        f"{made.people} people who do not exist, {made.photos} photos, in {made.path}.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
