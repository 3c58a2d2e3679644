"""``faceforget people``: a folder of photos per person, from wherever they come."""

from pathlib import Path
from typing import Annotated

import typer

from faceforget import api
from faceforget.cli.console import out, progress_bar
from faceforget.cli.render import render

app = typer.Typer(help="Make or check a folder of photos per person.", no_args_is_help=True)
app.command("rendered")(render)

MinPhotos = Annotated[int, typer.Option(min=1, help="Leave out people with fewer photos.")]


@app.command("folder")
def folder(
    people: Annotated[Path, typer.Argument(metavar="PEOPLE_DIR", help="A folder of photos per person.")],
    copy: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="New folder for a copy; without it, check only."),
    ] = None,
    min_photos: MinPhotos = 1,
) -> None:
    """Check a folder of photos per person, or copy the photos of those who have enough."""
    if copy is None:
        _print(api.check_people(people, min_photos))
    else:
        _make(api.people_source("folder", people, min_photos=min_photos), copy)


@app.command("lfw")
def lfw(
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="New folder for the people.")],
    min_photos: MinPhotos = 2,
    data_home: Annotated[
        Path | None, typer.Option(metavar="DIR", help="scikit-learn's data home, if not its usual one.")
    ] = None,
) -> None:
    """Copy Labeled Faces in the Wild, downloading it by scikit-learn if it is not here yet."""
    _make(api.people_source("lfw", data_home, min_photos), folder)


def _make(source: "api.PeopleSource", folder: Path) -> None:

    with progress_bar() as progress:
        made = api.make_people(source, folder, progress=progress)
    _print(made)


def _print(made: "api.PeopleFolder") -> None:
    out.print(
        f"{made.people} people, {made.photos} photos, in {made.path}.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
