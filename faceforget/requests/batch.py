"""A batch of erasure requests on one model: plan it, or resume it, and carry it out."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from faceforget.api.runtime import Runtime
from faceforget.compute.threads import one_thread
from faceforget.errors import FaceForgetError, UsageError
from faceforget.files import sha256_file
from faceforget.photos.cache import FrozenCache
from faceforget.photos.photo import Photo
from faceforget.requests.begin import (
    REQUESTS_A_DAY,
    ModelBusyError,
    Requests,
    TooManyRequestsError,
    already_begun,
    asked_for,
    begin,
    begun,
    check_disk,
    check_others,
    check_place,
    disk_needed,
    locked,
    request_of,
)
from faceforget.requests.closing import Place, Step
from faceforget.requests.keys import ensure_key
from faceforget.requests.ledger import Ledger
from faceforget.requests.methods import check_methods
from faceforget.requests.open_requests import OpenRequests
from faceforget.requests.outcome import BatchResult, Checked, Forecast, RequestOutcome
from faceforget.requests.plan import Configuration, check_same, read_plan
from faceforget.requests.quarantine import expire
from faceforget.requests.reasons import why_failed
from faceforget.requests.receipt import ERASED
from faceforget.requests.steps.carry_out import CarryOut
from faceforget.requests.steps.copies import discard
from faceforget.requests.steps.examine import Member, examine, read_photos, shared_photos
from faceforget.requests.steps.trial import groups_of, settings_used, try_groups

__all__ = [
    "BatchResult", "Checked", "Forecast", "ModelBusyError", "RequestOutcome", "TooManyRequestsError",
    "check_batch", "look_at_batch", "plan_batch", "run_batch",
]  # fmt: skip


def _ignore(step: str) -> None:
    """Nobody is told."""


def run_batch(
    requests: Requests,
    place: Place,
    ledger: Path,
    *,
    configuration: Configuration | None = None,
    key: Path | None = None,
    resume: bool = False,
    patience: float = 0.0,
    runtime: Runtime | None = None,
    limit: int = REQUESTS_A_DAY,
    step: Step = _ignore,
) -> BatchResult:
    """Carry out the requests of a list.

    The new model appears at ``place.live`` only after its audit, unless a verdict failed; the model before stays as it
    is unless the configuration says otherwise.

    Args:
        requests: CSV, JSON or a folder per person, see :func:`read_requests`, or what it reads; not read again when
            resuming.
        place: The model, and where the results go.
        ledger: The database; made if it is not there.
        configuration: How.
        key: Private key that signs the receipts; made beside the ledger if there is none.
        resume: Go on with the batch in ``place.out``; without one there, begin it.
        patience: Seconds to wait for another batch on the same model.
        runtime: Device, cache, progress; the seed is the configuration's.
        limit: Requests that the ledger takes in 24 hours.
        step: Called after each step, for tests that stop there.

    Raises:
        UsageError: The list, the folder or the options do not fit; nothing was started.
        MethodError: A method may not be named; nothing was started.
        TooManyRequestsError: There were too many requests of late; nothing was started.
        ModelBusyError: Another batch works on the model.
    """
    configuration, runtime = configuration or Configuration(), runtime or Runtime()
    check_place(place)
    # With one thread a batch gives the same bytes on any number of cores, beside any other batch and after any crash.
    with locked(place.model, patience), Ledger(ledger, create=True) as opened, one_thread(), runtime.files:
        expire(ledger)
        signer = ensure_key(key or ledger.with_name(f"{ledger.name}.key"))
        store = OpenRequests(ledger)
        plan = begun(place, opened)
        if plan is None:
            plan = begin(requests, place, opened, store, configuration, runtime, limit, step)
        elif not resume:
            raise already_begun(place.out)
        else:
            check_same(plan, configuration, sha256_file(place.model) if place.model.exists() else None)
        if configuration.uploaded and isinstance(requests, Path):
            discard([requests])
        work = CarryOut(plan, place, opened, store, signer, runtime, step, known=_photos_of(requests))
        work.run()
        outcomes = tuple(_outcome(opened, request, work.errors) for request in plan.requests)
    erased = any(outcome.erased for outcome in outcomes)
    return BatchResult(outcomes, place, sha256_file(place.live) if erased else None)


def plan_batch(
    requests: Requests,
    place: Place,
    ledger: Path,
    *,
    configuration: Configuration,
    patience: float = 0.0,
    runtime: Runtime | None = None,
    limit: int = REQUESTS_A_DAY,
    step: Step = _ignore,
) -> None:
    """Bring the requests into the ledger and do no more; ``run_batch(..., resume=True)`` does the rest.

    Raises:
        UsageError: As :func:`run_batch`; nothing was started.
        ModelBusyError: Another batch works on the model.
    """
    check_place(place)
    with locked(place.model, patience), Ledger(ledger, create=True) as opened:
        if begun(place, opened) is None:
            begin(requests, place, opened, OpenRequests(ledger), configuration, runtime or Runtime(), limit, step)


def check_batch(
    requests: Requests, place: Place, *, configuration: Configuration | None = None, runtime: Runtime | None = None
) -> tuple[Checked, ...]:
    """Look at everything that a batch would need, and change nothing.

    Raises:
        UsageError: The list, the model or the folder do not fit.
    """
    return _look(requests, place, configuration or Configuration(), runtime or Runtime(), estimate=False)[0]


def look_at_batch(
    requests: Requests, place: Place, *, configuration: Configuration | None = None, runtime: Runtime | None = None
) -> tuple[tuple[Checked, ...], Forecast]:
    """The same, and what the batch will take: one person is erased and audited in memory to measure it.

    Raises:
        UsageError: The list, the model or the folder do not fit.
    """
    return _look(requests, place, configuration or Configuration(), runtime or Runtime(), estimate=True)


def _look(
    requests: Requests, place: Place, configuration: Configuration, runtime: Runtime, *, estimate: bool
) -> tuple[tuple[Checked, ...], Forecast]:
    check_place(place)
    if read_plan(place.out) is not None:
        raise UsageError(f"There is a batch in {place.out} already.", "Give another folder.")
    asked = asked_for(requests, place)
    check_methods(asked, configuration.method, configuration.promise)
    check_disk(place, len(asked))
    before = runtime.load(place.model)
    check_others(place, before)
    faces = replace(runtime, cache=FrozenCache(runtime.cache))
    intake, known = faces.intake(before.spec.framing), _photos_of(asked)
    open_requests = [request_of(line, runtime.files) for line in asked]
    members, errors = list[Member](), dict[str, FaceForgetError]()
    allow = configuration.allow_mismatch
    start = time.perf_counter()
    with one_thread(), runtime.files:
        for request in open_requests:
            try:
                found = read_photos([request], intake, known, runtime.progress)[request.id]
                members.append(examine(before, request, found, intake, allow_mismatch=allow))
            except FaceForgetError as error:
                errors[request.id] = error
        photos = sum(len(r.files) for r in open_requests)
        per_photo = (time.perf_counter() - start) / max(1, photos)
        errors |= shared_photos(members)
        usable = [member for member in members if member.request not in errors]
        how = {r.id: configuration.with_method(line.method) for r, line in zip(open_requests, asked, strict=True)}
        groups = groups_of(usable, how)
        used = settings_used(before, groups)
        trials = try_groups(before, groups, place, faces) if estimate else ()
    counts = {member.request: (len(member.read), len(member.check) if member.unseen else 0) for member in members}
    checked = tuple(
        Checked(r.person, counts.get(r.id, (0, 0)), errors.get(r.id), own.method_used, used.get(r.id, own.settings))
        for r, own in zip(open_requests, how.values(), strict=True)
    )
    parts = [trial.seconds(group) for trial, group in zip(trials, groups, strict=False)]  # all or none
    seconds = photos * per_photo + sum(parts) if trials else None
    return checked, Forecast(seconds, disk_needed(place, len(asked)), per_photo, trials[0].audit if trials else None)


def _photos_of(requests: Requests) -> dict[str, Photo]:
    """The photos that came read with the requests, by hash."""
    lines = () if isinstance(requests, Path) else requests
    given = (photo for line in lines for photo in (*line.photos, *line.check))
    return {photo.sha256: photo for photo in given if isinstance(photo, Photo) and photo.sha256}


def _outcome(ledger: Ledger, request: str, errors: Mapping[str, FaceForgetError]) -> RequestOutcome:
    entries = ledger.of(request)
    if entries[-1].body["outcome"] == ERASED:
        return RequestOutcome(request, erased=True)
    failed = next(entry.body for entry in entries if entry.state == "failed")
    return RequestOutcome(request, False, why_failed(failed), str(failed["reason"]), errors.get(request))
