"""``faceforget audit``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from faceforget.cli.console import out, percent, progress_bar, warn
from faceforget.cli.options import (
    Device,
    Json,
    NoCache,
    Persons,
    Seed,
    check_output,
    check_persons,
    make_runtime,
)
from faceforget.files import write_json

if TYPE_CHECKING:
    from faceforget.audit.classifier import ClassifierCheck

_MEASURES = {
    "forgotten": "The person is named on these photos",
    "forgotten_train": "The same on the photos the erasure read",
    "retained": "Of people who stay, the best candidate is right",
    "retained_named": "People who stay get their name, not unknown",
    "strangers_named": "Strangers get a name",
}


def audit(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="The model before erasure.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="The model after erasure.")],
    person: Persons,
    photos: Annotated[
        Path, typer.Option(metavar="DIR", help="Photos of the person, best those the erasure did not read.")
    ],
    forget_photos: Annotated[Path | None, typer.Option(metavar="DIR", help="The photos that the erasure read.")] = None,
    retained: Annotated[
        Path | None, typer.Option(metavar="PEOPLE_DIR", help="People who stay; the erased are left out.")
    ] = None,
    strangers: Annotated[
        Path | None, typer.Option(metavar="PEOPLE_DIR", help="People who were never enrolled.")
    ] = None,
    json: Json = None,
    seed: Seed = 0,
    device: Device = "auto",
    no_cache: NoCache = False,
) -> None:
    """Check what the classifier still says of an erased person."""
    persons = check_persons(person)
    if json:
        check_output(json, before, after)
    from faceforget import api
    from faceforget.people.folder import photos_of

    models = api.load(before), api.load(after)
    for name in persons:
        models[0].index_of(name)
    with progress_bar() as progress:
        report = api.audit(
            *models,
            photos_of(photos, persons),
            forget_photos=photos_of(forget_photos, persons) if forget_photos else None,
            retained=retained,
            strangers=strangers,
            runtime=make_runtime(device, seed, no_cache, progress),
        )
    if json:
        write_json(json, report.to_dict())
    _print(report)


def _print(report: "ClassifierCheck") -> None:
    table = Table(title=f"{escape(', '.join(report.people))}: what the classifier says", title_justify="left")
    for column in ("", "before", "after", "photos"):
        table.add_column(column, justify="left" if not column else "right")
    for key, words in _MEASURES.items():
        old, new = (getattr(side, key) for side in (report.accuracy.before, report.accuracy.after))
        if old is not None and new is not None:
            table.add_row(words, percent(old.value, old.interval), percent(new.value, new.interval), str(old.photos))
    out.print(table)
    to = ", ".join(
        f"{escape(name)} {100 * share:.0f} %" for name, share in list(report.accuracy.after.absorbed_by.items())[:5]
    )
    out.print(f"Their photos now go to: {to}.", highlight=False)
    out.print(
        "After: with the person's row of BEFORE put back; for the rows on names and unknown, the model as it "
        "is used. In brackets: 95 % intervals.",
        style="dim",
        highlight=False,
    )
    if not report.rows_removed:
        warn("AFTER still holds the person's row and label: it is not a model written by `faceforget erase`.")
    if not report.derived:
        warn("AFTER's history does not say that it was made from BEFORE: the numbers after may mean nothing.")
    named = report.accuracy.before.forgotten
    if named is not None and named.value is not None and named.value < 0.5:
        warn("BEFORE itself does not name the person on most of these photos: do they show the person?")
    out.print("\n[bold]What this does not prove[/]")
    for sentence in report.to_dict()["not_proven"]:  # type: ignore[attr-defined]
        out.print(f"- {sentence}", highlight=False)
