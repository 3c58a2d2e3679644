"""``faceforget erase``."""

from pathlib import Path
from typing import Annotated

import typer

from faceforget import api
from faceforget.cli.advice import quoted
from faceforget.cli.console import UNKEPT, out, percent, progress_bar, warn
from faceforget.cli.inputs import check_backbone, check_models, check_people
from faceforget.cli.options import (
    AllowMismatch,
    Device,
    Json,
    NoCache,
    Persons,
    Processes,
    Seed,
    check_output,
    check_persons,
    make_runtime,
    start_processes,
    warn_photos,
)
from faceforget.errors import UsageError


def erase(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Stays as it is.")],
    person: Persons,
    photos: Annotated[
        Path, typer.Option(metavar="DIR", help="Photos of the person; for several persons a folder of each.")
    ],
    erased: Annotated[Path, typer.Option("--out", metavar="MODEL2", help="Where the erased model goes.")],
    promise: Annotated[
        str | None,
        typer.Option(metavar="PROMISE", help="forgotten (if neither is given) or unrecognisable: picks the method."),
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="A method in place of a promise; `faceforget methods` lists them.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A hyperparameter of the method.")
    ] = None,
    anchors: Annotated[
        Path | None,
        typer.Option(metavar="PEOPLE_DIR", help="Strangers who hold everybody else in place; else rendered people."),
    ] = None,
    retained: Annotated[
        Path | None, typer.Option(metavar="PEOPLE_DIR", help="People who stay, for a method that reads them.")
    ] = None,
    backbone: Annotated[
        str | None, typer.Option(help="For retrain: the weights the model was enrolled from, if a file.")
    ] = None,
    allow_mismatch: AllowMismatch = False,
    allow_incomplete: Annotated[
        bool, typer.Option(help="Write the model although the person is still named on their own photos.")
    ] = False,
    allow_damage: Annotated[
        bool, typer.Option(help="Write the model although it no longer tells people apart.")
    ] = False,
    processes: Processes = 1,
    json: Json = None,
    seed: Seed = 0,
    device: Device = "auto",
    no_cache: NoCache = False,
) -> None:
    """Erase persons from a model, reading only their photos unless the method says otherwise."""
    persons = check_persons(person)
    check_output(erased, model)
    if json:
        check_output(json, model, erased)
    values = parse_settings(settings or [])

    check_models(model)
    sources = api.photos_of(photos, persons)
    check_people(anchors, retained)
    check_backbone(backbone)
    method = chosen_method(promise, method)
    start_processes(processes)

    recognizer = api.load(model)
    for name in persons:
        recognizer.index_of(name)
    with api.joined(), progress_bar() as progress:
        outcome = api.erase(
            recognizer,
            sources,
            method=method,
            settings=values,
            anchors=anchors,
            retained=retained,
            backbone=backbone,
            allow_mismatch=allow_mismatch,
            allow_incomplete=allow_incomplete,
            allow_damage=allow_damage,
            runtime=make_runtime(device, seed, no_cache, progress),
        )
    api.save(outcome.recognizer, erased)
    if json:
        hashes = {"model_before": api.sha256_file(model), "model_after": api.sha256_file(erased)}
        api.write_json(json, {**outcome.to_dict(), **hashes})
    warn_photos(outcome.faces)
    for doubt in outcome.doubts:
        warn(doubt)
    if outcome.faces.count < 3 * len(persons):
        warn("With so few photos, others of the same person may still be named; check with `faceforget audit`.")
    for remark in filter(None, (outcome.caveat, outcome.note)):
        warn(remark)
    unforgotten = api.METHODS[method].must_forget and not outcome.erasure.forgotten
    verb = "NOT fully erased:" if unforgotten else "Erased" if api.METHODS[method].must_forget else f"{method}:"
    out.print(
        f"{verb} {', '.join(persons)} from {outcome.faces.count} photos {api.in_steps(len(outcome.erasure.steps))}, "
        f"{outcome.seconds:.1f} s; the model is {erased}.\n"
        f"Named on their own photos, their row still in place: {percent(outcome.before.value)} before, "
        f"{percent(outcome.after.value)} after. The row and the label are not in the new model.\n"
        f"Who looks like whom, among rendered strangers, agrees to {outcome.health.left:.2f} with before.\n"
        f"Check photos that were not used here: faceforget audit {quoted(model)} {quoted(erased)} "
        f"{' '.join(f'--person {quoted(name)}' for name in persons)} --photos OTHER_PHOTOS"
        f"{' --promise unrecognisable' if promise == 'unrecognisable' else ''}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    if outcome.health.destroyed:
        warn("The model was destroyed: it no longer tells people apart.")
    if outcome.health.destroyed or unforgotten:
        raise typer.Exit(UNKEPT)


def chosen_method(promise: str | None, method: str | None) -> str:
    """The method's name.

    Raises:
        UsageError: Both were given, or there is no such promise.
    """
    if promise is None:
        return method or api.METHOD_OF_PROMISE["forgotten"]
    if method is not None:
        raise UsageError("A promise and a method were both given.", "Give one: the promise picks the method.")
    if promise not in api.METHOD_OF_PROMISE:
        raise UsageError(f"There is no promise {promise!r}.", f"Promises: {', '.join(api.METHOD_OF_PROMISE)}.")
    return api.METHOD_OF_PROMISE[promise]


def parse_settings(pairs: list[str]) -> dict[str, str]:
    """``key=value`` texts as a dictionary.

    Raises:
        UsageError: A text without ``=``, or a key given twice.
    """
    values: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"Expected --set key=value, got {pair!r}.", "For example --set learning_rate=1e-3.")
        if key.strip() in values:
            raise UsageError(f"--set {key.strip()} is given twice.", "Give it once.")
        values[key.strip()] = value.strip()
    return values
