"""``faceforget keys``."""

from pathlib import Path
from typing import Annotated

import typer

from faceforget import api
from faceforget.cli.console import out

app = typer.Typer(help="Keys that receipts are signed with.", no_args_is_help=True)


@app.command("new")
def new(file: Annotated[Path, typer.Argument(metavar="KEY", help="The private key; KEY.pub goes beside it.")]) -> None:
    """Make a key pair: keep KEY to yourself, give KEY.pub to those who check your receipts."""
    made = api.new_key(file)
    out.print(
        f"{file} signs: keep it to yourself, with a copy in a safe place.\n"
        f"{api.public_path(file)} checks: give it to everybody. Its fingerprint is {api.fingerprint(made.public)}.",
        highlight=False,
        soft_wrap=True,
    )
