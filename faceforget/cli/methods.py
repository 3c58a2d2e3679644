"""``faceforget methods``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from faceforget import api
from faceforget.cli.console import out
from faceforget.cli.options import Json, check_output
from faceforget.errors import UsageError


def methods(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Say more of one method.")] = None,
    json: Json = None,
) -> None:
    """List the erasure methods: paper, data they read, hyperparameters with defaults."""
    if json:
        check_output(json)

    if name is not None and name not in api.METHODS:
        raise UsageError(f"No method is called {name!r}.", f"Known methods: {', '.join(api.METHODS)}.")
    cards = [card for card in api.method_cards() if name in (None, card.name)]
    if json:
        listed = [{**card.to_dict(), "caveat": api.caveat_of(card.name)} for card in cards]
        api.write_json(Path(json), {"methods": listed})
    if name is not None:
        card = cards[0]
        out.print(f"[bold]{card.name}[/]: {escape(card.paper)}\nReads {', '.join(card.reads)}.", highlight=False)
        if said := api.caveat_of(card.name):
            out.print(escape(said), highlight=False)
        table = Table("--set", "default", "meaning")
        for one in card.hyperparameters:
            table.add_row(one.name, _text(one.default), escape(one.meaning))
        out.print(table)
        return
    table = Table("method", "reads", "paper", Column("hyperparameters", no_wrap=True), show_lines=True)
    for card in cards:
        settings = "\n".join(f"{one.name}={_text(one.default)}" for one in card.hyperparameters)
        table.add_row(card.name, ", ".join(card.reads), escape(card.paper), settings)
    out.print(table)


def _text(default: object) -> str:
    """As ``--set`` takes it."""
    return "none" if default is None else f"{default:g}" if isinstance(default, float) else str(default)
