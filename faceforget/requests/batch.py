"""A batch of erasure requests on one model: plan it, or resume it, and carry it out."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from faceforget.api.retained_people import known_others
from faceforget.api.runtime import Runtime, people_from
from faceforget.errors import FaceForgetError, UsageError
from faceforget.files import sha256_file
from faceforget.recognizer.recognizer import Recognizer
from faceforget.recognizer.storage import load_recognizer
from faceforget.requests.closing import Place, Step
from faceforget.requests.keys import ensure_key
from faceforget.requests.ledger import Ledger
from faceforget.requests.open_requests import OpenRequest, OpenRequests, new_request
from faceforget.requests.plan import Configuration, Plan, check_same, code_version, read_plan, write_plan
from faceforget.requests.receipt import ERASED, reason_of
from faceforget.requests.request_list import Asked, hashed, read_requests
from faceforget.requests.steps.carry_out import CarryOut
from faceforget.requests.steps.examine import Member, RecentFaces, examine, shared_photos

# Candidate, live model and the temporary file of a write.
_MODELS_ON_DISK = 3


class ModelBusyError(FaceForgetError):
    """Another batch works on the model."""


@dataclass(frozen=True)
class RequestOutcome:
    """What a request has come to.

    Attributes:
        request: Its id.
        erased: Whether the person is not in the live model any more, and its audit passed.
        reason: Why not, without names; empty where they were erased.
        detail: The same with names and files, if it failed in this run.
    """

    request: str
    erased: bool
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True)
class BatchResult:
    """A batch that was carried out.

    Attributes:
        outcomes: By request, in the order of the list.
        place: Where the results are.
        model: SHA-256 of the live model; None where nobody was erased.
    """

    outcomes: tuple[RequestOutcome, ...]
    place: Place
    model: str | None

    @property
    def all_erased(self) -> bool:
        """Whether nobody failed."""
        return all(outcome.erased for outcome in self.outcomes)

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; no names."""
        return {
            "model": self.model,
            "live": str(self.place.live) if self.model else None,
            "requests": [
                {"request": o.request, "erased": o.erased, "reason": o.reason} for o in self.outcomes
            ],
        }  # fmt: skip


@dataclass(frozen=True)
class Checked:
    """What a dry run found out about one line of the list.

    Attributes:
        person: As written there.
        photos: Usable photos: for the erasure, for the check.
        error: Why the request would fail, or None.
    """

    person: str
    photos: tuple[int, int]
    error: FaceForgetError | None


def _ignore(step: str) -> None:
    """Nobody is told."""


def run_batch(
    requests: Path,
    place: Place,
    ledger: Path,
    *,
    configuration: Configuration | None = None,
    key: Path | None = None,
    resume: bool = False,
    patience: float = 0.0,
    runtime: Runtime | None = None,
    step: Step = _ignore,
) -> BatchResult:
    """Carry out the requests of a list.

    The new model appears at ``place.live`` only after its audit has passed; the model before stays as it is unless
    the configuration says otherwise.

    Args:
        requests: CSV, JSON or a folder per person, see :func:`read_requests`; not read again when resuming.
        place: The model, and where the results go.
        ledger: The database; made if it is not there.
        configuration: How.
        key: Private key that signs the receipts; made beside the ledger if there is none.
        resume: Go on with the batch in ``place.out``; without one there, begin it.
        patience: Seconds to wait for another batch on the same model.
        runtime: Device, cache, progress; the seed is the configuration's.
        step: Called after each step, for tests that stop there.

    Raises:
        UsageError: The list, the folder or the options do not fit; nothing was started.
        ModelBusyError: Another batch works on the model.
    """
    configuration, runtime = configuration or Configuration(), runtime or Runtime()
    _check_place(place)
    with _locked(place.model, patience), Ledger(ledger, create=True) as opened:
        signer = ensure_key(key or ledger.with_name(f"{ledger.name}.key"))
        store = OpenRequests(ledger)
        plan = _planned(place, opened)
        if plan is None:
            plan = _begin(requests, place, opened, store, configuration, step)
        elif not resume:
            raise UsageError(f"There is a batch in {place.out} already.", "Add --resume, or give another folder.")
        else:
            check_same(plan, configuration, sha256_file(place.model) if place.model.exists() else None)
        work = CarryOut(plan, place, opened, store, signer, runtime, step)
        work.run()
        outcomes = tuple(_outcome(opened, request, work.details) for request in plan.requests)
    erased = any(outcome.erased for outcome in outcomes)
    return BatchResult(outcomes, place, sha256_file(place.live) if erased else None)


def check_batch(
    requests: Path, place: Place, *, configuration: Configuration | None = None, runtime: Runtime | None = None
) -> tuple[Checked, ...]:
    """Look at everything that a batch would need, and change nothing.

    Raises:
        UsageError: The list, the model or the folder do not fit.
    """
    configuration, runtime = configuration or Configuration(), runtime or Runtime()
    _check_place(place)
    if read_plan(place.out) is not None:
        raise UsageError(f"There is a batch in {place.out} already.", "Give another folder.")
    asked = read_requests(requests)
    _check_disk(place)
    before = load_recognizer(place.model, runtime.torch_device)
    _check_others(place, before)
    intake = replace(runtime, cache=RecentFaces(runtime.cache)).intake(before.spec.framing)
    open_requests = [_request(line) for line in asked]
    members, errors = list[Member](), dict[str, FaceForgetError]()
    for request in open_requests:
        allow = configuration.allow_mismatch
        try:
            members.append(examine(before, request, intake, allow_mismatch=allow, progress=runtime.progress))
        except FaceForgetError as error:
            errors[request.id] = error
    errors |= shared_photos(members)
    counts = {member.request: (len(member.read), len(member.check) if member.unseen else 0) for member in members}
    return tuple(Checked(r.person, counts.get(r.id, (0, 0)), errors.get(r.id)) for r in open_requests)


def _begin(
    requests: Path, place: Place, ledger: Ledger, store: OpenRequests, configuration: Configuration, step: Step
) -> Plan:
    """Plan a batch; until the requests are in the ledger, nothing has begun."""
    asked = read_requests(requests)
    if place.live.exists():
        raise UsageError(f"{place.live} exists already.", "Give another folder: a model is never overwritten.")
    _check_disk(place)
    _check_others(place, load_recognizer(place.model))
    model = sha256_file(place.model)
    with FileLock(f"{ledger.path}.lock"):
        store.destroy_all_but({entry.request for entry in ledger.latest()})
        planned = [_request(line) for line in asked]
        _check_new(planned, ledger, store, model, configuration)
        for request in planned:
            store.put(request)
            step("stored")
        plan = Plan(model, configuration, tuple(request.id for request in planned))
        write_plan(place.out, plan)
        step("plan")
        ledger.append({request.id: _plan_body(request, plan) for request in planned}, "planned", 0)
    step("planned")
    return plan


def _check_others(place: Place, before: Recognizer) -> None:
    """Folders for the audit that hold nobody are found out before anything is planned."""
    if place.retained is not None:
        known_others(place.retained, before, ())
    if place.strangers is not None:
        people_from(place.strangers)


def _plan_body(request: OpenRequest, plan: Plan) -> dict[str, object]:
    return {
        "subject": request.subject,
        "model": plan.model,
        "configuration": plan.configuration.key,
        "settings": plan.configuration.to_dict(),
        "code": code_version(),
        "photos": {"erasure": len(request.photos), "check": len(request.check)},
    }


def _request(asked: Asked) -> OpenRequest:
    return new_request(asked.person, hashed(asked.photos), hashed(asked.check))


def _check_new(
    planned: Sequence[OpenRequest], ledger: Ledger, store: OpenRequests, model: str, configuration: Configuration
) -> None:
    """Refuse a person for whom the same is open already: the keys that are left tell."""
    for entry in ledger.entries():
        body = entry.body
        if entry.state != "planned" or (body["model"], body["configuration"]) != (model, configuration.key):
            continue
        other = store.get(entry.request)
        for request in planned if other is not None else ():
            if other is not None and replace(request, key=other.key).subject == body["subject"]:
                raise UsageError(
                    f"A request for {request.person} on this model is open already: {entry.request}.",
                    "Resume the batch that it belongs to.",
                )


def _planned(place: Place, ledger: Ledger) -> Plan | None:
    """The batch in the folder, if its requests came into the ledger before a crash."""
    plan = read_plan(place.out)
    return plan if plan is not None and all(ledger.of(request) for request in plan.requests) else None


def _outcome(ledger: Ledger, request: str, details: dict[str, str]) -> RequestOutcome:
    entries = ledger.of(request)
    if entries[-1].body["outcome"] == ERASED:
        return RequestOutcome(request, erased=True)
    kind = next(str(entry.body["reason"]) for entry in entries if entry.state == "failed")
    return RequestOutcome(request, False, reason_of(kind), details.get(request, ""))


def _check_place(place: Place) -> None:
    if place.out.is_file():
        raise UsageError(f"{place.out} is a file, expected a folder.", "Give another name.")
    if not place.model.parent.is_dir():
        raise UsageError(f"There is no folder {place.model.parent}.", "Check the path of the model.")
    if place.live.resolve() == place.model.resolve():
        raise UsageError(
            f"The results cannot go where the model is: {place.out}.",
            "Give another folder: a model is never overwritten.",
        )


def _check_disk(place: Place) -> None:
    if not place.model.is_file():
        return  # loading it says what is wrong
    needed = _MODELS_ON_DISK * place.model.stat().st_size
    folder = next(parent for parent in (place.out.absolute(), *place.out.absolute().parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(
            f"{folder} has {free // 2**20} MB free, {needed // 2**20 + 1} MB are needed.", "Make room, or go elsewhere."
        )


@contextmanager
def _locked(model: Path, patience: float) -> Iterator[None]:
    lock = FileLock(f"{model}.lock")
    try:
        lock.acquire(timeout=patience)
    except Timeout as error:
        raise ModelBusyError(
            f"Another batch works on {model}.", "Wait until it is done, or give --wait SECONDS."
        ) from error
    try:
        yield
    finally:
        lock.release()
