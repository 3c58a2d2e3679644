"""``faceforget demo``."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from faceforget import api
from faceforget.cli.console import out, percent, progress_bar, warn
from faceforget.cli.inputs import check_backbone, check_people
from faceforget.cli.options import Device, Json, Seed, check_output, make_runtime


def demo(
    person: Annotated[
        str | None, typer.Option(help="Whom to erase; without it, the first by name.", metavar="NAME")
    ] = None,
    report: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the report goes.")] = Path(
        "faceforget-demo.html"
    ),
    open_report: Annotated[bool, typer.Option("--open", help="Show the report in the browser.")] = False,
    people: Annotated[
        Path | None, typer.Option(metavar="PEOPLE_DIR", help="Other people than the rendered ones.")
    ] = None,
    backbone: Annotated[str, typer.Option(help="mobile, facenet[:WEIGHTS], or a weights file.")] = "mobile",
    json: Json = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Erase one of 24 rendered people, who do not exist, and write a report with pictures."""
    check_output(report)
    if json:
        check_output(json, report)
    check_people(people)
    check_backbone(backbone)

    with progress_bar() as progress:
        result = api.demo(
            person,
            people=people,
            backbone=backbone,
            runtime=make_runtime(device, seed, no_cache=True, progress=progress),
        )
    api.write_atomically(report, api.demo_report(result).encode())
    if json:
        api.write_json(json, result.to_dict())
    out.print(api.headline(result), style="bold", highlight=False, markup=False)
    out.print(_table(result))
    out.print(
        f"Erased in {result.erasure.seconds:.1f} s from {result.photos['erasure']} photos of the person; "
        f"{result.seconds['total']:.0f} s in all. After: with the person's old row put back.",
        style="dim",
        highlight=False,
        soft_wrap=True,
    )
    out.print("\nThe report, with photos, heatmaps and what this does not prove:", highlight=False)
    out.print(report.resolve().as_uri(), highlight=False, markup=False, soft_wrap=True)
    out.print("\nWith your own photos, a folder per person:", highlight=False)
    for line in api.NEXT_STEPS:
        out.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    if open_report and not webbrowser.open(report.resolve().as_uri()):
        warn("No browser was found here; open the report by hand.")


def _table(result: "api.Demo") -> Table:
    old, new = result.audit.accuracy.before, result.audit.accuracy.after
    table = Table()
    for column in ("on photos that nothing has read", "before", "after", "photos"):
        table.add_column(column, justify="right" if table.columns else "left", no_wrap=bool(table.columns))
    for text, before, after in (
        ("The person is named", old.forgotten, new.forgotten),
        ("The others' best candidate is right", old.retained, new.retained),
        ("The others are named, not unknown", *result.answers),
    ):
        if before is not None and after is not None:
            table.add_row(text, percent(before.value), percent(after.value), str(before.photos))
    return table
