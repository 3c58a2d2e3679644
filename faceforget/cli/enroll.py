"""``faceforget enroll``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from faceforget import api
from faceforget.cli.console import out, percent, progress_bar, warn
from faceforget.cli.inputs import check_backbone, check_people
from faceforget.cli.options import (
    Address,
    Device,
    EngineName,
    Json,
    NoCache,
    Processes,
    Seed,
    check_output,
    make_runtime,
    start_processes,
    warn_photos,
)
from faceforget.errors import UsageError


class Train(StrEnum):
    """What is trained."""

    full = "full"
    head = "head"


def enroll(
    people: Annotated[Path, typer.Argument(metavar="PEOPLE_DIR", help="A folder of photos per person.")],
    model: Annotated[Path, typer.Option("--out", metavar="MODEL", help="Where the model goes.")],
    backbone: Annotated[str, typer.Option(help="mobile, facenet[:WEIGHTS], or a weights file.")] = "mobile",
    train: Annotated[Train, typer.Option(help="full fine-tunes the backbone, head keeps it.")] = Train.full,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the photos for --train full.")] = None,
    false_accept_rate: Annotated[
        float, typer.Option(min=1e-4, max=0.5, help="Share of strangers that may get a name.")
    ] = 0.01,
    strangers: Annotated[
        Path | None, typer.Option(metavar="PEOPLE_DIR", help='People who are not enrolled, to measure "unknown" on.')
    ] = None,
    skip_incomplete: Annotated[bool, typer.Option(help="Leave out people with too few usable photos.")] = False,
    processes: Processes = 1,
    engine: EngineName = "local",
    address: Address = None,
    json: Json = None,
    seed: Seed = 0,
    device: Device = "auto",
    no_cache: NoCache = False,
) -> None:
    """Make a recogniser of a folder of photos per person."""
    searching = api.engine_of(engine, address)
    check_output(model)
    check_people(people, strangers)
    check_backbone(backbone)
    if json:
        check_output(json, model)
    if not searching.here(1) and processes > 1:
        raise UsageError(
            "With --processes each process would send all photos to the cluster.", "Leave out --engine or --processes."
        )
    start_processes(processes)

    training = api.TrainingSettings() if epochs is None else api.TrainingSettings(epochs=epochs)
    plan = api.EnrolmentPlan(train.value, false_accept_rate, training, seed)
    with api.joined(), progress_bar() as progress:
        enrolment = api.enroll(
            people,
            backbone=backbone,
            plan=plan,
            strangers=strangers,
            skip_incomplete=skip_incomplete,
            runtime=make_runtime(device, seed, no_cache, progress, searching),
        )
    api.save(enrolment.recognizer, model)
    if json:
        api.write_json(json, enrolment.to_dict())
    warn_photos(enrolment.faces)
    for name in enrolment.left_out:
        warn(f"{name} was left out: too few usable photos.")
    threshold = enrolment.recognizer.threshold
    if threshold.calibrated_on.startswith("an estimate"):
        warn(
            f"The share of strangers who get a name is an estimate: with fewer than {api.ENOUGH_PEOPLE} people it may "
            "be several times as high or as low. Photos of people who are not enrolled measure it: --strangers "
            "PEOPLE_DIR."
        )
    out.print(
        f"Enrolled {len(enrolment.recognizer.labels)} people, {enrolment.faces.count} photos, in {model}.\n"
        f"A face is unknown below a similarity of {threshold.cosine:.3f}, for {percent(threshold.false_accept_rate)} "
        f"of strangers to get a name; calibrated on {threshold.calibrated_on}.",
        highlight=False,
    )
