"""The batch of one model as work that any process on any machine can do, more than once."""

from dataclasses import dataclass
from pathlib import Path

from faceforget.api.runtime import Runtime
from faceforget.compute.engine import Work
from faceforget.errors import FaceForgetError
from faceforget.requests.batch import run_batch
from faceforget.requests.closing import Place, Step
from faceforget.requests.outcome import BatchResult
from faceforget.requests.plan import Configuration


@dataclass(frozen=True)
class BatchJob:
    """A batch that is in the ledger already. Whoever takes it over goes on where the last one stopped.

    Attributes:
        place: The model, and where the results go.
        ledger: The database.
        key: Private key that signs the receipts.
        configuration: How.
        runtime: Device and cache; without progress, which does not leave the process.
        patience: Seconds to wait for another batch on the model.
        step: Called after each step; for tests.
    """

    place: Place
    ledger: Path
    key: Path | None
    configuration: Configuration
    runtime: Runtime
    patience: float
    step: Step


@dataclass(frozen=True)
class DoneBatch:
    """What has become of a job.

    Attributes:
        place: Of the job.
        result: What came out; None if the batch as a whole could not be carried out.
        error: Why not.
    """

    place: Place
    result: BatchResult | None
    error: FaceForgetError | OSError | None = None


def _carry(job: BatchJob) -> DoneBatch:
    """An error of one model must not sink the others."""
    try:
        result = run_batch(
            (),
            job.place,
            job.ledger,
            configuration=job.configuration,
            key=job.key,
            resume=True,
            patience=job.patience,
            runtime=job.runtime,
            step=job.step,
        )
    except (FaceForgetError, OSError) as error:
        return DoneBatch(job.place, None, error)
    return DoneBatch(job.place, result)


BATCH = Work(
    _carry,
    name=lambda job: f"the batch of {job.place.model}",
    todo="Look for a lack of memory; nothing is lost: go on with resume=True.",
    code="batch-interrupted",
)
