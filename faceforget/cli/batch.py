"""``faceforget batch``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from faceforget import api
from faceforget.cli.advice import told
from faceforget.cli.console import FAILED, out, progress_bar, warn
from faceforget.cli.inputs import check_files, check_models, check_people
from faceforget.cli.options import (
    Address,
    AllowMismatch,
    DeleteModel,
    Device,
    EngineName,
    Json,
    LedgerFile,
    NoCache,
    Seed,
    SigningKey,
    UnseenRetained,
    UnseenStrangers,
    check_output,
    make_runtime,
)
from faceforget.errors import UsageError


def batch(
    requests: Annotated[
        Path,
        typer.Argument(
            metavar="REQUESTS", help="CSV or JSON (person, photos, check, model, method), or a folder per person."
        ),
    ],
    ledger: LedgerFile,
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the new models and the receipts go.")],
    model: Annotated[
        Path | None,
        typer.Option(metavar="MODEL", help="Of requests that name none. Stays as it is, unless --delete-model."),
    ] = None,
    promise: Annotated[str, typer.Option(metavar="PROMISE", help="forgotten or unrecognisable.")] = "forgotten",
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Of requests that name none; otherwise PROMISE picks it. `faceforget methods`."
        ),
    ] = "",
    joint: Annotated[
        bool, typer.Option("--joint/--sequential", help="All of a method in one pass, or a pass for each.")
    ] = True,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a crash stopped the batch in DIR.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all, estimate time, change nothing.")] = False,
    jobs: Annotated[int, typer.Option(metavar="N", help="Models at a time, each in a process.", min=1)] = 1,
    engine: EngineName = "local",
    address: Address = None,
    retained: UnseenRetained = None,
    strangers: UnseenStrangers = None,
    key: SigningKey = None,
    delete_photos: Annotated[
        bool, typer.Option("--delete-photos", help="Delete the photos in REQUESTS of those who were erased.")
    ] = False,
    delete_model: DeleteModel = False,
    quarantine: Annotated[
        int, typer.Option(metavar="DAYS", help="Put MODEL away for so long once the new one is in use.", min=0)
    ] = 0,
    copies: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Other copies, a path a line, for the receipts."),
    ] = None,
    delete_copies: Annotated[bool, typer.Option("--delete-copies", help="Delete those copies.")] = False,
    allow_mismatch: AllowMismatch = False,
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="For another batch on the same model.", min=0)] = 0,
    limit: Annotated[int, typer.Option(metavar="N", help="Requests that the ledger takes in 24 h.", min=1)] = 10_000,
    json: Json = None,
    seed: Seed = 0,
    device: Device = "auto",
    no_cache: NoCache = False,
) -> None:
    """Erase many people from models, with an audit, a receipt and a line in the ledger for each."""
    working = api.engine_of(engine, address, jobs)
    if not resume:  # a batch that goes on has read the list, and may have deleted the model
        check_files(requests)
        check_models(model)
    check_output(ledger, *([model] if model else []))
    check_files(copies)
    check_people(retained, strangers)

    if promise not in api.METHOD_OF_PROMISE:
        raise UsageError(f"There is no promise {promise!r}.", f"Promises: {', '.join(api.METHOD_OF_PROMISE)}.")
    api.check_method(method, promise)
    if json:
        check_output(json, ledger, *([model] if model else []))
    if quarantine and delete_model:
        raise UsageError("A model is put away or deleted, not both.", "Leave out --quarantine or --delete-model.")
    if delete_copies and not copies:
        raise UsageError("There is no list of copies to delete.", "Add --copies FILE, or leave out --delete-copies.")
    spare = [path for path in (model, ledger, requests, key) if path is not None]
    listed = api.read_copies(copies, spare) if copies else ()
    configuration = api.Configuration(
        promise=promise,
        method=method,
        joint=joint,
        seed=seed,
        delete_photos=delete_photos,
        delete_model=delete_model,
        allow_mismatch=allow_mismatch,
        retained=retained is not None,
        strangers=strangers is not None,
        quarantine=quarantine,
        copies=len(listed),
        delete_copies=delete_copies,
    )
    with progress_bar() as progress:
        runtime = make_runtime(device, seed, no_cache, progress)
        setting = api.Setting(
            folder, ledger, model, retained, strangers, listed, configuration, key, wait, limit, runtime
        )
        if dry_run:
            checked = api.check_batches(requests, setting)
        else:
            result = api.run_batches(requests, setting, resume=resume, engine=working)
    good = _print_checked(checked, jobs, json) if dry_run else _print_result(result, json)
    if not good:
        raise typer.Exit(FAILED)


def _print_checked(checked: tuple["api.CheckedModel", ...], jobs: int, json: Path | None) -> bool:
    table = Table("model", "person", "method", "photos", "for the check", "problem")
    for model in checked:
        for line in model.lines:
            read, check = line.photos
            told_of = escape(_told(line.error))
            table.add_row(model.place.model.name, escape(line.person), line.method, str(read), str(check), told_of)
        if model.error:
            table.add_row(model.place.model.name, "", "", "", "", escape(_told(model.error)))
    out.print(table)
    estimates = [model.estimate for model in checked if model.estimate]
    seconds, disk = [e.seconds for e in estimates if e.seconds is not None], sum(e.disk for e in estimates)
    took = f"About {clock(sum(seconds))} on one core here, measured on one person of each model"
    if len(seconds) < len(checked):  # nobody's photos can be used, or the erasure of the one who was tried failed
        took = f"How long it takes could be measured on {len(seconds)} of {len(checked)} models"
    out.print(f"Nothing was changed. {took}; {disk / 2**20:.0f} MB of disk at most.", highlight=False, soft_wrap=True)
    if jobs > 1:
        out.print(f"With {min(jobs, len(checked))} models at a time, as much less as there are cores for them.")
    if json:
        api.write_json(json, {"requests": [line for model in checked for line in _lines(model)]} | _estimates(checked))
    return all(model.error is None and all(line.error is None for line in model.lines) for model in checked)


def _lines(model: "api.CheckedModel") -> list[dict[str, object]]:
    return [
        {
            "model": str(model.place.model),
            "person": line.person,
            "method": line.method,
            "settings": dict(line.settings),
            "photos": list(line.photos),
            "error": _told(line.error),
            "code": line.error.code if line.error else "",
        }
        for line in model.lines
    ]


def _told(error: Exception | None) -> str:
    return "" if error is None else told(error)


def _estimates(checked: tuple["api.CheckedModel", ...]) -> dict[str, object]:
    models = [
        {"model": str(m.place.model), "error": _told(m.error), "estimate": m.estimate and m.estimate.to_dict()}
        for m in checked
    ]
    return {"models": models}


def clock(seconds: float) -> str:
    """A duration as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _print_result(result: "api.BatchesResult", json: Path | None) -> bool:
    table = Table("request", "outcome", "reason")
    for outcome in (outcome for model in result.models if model.result for outcome in model.result.outcomes):
        table.add_row(outcome.request, "ERASED" if outcome.erased else "NOT ERASED", escape(outcome.reason))
        if outcome.error is not None:
            warn(f"{outcome.request}: {told(outcome.error)}")
    out.print(table)
    for done in result.models:
        if done.error is not None:
            warn(f"{done.place.model}: {told(done.error)}")
            continue
        live = done.result is not None and done.result.model
        where = f"The model is {done.place.live}." if live else "No model was written."
        receipts = done.place.out / "receipts"
        out.print(f"{where} The receipts are in {receipts}.", highlight=False, markup=False, soft_wrap=True)
    if json:
        api.write_json(json, result.to_dict())
    return result.all_erased
