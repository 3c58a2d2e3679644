"""Moving finished jobs into the session, and starting new ones."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from app.erasing import Live, Request, papers, run
from app.jobs import Job
from app.people import OpenModel, Photo, build_model, embedded_people
from app.session import Session
from faceforget import api

# Set by `faceforget app --model FILE`.
MODEL_VARIABLE = "FACEFORGET_APP_MODEL"


def settle(here: Session) -> None:
    """Take over what the jobs of this session have finished."""
    if here.opening is not None and here.opening.state == "done":
        here.use(here.opening.result)
    if here.erasing is not None and here.erasing.state == "done":
        here.erased, here.erasing, here.fresh = here.erasing.result, None, True
        here.papers = Job(partial(papers, here.erased))


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


def build(here: Session, people: Mapping[str, Sequence[Photo]]) -> None:
    """Start enrolling uploaded people."""
    here.opening = Job(partial(build_model, people))


def erase(here: Session, request: Request) -> None:
    """Start an erasure on a copy of the open model.

    Raises:
        RuntimeError: No model is open.
    """
    if here.model is None:
        raise RuntimeError("No model is open.")
    here.erased = here.papers = None
    here.live = Live()
    here.erasing = Job(partial(run, here.model, request, live=here.live, memory=here.memory))
