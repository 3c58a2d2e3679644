"""A list of requests about any number of models: one batch for each of them, one ledger for all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from faceforget.api.runtime import People, Runtime
from faceforget.compute.cluster import Cluster
from faceforget.compute.engine import HERE, Engine, LostWorkerError
from faceforget.errors import FaceForgetError, UsageError
from faceforget.progress import Event, silent
from faceforget.requests.batch import look_at_batch, plan_batch
from faceforget.requests.begin import REQUESTS_A_DAY, already_begun, begun, check_rate
from faceforget.requests.closing import Place, Step
from faceforget.requests.job import BATCH, BatchJob, DoneBatch
from faceforget.requests.keys import ensure_key
from faceforget.requests.ledger import Ledger
from faceforget.requests.methods import check_methods
from faceforget.requests.outcome import Checked, Forecast
from faceforget.requests.plan import Configuration
from faceforget.requests.request_list import read_requests
from faceforget.requests.shares import Share, read_shares, shares_of, write_shares


@dataclass(frozen=True)
class Setting:
    """Where and how a list is carried out.

    Attributes:
        out: Folder of the results.
        ledger: The database; made if it is not there.
        model: For the requests that name none.
        retained: A folder per person of people who stay, for the audits.
        strangers: A folder per person of people whom no model knows.
        copies: What else the people may be in, as the operator listed it; of every model in the list.
        configuration: How.
        key: Private key that signs the receipts; made beside the ledger if there is none.
        patience: Seconds to wait for another batch on a model.
        limit: Requests that the ledger takes in 24 hours.
        runtime: Device, cache, progress.
    """

    out: Path
    ledger: Path
    model: Path | None = None
    retained: People | None = None
    strangers: People | None = None
    copies: tuple[Path, ...] = ()
    configuration: Configuration = field(default_factory=Configuration)
    key: Path | None = None
    patience: float = 0.0
    limit: int = REQUESTS_A_DAY
    runtime: Runtime = field(default_factory=Runtime)

    def place(self, share: Share) -> Place:
        """Where one model's batch reads and writes."""
        return Place(share.model, self.out / share.folder, self.retained, self.strangers, self.copies)


@dataclass(frozen=True)
class BatchesResult:
    """What has become of a list.

    Attributes:
        models: By model, in the order of the list.
    """

    models: tuple[DoneBatch, ...]

    @property
    def all_erased(self) -> bool:
        """Whether nobody failed."""
        return all(done.result is not None and done.result.all_erased for done in self.models)

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; no names."""
        results = [done.result for done in self.models if done.result is not None]
        return {
            "models": [
                {
                    "before": str(done.place.model),
                    "model": done.result.model if done.result else None,
                    "live": str(done.place.live) if done.result and done.result.model else None,
                    "error": done.error.kind if isinstance(done.error, FaceForgetError) else str(done.error or ""),
                }
                for done in self.models
            ],
            "requests": [
                {
                    "request": o.request,
                    "erased": o.erased,
                    "reason": o.reason,
                    "kind": o.kind,
                    "model": str(result.place.model),
                }
                for result in results
                for o in result.outcomes
            ],
        }


@dataclass(frozen=True)
class CheckedModel:
    """A dry run of one model's requests.

    Attributes:
        place: The model, and where its results would go.
        lines: What was found out about each request.
        estimate: What it would take; None if the batch could not be looked at.
        error: Why not.
    """

    place: Place
    lines: tuple[Checked, ...] = ()
    estimate: Forecast | None = None
    error: FaceForgetError | None = None


def run_batches(
    requests: Path,
    setting: Setting,
    *,
    resume: bool = False,
    engine: Engine = HERE,
    step: Step | None = None,
) -> BatchesResult:
    """Carry out a list about any number of models; what fails on one of them does not sink the others.

    All requests come into the ledger first. Then each model's batch is carried out as by :func:`run_batch`.

    Args:
        requests: CSV, JSON or a folder per person, see :func:`read_requests`; when resuming read again only for
            models that were not begun.
        setting: Where and how.
        resume: Go on with the batches in the folder.
        engine: Who carries the batches out. The disk of several machines needs locks that work across them, as NFS 4
            (:meth:`Ledger.share`; https://www.sqlite.org/faq.html#q5).
        step: Called after each step, wherever that is; for tests.

    Raises:
        UsageError: The list or the folder do not fit; nothing was started.
        MethodError: A method may not be named; nothing was started.
        TooManyRequestsError: There were too many requests of late; nothing was started.
    """
    step = step or _ignore
    shares = _shares(requests, setting, resume)
    _check_copies(shares, setting)
    _check_methods(shares, setting.configuration)
    if isinstance(engine, Cluster) and engine.address is not None:
        with Ledger(setting.ledger, create=True) as ledger:
            ledger.share()
    failed = {done.place.model: done for done in _planned(shares, setting, step)}
    work = [
        BatchJob(
            setting.place(share),
            setting.ledger,
            setting.key,
            setting.configuration,
            setting.runtime,
            setting.patience,
            step,
        )
        for share in shares
        if share.model not in failed
    ]
    for count, done in enumerate(_carried(work, engine), start=1):
        failed[done.place.model] = done
        setting.runtime.progress(Event("models", count, len(work)))
    return BatchesResult(tuple(failed[share.model] for share in shares))


def check_batches(requests: Path, setting: Setting) -> tuple[CheckedModel, ...]:
    """Look at everything that a list would need, measure what it will take, and change nothing.

    Raises:
        UsageError: The list does not fit.
        MethodError: A method may not be named.
    """
    shares = shares_of(read_requests(requests), setting.model)
    _check_methods(shares, setting.configuration)
    if setting.ledger.is_file():
        with Ledger(setting.ledger) as ledger:
            check_rate(ledger, sum(len(share.asked) for share in shares), setting.limit)
    return tuple(_checked(share, setting) for share in shares)


def _checked(share: Share, setting: Setting) -> CheckedModel:
    place = setting.place(share)
    try:
        lines, estimate = look_at_batch(
            share.asked, place, configuration=setting.configuration, runtime=setting.runtime
        )
    except FaceForgetError as error:
        return CheckedModel(place, error=error)
    return CheckedModel(place, lines, estimate)


def _shares(requests: Path, setting: Setting, resume: bool) -> tuple[Share, ...]:
    """The models, with their requests where those are not in the ledger yet."""
    if setting.out.is_file():
        raise UsageError(f"{setting.out} is a file, expected a folder.", "Give another name.")
    known = read_shares(setting.out)
    if not known and setting.model is not None:
        known = (Share(setting.model.resolve(), "."),)  # begun, if at all, as a batch of one model
    with Ledger(setting.ledger, create=True) as ledger:
        old = {share.model for share in known if begun(setting.place(share), ledger)}
    if old and not resume:
        raise already_begun(setting.out)
    if old and len(old) == len(known):
        return known
    listed = shares_of(read_requests(requests), setting.model)
    if not old:
        if any(line.model for share in listed for line in share.asked):
            write_shares(setting.out, listed)
        return listed
    asked = {share.model: share.asked for share in listed}
    more = [model for model in asked if model not in {share.model for share in known}]
    if more:
        raise UsageError(f"The batches were begun without {more[0]}.", "Ask for it in a list and a folder of its own.")
    return tuple(replace(share, asked=() if share.model in old else asked.get(share.model, ())) for share in known)


def _check_copies(shares: Sequence[Share], setting: Setting) -> None:
    """A copy that is deleted must not be what the batches read or write."""
    for copy in (path.resolve() for path in setting.copies):
        if copy in {share.model for share in shares} or setting.out.resolve() in copy.parents:
            raise UsageError(f"The list of copies names {copy}, which this batch works with.", "Take it off the list.")


def _check_methods(shares: Sequence[Share], configuration: Configuration) -> None:
    """Before any model is begun, so that a list goes in whole or not at all."""
    for share in shares:
        check_methods(share.asked, configuration.method, configuration.promise)


def _planned(shares: Sequence[Share], setting: Setting, step: Step) -> Iterator[DoneBatch]:
    """Bring every request into the ledger; yields the models of which that cannot be done."""
    with Ledger(setting.ledger, create=True) as ledger:
        # Before any model is begun, so that a list goes in whole or not at all.
        check_rate(ledger, sum(len(share.asked) for share in shares), setting.limit)
    ensure_key(setting.key or setting.ledger.with_name(f"{setting.ledger.name}.key"))
    for share in shares:
        place = setting.place(share)
        try:
            plan_batch(
                share.asked,
                place,
                setting.ledger,
                configuration=setting.configuration,
                patience=setting.patience,
                runtime=setting.runtime,
                limit=setting.limit,
                step=step,
            )
        except (FaceForgetError, OSError) as error:
            if len(shares) == 1:
                raise
            yield DoneBatch(place, None, error)


def _carried(work: Sequence[BatchJob], engine: Engine) -> Iterator[DoneBatch]:
    here = engine.here(len(work))
    if not here:  # progress does not leave the process
        work = [replace(job, runtime=replace(job.runtime, progress=silent)) for job in work]
    for job, carried in engine.carry(BATCH, work):
        done = DoneBatch(job.place, None, carried) if isinstance(carried, LostWorkerError) else carried
        if here and done.error is not None and len(work) == 1:
            raise done.error
        yield done


def _ignore(step: str) -> None:
    """Nobody is told."""
