"""Moving finished jobs into the session, and starting new ones."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from app.batches.data import EndedBatch, LiveBatch
from app.batches.work import check
from app.batches.work import run as run_batch
from app.books import ledger_in
from app.erasing import LiveErasure, Request, look_ahead, run
from app.jobs import Job
from app.papers import papers
from app.people import OpenModel, build_model, embedded_people
from app.session import Session
from faceforget import api
from faceforget.api import Asked, Upload

# Set by `faceforget app --model FILE`.
MODEL_VARIABLE = "FACEFORGET_APP_MODEL"
BATCH_ENDED = "The batch has ended: its outcomes are on the page Batch. The new model is open now."


def settle(here: Session) -> None:
    """Take over what the jobs of this session have finished."""
    if here.opening is not None and here.opening.state == "done":
        model = here.opening.result
        here.use(model)
        here.ahead = Job(partial(look_ahead, model, here.memory), patient=True)
    if here.erasing is not None and here.erasing.state == "done":
        here.erased, here.erasing, here.fresh = here.erasing.result, None, True
        here.papers = Job(partial(papers, here.erased), patient=True)
    batch = here.batch
    if batch.checking is not None and batch.checking.state == "done":
        batch.lines, batch.checking = batch.checking.result, None
    if batch.running is not None and batch.running.state == "done":
        _ended(here, batch.running.result)


def _ended(here: Session, done: EndedBatch) -> None:
    """Those who were erased are gone from the session, too: the new model takes the place of the open one."""
    here.batch.done, here.batch.running, here.batch.stopping = done, None, False
    here.batch.asked = here.batch.lines = ()
    if done.model is not None:
        here.go_on_with(done.model)
        here.notice = BATCH_ENDED


def given_model() -> OpenModel | None:
    """The model that the app was started with.

    Raises:
        ModelFileError: It cannot be used.
    """
    path = os.environ.get(MODEL_VARIABLE)
    return OpenModel(api.load(path), f"the model file “{Path(path).name}”") if path else None


def open_embedded(here: Session) -> None:
    """Start opening the embedded people."""
    here.opening = Job(embedded_people)


def build(here: Session, people: Mapping[str, Sequence[Upload]]) -> None:
    """Start enrolling uploaded people."""
    here.opening = Job(partial(build_model, people))


def look_at_batch(here: Session, asked: Sequence[Asked]) -> None:
    """Start a dry run of requests.

    Raises:
        RuntimeError: No model is open.
    """
    if here.model is None:
        raise RuntimeError("No model is open.")
    batch = here.batch
    if batch.checking is not None:
        batch.checking.cancel()
    batch.asked, batch.lines, batch.confirming = tuple(asked), (), False
    batch.checking = Job(
        partial(check, here.model, batch.asked, batch.terms, here.own_folder(), batch.photos)
    )  # fmt: skip


def carry_out_batch(here: Session) -> None:
    """Start erasing those whom the list asks for.

    Raises:
        RuntimeError: No model is open.
    """
    batch, folder = here.batch, here.own_folder()
    ledger = ledger_in(folder)
    if here.model is None or ledger is None:
        raise RuntimeError("No model is open.")
    batch.live, batch.done, batch.stopping = LiveBatch(), None, False
    work = partial(run_batch, here.model, batch.asked, batch.terms, folder, ledger, batch.photos, live=batch.live)
    batch.running = Job(work)


def erase(here: Session, request: Request) -> None:
    """Start an erasure on a copy of the open model.

    Raises:
        RuntimeError: No model is open.
    """
    if here.model is None:
        raise RuntimeError("No model is open.")
    if here.papers is not None:
        here.papers.cancel()  # nobody will read them, and this erasure would wait for them
    here.erased = here.papers = None
    here.live = LiveErasure(request.method)
    here.erasing = Job(partial(run, here.model, request, live=here.live, memory=here.memory))
