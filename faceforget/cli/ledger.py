"""``faceforget ledger``: what was done about each erasure request."""

import json as json_text
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from faceforget import api
from faceforget.cli.console import out, warn
from faceforget.cli.options import Json, check_output
from faceforget.errors import UsageError

app = typer.Typer(help="The ledger of erasure requests; it holds no names.", no_args_is_help=True)

Database = Annotated[Path, typer.Argument(metavar="LEDGER", help="The ledger that `faceforget batch` writes.")]


@app.command("list")
def list_requests(ledger: Database, json: Json = None) -> None:
    """List the requests and what each has come to."""
    with api.Ledger(ledger) as opened:
        latest = opened.latest()
        why = {entry.request: api.why_failed(entry.body) for entry in opened.entries() if entry.state == "failed"}
    if json:
        api.write_json(json, {"requests": [entry.to_dict() | {"why": why.get(entry.request, "")} for entry in latest]})
    table = Table("request", "state", "outcome", "since", "why")
    for entry in latest:
        outcome = str(entry.body.get("outcome", ""))
        table.add_row(entry.request, entry.state, outcome, entry.at, escape(why.get(entry.request, "")))
    out.print(table)


@app.command("show")
def show(
    ledger: Database,
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="Its id, or the first characters of it.")],
    json: Json = None,
) -> None:
    """Show every entry of one request."""
    with api.Ledger(ledger) as opened:
        ids = [entry.request for entry in opened.latest() if entry.request.startswith(request)]
        if len(ids) != 1:
            raise UsageError(
                f"Expected one request whose id begins with {request!r}, found {len(ids)}.",
                "`faceforget ledger list` shows them all.",
            )
        entries = opened.of(ids[0])
    if json:
        api.write_json(json, {"entries": [entry.to_dict() for entry in entries]})
    for entry in entries:
        out.print(f"[bold]{entry.seq} {entry.state}[/] {entry.at}  [dim]{entry.hash}[/]", highlight=False)
        body = json_text.dumps(entry.body, indent=2)
        out.print(body, highlight=False, markup=False, soft_wrap=True)
        if entry.state == "failed":
            out.print(api.why_failed(entry.body), highlight=False, markup=False, soft_wrap=True)


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A ledger, or an export of one.")],
    key: Annotated[Path | None, typer.Option(metavar="PUB", help="Whose signature an export must bear.")] = None,
) -> None:
    """Check that nothing was changed, left out or put in between."""
    public = api.load_public_key(key) if key else None
    if file.is_file() and not file.read_bytes().startswith(b"SQLite format 3"):
        read = api.read_export(file.read_bytes(), public)
        signed = f"signed by the key {api.fingerprint(read.public_key)}" if read.public_key else "not signed"
        out.print(f"The export is intact: {len(read.entries)} entries, {signed}.", highlight=False, soft_wrap=True)
        if read.public_key and not key:
            warn("Anybody can sign with a key of their own: give the operator's with --key.")
        return
    if key:
        raise UsageError("A ledger itself is not signed.", "Leave --key out, or give an export.")
    with api.Ledger(file) as opened:
        count = opened.verify()
    out.print(f"The ledger is intact: {count} entries.", highlight=False)


@app.command("expire")
def expire_models(ledger: Database) -> None:
    """Delete the models from before erasure whose quarantine has ended."""
    with api.Ledger(ledger):  # nothing else is taken for one
        gone = api.expire(ledger)
    for model in gone:
        out.print(f"Deleted {model.path}, expired {model.expires}.", highlight=False, soft_wrap=True)
    out.print(f"{len(gone)} models were deleted.", highlight=False)


@app.command("export")
def export(
    ledger: Database,
    file: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the JSON goes.")],
    key: Annotated[Path | None, typer.Option(metavar="KEY", help="Sign it with this private key.")] = None,
) -> None:
    """Write the ledger as one file to keep elsewhere: later it shows whether the ledger was rewritten."""
    check_output(file, ledger)
    signer = api.load_key(key) if key else None
    with api.Ledger(ledger) as opened:
        opened.verify()
        entries = opened.entries()
    api.write_atomically(file, api.export_ledger(entries, signer))
    out.print(f"{len(entries)} entries in {file}.", highlight=False, soft_wrap=True)
