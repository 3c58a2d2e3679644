"""``faceforget app``."""

import json
import os
import sys
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from faceforget import api
from faceforget.cli.inputs import check_models

# app/opening.py and app/books.py read them.
_MODEL_VARIABLE = "FACEFORGET_APP_MODEL"
_LEDGER_VARIABLE = "FACEFORGET_APP_LEDGER"


def app(
    model: Annotated[Path | None, typer.Option(metavar="MODEL", help="The model to open.")] = None,
    ledger: Annotated[
        Path | None,
        typer.Option(
            metavar="LEDGER", help="Where batches are recorded; made if needed. Without it, each session has one."
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the app listens, on this machine only.")] = 8501,
) -> None:
    """Open the browser app: recognise, forget, see the proof, download the model and the receipt."""
    script = api.resources.shipped(api.resources.APP_SCRIPT)
    check_models(model)
    environment = dict(os.environ)
    for variable in (_MODEL_VARIABLE, _LEDGER_VARIABLE):
        environment.pop(variable, None)
    if model is not None:
        api.load(model)  # a file that cannot be used is better said here than in the browser
        environment[_MODEL_VARIABLE] = str(model.resolve())
    if ledger is not None:
        with api.Ledger(ledger, create=True):
            environment[_LEDGER_VARIABLE] = str(ledger.resolve())
    typer.echo(f"FaceForget is at http://127.0.0.1:{port} for this machine only; Ctrl+C ends it.")
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(script),
        *flags(api.resources.APP_SETTINGS, port),
    ]
    # This process becomes the server, so whatever ends it, Ctrl+C or a service manager, lets the server clear up.
    os.execve(sys.executable, command, environment)  # noqa: S606


def flags(config: Path, port: int) -> list[str]:
    """Every option of Streamlit's configuration file as a flag, and the port: they hold in any folder."""
    options = tomllib.loads(config.read_text("utf-8"))
    found = [f"--{section}.{key}={_text(v)}" for section, values in options.items() for key, v in values.items()]
    return [*found, f"--server.port={port}"]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
