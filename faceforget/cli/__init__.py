"""The command line: parse, call, print. Everything else is in the library."""

import os

# Read when torch is loaded: OpenMP's threads sleep while they wait for each other. Where they spin, one busy process
# beside them makes an erasure on two cores five times as slow.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import typer

from faceforget import api
from faceforget.cli import (
    audit,
    batch,
    browser,
    cache,
    demo,
    doctor,
    enroll,
    erase,
    inspect,
    keys,
    ledger,
    methods,
    people,
    receipt,
    recognize,
    render,
    serve,
)
from faceforget.cli.console import EXIT_CODES, run
from faceforget.cli.options import check_alone

app = typer.Typer(
    name="faceforget",
    help="Erase a person from a face-recognition model using only their photos; show what is left of them.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("demo")(demo.demo)
app.command("app")(browser.app)
app.command("enroll")(enroll.enroll)
app.command("recognize")(recognize.recognize)
app.command("erase", epilog=EXIT_CODES)(erase.erase)
app.command("inspect")(inspect.inspect)
app.command("audit", epilog=EXIT_CODES)(audit.audit)
app.command("batch", epilog=EXIT_CODES)(batch.batch)
app.command("serve")(serve.serve)
app.command("methods")(methods.methods)
app.command("render")(render.render)
app.command("doctor")(doctor.doctor)
app.add_typer(people.app, name="people")
app.add_typer(cache.app, name="cache")
app.add_typer(ledger.app, name="ledger")
app.add_typer(receipt.app, name="receipt")
app.add_typer(keys.app, name="keys")


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(
        False, "--version", help="Print the version, where it is installed, and stop.", is_eager=True
    ),
) -> None:
    if version:
        from faceforget import __version__

        typer.echo(f"faceforget {__version__} from {api.resources.INSTALLED_FROM} ({api.resources.KIND})")
        raise typer.Exit
    check_alone(context.invoked_subcommand)


def main() -> None:
    """Entry point; the exit codes are those of :mod:`faceforget.cli.console`."""
    run(app)
