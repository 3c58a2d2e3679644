"""Everything that is looked at before a batch begins, and its beginning: the requests in the ledger."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from faceforget.api.retained_people import known_others
from faceforget.api.runtime import Runtime, people_from
from faceforget.errors import FaceForgetError, UsageError
from faceforget.files import sha256_file
from faceforget.photos.opened import OpenedFiles
from faceforget.recognizer.recognizer import Recognizer
from faceforget.requests.closing import Place, Step
from faceforget.requests.ledger import Ledger
from faceforget.requests.methods import check_methods
from faceforget.requests.open_requests import OpenRequest, OpenRequests, new_request
from faceforget.requests.plan import BatchPlan, Configuration, code_version, read_plan, write_plan
from faceforget.requests.request_lines import Asked
from faceforget.requests.request_list import hashed, read_requests

# A list of requests, or the requests themselves.
Requests = Path | Sequence[Asked]

# Requests per ledger in any 24 hours: far more than an operator gets, far less than a runaway script sends.
REQUESTS_A_DAY = 10_000
# Candidate, live model and the temporary file of a write.
_MODELS_ON_DISK = 3
# Receipt as JSON and as page, file of the open request, entries of the ledger; measured: 95 KB, of which 60 the page.
_BYTES_PER_REQUEST = 128 * 1024


class ModelBusyError(FaceForgetError):
    """Another batch works on the model."""


class TooManyRequestsError(UsageError):
    """More requests in 24 hours than the operator allows."""


def begin(
    requests: Requests,
    place: Place,
    ledger: Ledger,
    store: OpenRequests,
    configuration: Configuration,
    runtime: Runtime,
    limit: int,
    step: Step,
) -> BatchPlan:
    """Plan a batch; until the requests are in the ledger, nothing has begun.

    Raises:
        UsageError: The list, the model or the folder do not fit, or there were too many requests of late.
        MethodError: A method may not be named.
    """
    asked = asked_for(requests, place)
    check_methods(asked, configuration.method, configuration.promise)
    if not asked:
        raise UsageError(f"The list asks for nothing on {place.model}.", "Name at least one person and their photos.")
    if place.live.exists():
        raise UsageError(f"{place.live} exists already.", "Give another folder: a model is never overwritten.")
    check_disk(place, len(asked))
    check_others(place, runtime.load(place.model))
    model = sha256_file(place.model)
    with FileLock(f"{ledger.path}.lock"):
        check_rate(ledger, len(asked), limit)
        store.destroy_all_but({entry.request for entry in ledger.latest()})
        planned = [request_of(line, runtime.files) for line in asked]
        ids = tuple(request.id for request in planned)
        methods = (configuration.with_method(line.method).method_used for line in asked)
        plan = BatchPlan(model, configuration, ids, dict(zip(ids, methods, strict=True)))
        _check_new(planned, ledger, store, plan)
        for request in planned:
            store.put(request)
            step("stored")
        write_plan(place.out, plan)
        step("plan")
        ledger.append({request.id: _plan_body(request, plan, place) for request in planned}, "planned", 0)
    step("planned")
    return plan


def begun(place: Place, ledger: Ledger) -> BatchPlan | None:
    """The batch in the folder, if its requests came into the ledger before a crash."""
    plan = read_plan(place.out)
    return plan if plan is not None and all(ledger.of(request) for request in plan.requests) else None


def asked_for(requests: Requests, place: Place) -> tuple[Asked, ...]:
    """The requests, all of them on this model.

    Raises:
        UsageError: Some name another model.
    """
    asked = read_requests(requests) if isinstance(requests, Path) else tuple(requests)
    others = [line.model for line in asked if line.model and line.model.resolve() != place.model.resolve()]
    if others:
        raise UsageError(
            f"Expected requests on {place.model} alone, got {len(others)} on another model, the first on {others[0]}.",
            "run_batches takes lists of several models.",
            code="several-models",
        )
    return asked


def request_of(asked: Asked, files: OpenedFiles) -> OpenRequest:
    """A line of the list as a request, with the hashes that its photos have now; ``files`` keeps what was read."""
    return new_request(asked.person, hashed(asked.photos, files), hashed(asked.check, files))


def already_begun(out: Path) -> UsageError:
    """The refusal to begin a batch where there is one."""
    return UsageError(
        f"There is a batch in {out} already.", "Go on with resume=True, or give another folder.", code="batch-begun"
    )


def check_rate(ledger: Ledger, new: int, limit: int) -> None:
    """Check that a ledger is not flooded: by mistake, or by somebody who found a way in.

    Args:
        ledger: The ledger.
        new: How many requests are to be planned.
        limit: How many there may be in 24 hours.

    Raises:
        TooManyRequestsError: There would be more.
    """
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")
    recent = ledger.planned_since(since)
    if recent + new > limit:
        raise TooManyRequestsError(
            f"Expected at most {limit} requests in 24 hours, got {recent} so far and {new} in this list.",
            "Wait, or raise the limit if they are all wanted.",
            code="too-many-requests",
            recent=recent,
            new=new,
            limit=limit,
        )


def check_place(place: Place) -> None:
    """Results must not land on the model, nor in a file.

    Raises:
        UsageError: They would.
    """
    if place.out.is_file():
        raise UsageError(f"{place.out} is a file, expected a folder.", "Give another name.")
    if not place.model.parent.is_dir():
        raise UsageError(f"There is no folder {place.model.parent}.", "Check the path of the model.")
    if place.live.resolve() == place.model.resolve():
        raise UsageError(
            f"The results cannot go where the model is: {place.out}.",
            "Give another folder: a model is never overwritten.",
        )


def disk_needed(place: Place, requests: int) -> int:
    """Bytes that a batch needs at its most."""
    size = place.model.stat().st_size if place.model.is_file() else 0
    return _MODELS_ON_DISK * size + requests * _BYTES_PER_REQUEST


def check_disk(place: Place, requests: int) -> None:
    """Is there room for the results?

    Raises:
        UsageError: There is not.
    """
    needed = disk_needed(place, requests)
    folder = next(parent for parent in (place.out.absolute(), *place.out.absolute().parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(
            f"{folder} has {free // 2**20} MB free, {needed // 2**20 + 1} MB are needed.", "Make room, or go elsewhere."
        )


def check_others(place: Place, before: Recognizer) -> None:
    """Folders for the audit that hold nobody are found out before anything is planned."""
    if place.retained is not None:
        known_others(place.retained, before, ())
    if place.strangers is not None:
        people_from(place.strangers)


@contextmanager
def locked(model: Path, patience: float) -> Iterator[None]:
    """Keep the model for one batch.

    Args:
        model: Its file.
        patience: Seconds to wait for another batch.

    Raises:
        ModelBusyError: The other one took longer.
    """
    lock = FileLock(f"{model}.lock")
    try:
        lock.acquire(timeout=patience)
    except Timeout as error:
        raise ModelBusyError(
            f"Another batch works on {model}.", "Wait until it is done, or give it patience.", code="model-busy"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _plan_body(request: OpenRequest, plan: BatchPlan, place: Place) -> dict[str, object]:
    configuration = plan.configuration_of(request.id)
    return {
        "subject": request.subject,
        "model": plan.model,
        "configuration": configuration.key,
        "settings": configuration.to_dict(),
        "code": code_version(),
        "photos": {"erasure": len(request.photos), "check": len(request.check)},
        "listed": [path.is_file() for path in place.copies],
    }


def _check_new(planned: Sequence[OpenRequest], ledger: Ledger, store: OpenRequests, plan: BatchPlan) -> None:
    """Refuse a person for whom the same is open already: the keys that are left tell."""
    keys = {request.id: plan.configuration_of(request.id).key for request in planned}
    for other in filter(None, map(store.get, store.ids())):
        entries = ledger.of(other.id)
        body = entries[0].body if entries else {}
        if body.get("model") != plan.model:
            continue
        for request in planned:
            same = body["configuration"] == keys[request.id]
            if same and replace(request, key=other.key).subject == body["subject"]:
                raise UsageError(
                    f"A request for {request.person} on this model is open already: {other.id}.",
                    "Resume the batch that it belongs to.",
                )
