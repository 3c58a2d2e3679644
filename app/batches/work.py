"""The work of a batch: look at its requests, and carry them out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.batches.asked import Asked
from app.batches.data import Done, Line, Live, Terms
from app.batches.ending import close_open
from app.batches.files import Files
from app.batches.folder import Folder
from app.batches.results import done, outcomes_of
from app.jobs import CancelledError
from app.people import OpenModel, rendered_cache
from faceforget import api
from faceforget.api import (
    CANCELLED,
    Ledger,
    PhotoFaces,
    Place,
    RecentFaces,
    RequestOutcome,
    check_batch,
    read_plan,
    run_batch,
    stopped_by,
)
from faceforget.errors import FaceForgetError
from faceforget.progress import Event, Progress, silent


def memory_for(model: OpenModel) -> RecentFaces:
    """Remembers faces as long as the session lasts; only those of rendered people are read from the disk."""
    return RecentFaces(rendered_cache() if model.rendered else None)


def check(
    model: OpenModel, asked: Sequence[Asked], terms: Terms, folder: Folder, faces: RecentFaces, progress: Progress
) -> tuple[Line, ...]:
    """A dry run: look at every photo, and change nothing.

    Args:
        model: The open model.
        asked: The requests.
        terms: How they would be carried out.
        folder: Where files may be for a moment.
        faces: Remembers what was found, in memory.
        progress: Called with events.

    Raises:
        UsageError: The requests do not fit together.
    """
    photos = [photo for request in asked for photo in (*request.photos, *request.check)]
    intake = api.Runtime(cache=faces).intake(model.recognizer.spec.framing)
    found = iter(intake.read([photo.data for photo in photos], progress=progress, stage="looking for faces"))
    refused = [
        _refused(request, [next(found) for _ in range(len(request.photos) + len(request.check))]) for request in asked
    ]
    with folder.work() as place:
        # Which methods may be named depends on the promise, which is picked afterwards: the page looks at that.
        files = Files(place, model, [replace(request, method="") for request in asked])
        runtime = api.Runtime(cache=faces, progress=lambda event: progress(replace(event, stage="comparing the faces")))
        try:
            checked = check_batch(files.list, files.place, configuration=files.configuration(terms), runtime=runtime)
        except FaceForgetError as error:
            raise files.readable(error) from error
    return tuple(
        Line(
            request,
            len(request.photos) + len(request.check) + len(request.missing) - len(bad),
            line.photos[0],
            files.readable(line.error) if line.error else None,
            bad,
        )
        for request, line, bad in zip(asked, checked, refused, strict=True)
    )


def _refused(request: Asked, found: Sequence[PhotoFaces]) -> tuple[tuple[str, str], ...]:
    bad = [(place, "It is not among the files.") for place in request.missing]
    taken: set[str] = set()
    for photo, faces in zip((*request.photos, *request.check), found, strict=True):
        if faces.error is not None:
            bad.append((photo.name, str(faces.error)))
        elif photo.sha256 in taken:
            bad.append((photo.name, "The same photo again; it is used once."))
        taken.add(photo.sha256)
    return tuple(bad)


def run(
    model: OpenModel,
    asked: Sequence[Asked],
    terms: Terms,
    folder: Folder,
    ledger: Path,
    faces: RecentFaces,
    progress: Progress = silent,
    *,
    live: Live,
) -> Done:
    """Erase them; ``model`` stays as it is.

    Whoever was not erased yet when the user cancels is closed as not erased: nothing stays open in the ledger.

    Args:
        model: The open model.
        asked: The requests.
        terms: How.
        folder: Where files may be while it runs.
        ledger: The database.
        faces: What was found on the photos before.
        progress: Called with events; what it raises to cancel is heard between the steps that belong together.
        live: Filled with what each request has come to.

    Raises:
        UsageError: Nothing was started.
        FaceForgetError: Nobody was erased, for a reason that is not one person's.
    """
    with folder.work() as place:
        files = Files(place, model, asked)
        details: Sequence[RequestOutcome] = ()
        cancelled, stopped = False, None
        try:
            details = run_batch(
                files.list,
                files.place,
                ledger,
                configuration=files.configuration(terms),
                runtime=api.Runtime(cache=faces, progress=_heard(progress, live, files.place, ledger)),
            ).outcomes
        except CancelledError:
            cancelled = True
            close_open(files.place, ledger, {"reason": CANCELLED})
        except Exception as error:
            close_open(files.place, ledger, stopped_by(error))
            stopped = files.readable(error) if isinstance(error, FaceForgetError) else error
        outcomes = outcomes_of(files.place, ledger, asked)
        if stopped is not None and not any(outcome.erased for outcome in outcomes):
            raise stopped
        errors = {o.request: files.readable(o.error) for o in details if o.error is not None}
        outcomes = tuple(replace(outcome, error=errors.get(outcome.request)) for outcome in outcomes)
        return done(model, asked, terms, outcomes, files.place, ledger, cancelled)


def _heard(progress: Progress, live: Live, place: Place, ledger: Path) -> Progress:
    """Tell what each request has come to, and cancel only where nothing is half done.

    Between an audit and its receipt come events of the requests alone.
    """

    def hear(event: Event) -> None:
        if event.stage != "requests":
            progress(event)
        elif (plan := read_plan(place.out)) is not None:
            with Ledger(ledger) as opened:
                live.states = tuple(opened.of(request)[-1].state for request in plan.requests)

    return hear
