"""``faceforget receipt``."""

from pathlib import Path
from typing import Annotated

import typer

from faceforget import api
from faceforget.cli.console import out, warn
from faceforget.cli.options import check_output
from faceforget.errors import UsageError

app = typer.Typer(help="Receipts of erasure requests.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="RECEIPT", help="The JSON file.")]
Public = Annotated[Path | None, typer.Option("--key", metavar="PUB", help="The operator's public key.")]


@app.command("verify")
def verify(file: File, key: Public = None) -> None:
    """Check that a receipt is as it was signed; needs no network and no ledger."""
    data, public = _bytes(file), api.load_public_key(key) if key else None

    receipt = api.read_receipt(data, public)
    out.print(
        f"The receipt is intact: request {receipt.content['request']}, {receipt.content['outcome']}, "
        f"signed by the key {api.fingerprint(receipt.public_key)}.",
        highlight=False,
        soft_wrap=True,
    )
    if key is None:
        warn("Anybody can sign with a key of their own: give the operator's with --key.")


@app.command("print")
def print_receipt(
    file: File,
    to: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where it goes: .html or .pdf.")],
    key: Public = None,
) -> None:
    """Check a receipt and write it for people."""
    data, public = _bytes(file), api.load_public_key(key) if key else None
    check_output(to, file)

    forms = {".html": lambda *words: api.receipt_page(*words).encode(), ".pdf": api.receipt_pdf}
    if to.suffix.lower() not in forms:
        raise UsageError(f"Expected --out with the ending .html or .pdf, got {to}.", "Rename it.")
    receipt = api.read_receipt(data, public)
    api.write_atomically(to, forms[to.suffix.lower()](receipt.content, receipt.public_key))
    out.print(f"The receipt is {to}.", highlight=False, soft_wrap=True)


def _bytes(file: Path) -> bytes:
    if not file.is_file():
        raise UsageError(f"There is no receipt {file}.", "Check the path.")
    return file.read_bytes()
