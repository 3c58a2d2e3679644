"""The work of a batch: look at its requests, and carry them out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.batches.data import EndedBatch, Line, LiveBatch, Terms
from app.batches.ending import close_open
from app.batches.files import Files
from app.batches.folder import Folder
from app.batches.results import done, outcomes_of
from app.jobs import CancelledError
from app.people import OpenModel, rendered_cache
from faceforget import api
from faceforget.api import (
    CANCELLED,
    Asked,
    FrozenCache,
    Ledger,
    Photo,
    Place,
    RequestOutcome,
    Upload,
    check_batch,
    read_plan,
    run_batch,
    stopped_by,
)
from faceforget.errors import FaceForgetError
from faceforget.progress import Event, Progress, silent


def look(
    model: OpenModel, asked: Sequence[Asked], photos: dict[str, Photo], progress: Progress = silent
) -> tuple[Asked, ...]:
    """The requests with their photos looked at, each once; messages quote what the files are called.

    Args:
        model: The open model.
        asked: The requests as they came.
        photos: Those that were looked at before, by hash; filled.
        progress: Called after every photo.
    """
    given = [photo for request in asked for photo in (*request.photos, *request.check)]
    # Only the faces of people who do not exist are ever on the disk.
    runtime = api.Runtime(cache=FrozenCache(rendered_cache()) if model.rendered else None)
    intake = runtime.intake(model.recognizer.spec.framing)
    sources = [photos.get(_hash(photo), photo) for photo in given]
    found = intake.read(sources, progress=progress, stage="looking for faces")
    photos.update({photo.sha256: photo for photo in found if photo.sha256})
    named = iter([replace(photo, source=f"“{_name(own)}”") for own, photo in zip(given, found, strict=True)])
    return tuple(
        replace(
            request,
            photos=tuple(next(named) for _ in request.photos),
            check=tuple(next(named) for _ in request.check),
        )
        for request in asked
    )


def _hash(photo: Path | Upload | Photo) -> str:
    return "" if isinstance(photo, Path) else photo.sha256


def _name(photo: Path | Upload | Photo) -> str:
    if isinstance(photo, Path):
        return photo.name
    return photo.name if isinstance(photo, Upload) else photo.source


def check(
    model: OpenModel,
    asked: Sequence[Asked],
    terms: Terms,
    folder: Folder,
    photos: dict[str, Photo],
    progress: Progress,
) -> tuple[Line, ...]:
    """A dry run: look at every photo, and change nothing.

    Args:
        model: The open model.
        asked: The requests.
        terms: How they would be carried out.
        folder: Where the model may be for a moment.
        photos: Those that were looked at before, by hash; filled.
        progress: Called with events.

    Raises:
        UsageError: The requests do not fit together.
    """
    seen = look(model, asked, photos, progress)
    refused = [_refused(request) for request in seen]
    runtime = api.Runtime(progress=lambda event: progress(replace(event, stage="comparing the faces")))
    with folder.work() as place:
        # Which methods may be named depends on the promise, which is picked afterwards: the page looks at that.
        bare = [replace(request, method="") for request in seen]
        files = Files(place, model, runtime)
        try:
            checked = check_batch(bare, files.place, configuration=files.configuration(terms), runtime=runtime)
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


def _refused(request: Asked) -> tuple[tuple[str, str], ...]:
    bad = [(place, "It is not among the files.") for place in request.missing]
    taken: set[str] = set()
    for photo in (*request.photos, *request.check):
        if not isinstance(photo, Photo):
            continue  # all were looked at
        name = photo.source.strip("“”")
        if photo.error is not None:
            bad.append((name, str(photo.error)))
        elif photo.sha256 in taken:
            bad.append((name, "The same photo again; it is used once."))
        taken.add(photo.sha256)
    return tuple(bad)


def run(
    model: OpenModel,
    asked: Sequence[Asked],
    terms: Terms,
    folder: Folder,
    ledger: Path,
    photos: dict[str, Photo],
    progress: Progress = silent,
    *,
    live: LiveBatch,
) -> EndedBatch:
    """Erase them; ``model`` stays as it is.

    Whoever was not erased yet when the user cancels is closed as not erased: nothing stays open in the ledger.

    Args:
        model: The open model.
        asked: The requests.
        terms: How.
        folder: Where files may be while it runs.
        ledger: The database.
        photos: Those that were looked at before, by hash; filled.
        progress: Called with events; what it raises to cancel is heard between the steps that belong together.
        live: Filled with what each request has come to.

    Raises:
        UsageError: Nothing was started.
        FaceForgetError: Nobody was erased, for a reason that is not one person's.
    """
    seen, runtime = look(model, asked, photos, progress), api.Runtime()
    with folder.work() as place:
        files = Files(place, model, runtime)
        details: Sequence[RequestOutcome] = ()
        cancelled, stopped = False, None
        try:
            details = run_batch(
                seen,
                files.place,
                ledger,
                configuration=files.configuration(terms),
                runtime=replace(runtime, progress=_heard(progress, live, files.place, ledger)),
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
        return done(model, asked, terms, outcomes, files.place, ledger, cancelled, runtime)


def _heard(progress: Progress, live: LiveBatch, place: Place, ledger: Path) -> Progress:
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
