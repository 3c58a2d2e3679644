"""``faceforget batch``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from faceforget.cli.console import FAILED, out, progress_bar, warn
from faceforget.cli.options import Device, Json, NoCache, Seed, check_output, make_runtime
from faceforget.errors import UsageError
from faceforget.files import write_json

if TYPE_CHECKING:
    from faceforget.requests.batch import BatchResult, Checked


def batch(
    requests: Annotated[
        Path, typer.Argument(metavar="REQUESTS", help="CSV or JSON (person, photos, check), or a folder per person.")
    ],
    model: Annotated[Path, typer.Option(metavar="MODEL", help="Stays as it is, unless --delete-model.")],
    ledger: Annotated[Path, typer.Option(metavar="LEDGER", help="Database of what was done; made at the first use.")],
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the new model and the receipts go.")],
    promise: Annotated[str, typer.Option(metavar="PROMISE", help="forgotten or unrecognisable.")] = "forgotten",
    joint: Annotated[bool, typer.Option("--joint/--sequential", help="All in one pass, or a pass for each.")] = True,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a crash stopped the batch in DIR.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, change nothing.")] = False,
    retained: Annotated[
        Path | None, typer.Option(metavar="PEOPLE_DIR", help="Unseen photos of people who stay, for the audit.")
    ] = None,
    strangers: Annotated[
        Path | None, typer.Option(metavar="PEOPLE_DIR", help="People who were never enrolled, for the audit.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="KEY", help="Signs the receipts; LEDGER.key, made if needed, if not given.")
    ] = None,
    delete_photos: Annotated[
        bool, typer.Option("--delete-photos", help="Delete the photos in REQUESTS of those who were erased.")
    ] = False,
    delete_model: Annotated[
        bool, typer.Option("--delete-model", help="Delete MODEL once the new one is in use.")
    ] = False,
    allow_mismatch: Annotated[bool, typer.Option(help="Use photos that seem to show somebody else.")] = False,
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="For another batch on the same model.", min=0)] = 0,
    json: Json = None,
    seed: Seed = 0,
    device: Device = "auto",
    no_cache: NoCache = False,
) -> None:
    """Erase many people from a model, with an audit, a receipt and a line in the ledger for each."""
    from faceforget.method.registry import PROMISES
    from faceforget.requests.batch import check_batch, run_batch
    from faceforget.requests.closing import Place
    from faceforget.requests.plan import Configuration

    if promise not in PROMISES:
        raise UsageError(f"There is no promise {promise!r}.", f"Promises: {', '.join(PROMISES)}.")
    if json:
        check_output(json, model, ledger)
    configuration = Configuration(
        promise=promise,
        joint=joint,
        seed=seed,
        delete_photos=delete_photos,
        delete_model=delete_model,
        allow_mismatch=allow_mismatch,
        retained=retained is not None,
        strangers=strangers is not None,
    )
    place = Place(model, folder, retained, strangers)
    with progress_bar() as progress:
        runtime = make_runtime(device, seed, no_cache, progress)
        if dry_run:
            checked = check_batch(requests, place, configuration=configuration, runtime=runtime)
        else:
            result = run_batch(
                requests, place, ledger,
                configuration=configuration, key=key, resume=resume, patience=wait, runtime=runtime,
            )  # fmt: skip
    good = _print_checked(checked, json) if dry_run else _print_result(result, json)
    if not good:
        raise typer.Exit(FAILED)


def _print_checked(checked: tuple["Checked", ...], json: Path | None) -> bool:
    table = Table("person", "photos", "for the check", "problem")
    for line in checked:
        read, check = line.photos
        table.add_row(escape(line.person), str(read), str(check), escape(str(line.error or "")))
    out.print(table)
    out.print("Nothing was changed.")
    if json:
        lines = [{"person": o.person, "photos": list(o.photos), "error": str(o.error or "")} for o in checked]
        write_json(json, {"requests": lines})
    return all(line.error is None for line in checked)


def _print_result(result: "BatchResult", json: Path | None) -> bool:
    table = Table("request", "outcome", "reason")
    for outcome in result.outcomes:
        table.add_row(outcome.request, "ERASED" if outcome.erased else "NOT ERASED", escape(outcome.reason))
        if outcome.detail:
            warn(f"{outcome.request}: {outcome.detail}")
    out.print(table)
    where = f"The model is {result.place.live}." if result.model else "No model was written."
    receipts = result.place.out / "receipts"
    out.print(f"{where} The receipts are in {receipts}.", highlight=False, markup=False, soft_wrap=True)
    if json:
        write_json(json, result.to_dict())
    return result.all_erased
