"""``faceforget cache``."""

import typer

from faceforget import api
from faceforget.cli.console import out

app = typer.Typer(help="Faces found earlier, kept so that a photo is searched once.", no_args_is_help=True)


@app.command("show")
def show() -> None:
    """Say where the cache is and how many photos it holds."""
    cache = api.FaceCache()
    out.print(f"{cache.folder}: {cache.count()} photos", highlight=False, soft_wrap=True)


@app.command("clear")
def clear() -> None:
    """Remove every face crop from the cache."""
    cache = api.FaceCache()
    out.print(f"Removed the faces of {cache.clear()} photos from {cache.folder}.", highlight=False, soft_wrap=True)
