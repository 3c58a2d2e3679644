"""A batch in the app: look at its requests, carry them out, and end what was cancelled.

The functions of ``faceforget.requests`` work on files. They get them in a folder that is there for one piece of work.
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from filelock import FileLock

from app.asked import Asked
from app.folder import Folder
from app.jobs import CancelledError
from app.people import OpenModel, Photo, rendered_cache
from faceforget import api
from faceforget.errors import FaceForgetError, UsageError
from faceforget.files import sha256_bytes, write_atomically
from faceforget.photos.intake import PhotoFaces, PhotoSource
from faceforget.progress import Event, Progress, silent
from faceforget.requests.batch import RequestOutcome, check_batch, run_batch
from faceforget.requests.chain import State
from faceforget.requests.closing import Closing, Place
from faceforget.requests.keys import ensure_key, public_path
from faceforget.requests.ledger import Ledger
from faceforget.requests.open_requests import OpenRequests
from faceforget.requests.plan import Configuration, read_plan
from faceforget.requests.receipt import ERASED, read_receipt, reason_of
from faceforget.requests.receipt_page import receipt_pdf
from faceforget.requests.steps.examine import RecentFaces, label_of

Promise = Literal["forgotten", "unrecognisable"]
PROMISES: tuple[Promise, ...] = get_args(Promise)
# For the audit of each person: more make it slower, and hardly its intervals narrower.
_PHOTOS_OF_RETAINED, _PHOTOS_OF_STRANGERS = 3, 4
_CANCELLED, _STOPPED, _INTERRUPTED = "cancelled", "stopped", "interrupted"
_OWN_REASONS: Mapping[str, str] = {
    _CANCELLED: "The batch was cancelled before.",
    _STOPPED: "The batch could not go on.",
    _INTERRUPTED: "The app was ended while the batch ran.",
}


@dataclass(frozen=True)
class Terms:
    """How a batch is carried out.

    Attributes:
        promise: What is promised.
        joint: All in one pass, or each in a pass of their own.
        allow_mismatch: Use photos that seem to show somebody else.
    """

    promise: Promise = "forgotten"
    joint: bool = True
    allow_mismatch: bool = False


@dataclass
class Live:
    """What can be shown of a batch under way; the worker fills it.

    Attributes:
        states: What each request has come to, in the order of the list.
    """

    states: tuple[State, ...] = ()


@dataclass(frozen=True)
class Line:
    """What was found out about one request.

    Attributes:
        asked: The request.
        usable: How many of its photos can be used.
        read: How many of these the erasure reads; the others are for the check.
        error: Why the request would fail; None if it would not.
        refused: Photos that cannot be used, each with the reason.
    """

    asked: Asked
    usable: int
    read: int
    error: FaceForgetError | None
    refused: tuple[tuple[str, str], ...] = ()

    @property
    def given(self) -> int:
        """Photos that were asked for."""
        return len(self.asked.photos) + len(self.asked.check) + len(self.asked.missing)


@dataclass(frozen=True)
class Outcome:
    """What a request has come to.

    Attributes:
        person: Whose.
        request: Its id, which alone is in the ledger and in the receipt.
        erased: Whether the person is not in the new model, and its audit passed.
        reason: Why not.
        detail: The same with photos and names; may be empty.
    """

    person: str
    request: str
    erased: bool
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Done:
    """A batch that has ended.

    Attributes:
        asked: The requests, in the order of the outcomes.
        terms: How it was carried out.
        outcomes: Of each.
        model: The new model; None where nobody was erased.
        file: Its file.
        receipts: A zip with the receipts as HTML, PDF and JSON, and the public key.
        cancelled: Whether the user stopped it.
    """

    asked: tuple[Asked, ...]
    terms: Terms
    outcomes: tuple[Outcome, ...]
    model: OpenModel | None
    file: bytes = field(repr=False)
    receipts: bytes = field(repr=False)
    cancelled: bool = False

    @property
    def erased(self) -> tuple[str, ...]:
        """Who was erased."""
        return tuple(outcome.person for outcome in self.outcomes if outcome.erased)

    @property
    def failed(self) -> tuple[Asked, ...]:
        """Requests of those who were not."""
        return tuple(a for a, outcome in zip(self.asked, self.outcomes, strict=True) if not outcome.erased)

    @property
    def sha256(self) -> str:
        """Of the model's file."""
        return sha256_bytes(self.file)


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
        files = _Files(place, model, asked)
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
        files = _Files(place, model, asked)
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
            close_open(files.place, ledger, _CANCELLED)
        except Exception as error:
            close_open(files.place, ledger, _STOPPED)
            stopped = files.readable(error) if isinstance(error, FaceForgetError) else error
        outcomes = _outcomes(files.place, ledger, asked)
        if stopped is not None and not any(outcome.erased for outcome in outcomes):
            raise stopped
        said = {outcome.request: files.shown(outcome.detail) for outcome in details}
        outcomes = tuple(replace(outcome, detail=said.get(outcome.request, "")) for outcome in outcomes)
        return _done(model, asked, terms, outcomes, files.place, ledger, cancelled)


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


def _outcomes(place: Place, ledger: Path, asked: Sequence[Asked]) -> tuple[Outcome, ...]:
    plan = read_plan(place.out)
    if plan is None:
        return ()  # nothing had begun
    with Ledger(ledger) as opened:
        pairs = zip(plan.requests, asked, strict=True)
        return tuple(_outcome(opened, request, line.person) for request, line in pairs)


def close_open(place: Place, ledger: Path, reason: str) -> None:
    """Close every request of a batch that is open still, with a receipt that says NOT ERASED.

    Args:
        place: Of the batch.
        ledger: The database.
        reason: Kind of the failure, for the ledger.
    """
    plan = read_plan(place.out)
    if plan is None or not ledger.is_file():
        return
    with Ledger(ledger) as opened:
        signer = ensure_key(ledger.with_name(f"{ledger.name}.key"))
        store = OpenRequests(ledger)
        closing = Closing(plan, place, opened, store, signer, api.Runtime(), lambda step: None)
        known = [request for request in plan.requests if opened.of(request)]
        # What had passed its audit is brought to its end first: the others' receipts speak of the model as it is then.
        closing.close([request for request in known if closing.state(request) in ("audited", "purged", "failed")])
        for request in known:
            if closing.state(request) != "closed":
                closing.note({request: {"reason": reason}}, "failed", closing.last_attempt([request]))
        closing.close(known)
        # A crash before the plan came into the ledger leaves files that nobody will ask for.
        with FileLock(f"{ledger}.lock"):
            for request in set(plan.requests) - set(known):
                store.destroy(request)


def close_orphans(folder: Path, ledger: Path) -> None:
    """Close what a killed server left open in the ledger.

    Args:
        folder: Of one of its sessions.
        ledger: The database.
    """
    for plan in folder.glob("*/out/batch.json"):
        close_open(Place(plan.parents[1] / _MODEL, plan.parent), ledger, _INTERRUPTED)


_MODEL = "model.safetensors"


class _Files:
    """A batch on disk; no name that a user chose is part of a path."""

    def __init__(self, folder: Path, model: OpenModel, asked: Sequence[Asked]) -> None:
        self._names: dict[str, str] = {}
        self.list = folder / "requests.json"
        self.place = Place(folder / _MODEL, folder / "out", _others(model), _strangers(model))
        api.save(model.recognizer, self.place.model)
        lines = [
            {
                "person": request.person,
                "photos": [self._write(folder / f"{number}-{k}", p) for k, p in enumerate(request.photos)],
                "check": [self._write(folder / f"{number}-check-{k}", p) for k, p in enumerate(request.check)],
            }
            for number, request in enumerate(asked)
        ]
        write_atomically(self.list, json.dumps({"requests": lines}).encode())

    def _write(self, path: Path, photo: Photo) -> str:
        path.write_bytes(photo.data)
        self._names[str(path)] = f"“{photo.name}”"
        return str(path)

    def configuration(self, terms: Terms) -> Configuration:
        """For the functions underneath."""
        return Configuration(
            promise=terms.promise,
            joint=terms.joint,
            allow_mismatch=terms.allow_mismatch,
            retained=self.place.retained is not None,
            strangers=self.place.strangers is not None,
        )

    def shown(self, text: str) -> str:
        """A message with the photos' own names: our paths say nothing to a user."""
        for path in sorted(self._names, key=len, reverse=True):
            text = text.replace(path, self._names[path])
        return text.replace(str(self.list), "The list").replace(str(self.place.model), "the model")

    def readable(self, error: FaceForgetError) -> FaceForgetError:
        """The same error in the user's words."""
        error.message, error.todo = self.shown(error.message), self.shown(error.todo)
        error.args = (f"{error.message} {error.todo}".strip(),)
        return error


def _others(model: OpenModel) -> Mapping[str, Sequence[PhotoSource]] | None:
    return {name: photos[:_PHOTOS_OF_RETAINED] for name, photos in model.kept_back.items()} or None


def _strangers(model: OpenModel) -> Mapping[str, Sequence[PhotoSource]] | None:
    return {name: photos[:_PHOTOS_OF_STRANGERS] for name, photos in model.others.items()} or None


def _outcome(ledger: Ledger, request: str, person: str) -> Outcome:
    entries = ledger.of(request)
    if entries[-1].body.get("outcome") == ERASED:
        return Outcome(person, request, erased=True)
    kinds = [str(entry.body["reason"]) for entry in entries if entry.state == "failed"]
    return Outcome(person, request, False, reason(kinds[-1]) if kinds else "")


def reason(kind: str) -> str:
    """Why somebody was not erased, without names."""
    return _OWN_REASONS.get(kind) or reason_of(kind)


def _done(
    model: OpenModel,
    asked: Sequence[Asked],
    terms: Terms,
    outcomes: tuple[Outcome, ...],
    place: Place,
    ledger: Path,
    cancelled: bool,
) -> Done:
    gone = [outcome.person for outcome in outcomes if outcome.erased]
    receipts = _receipts(place, [outcome.request for outcome in outcomes], ledger)
    if not gone:
        return Done(tuple(asked), terms, outcomes, None, b"", receipts, cancelled)
    return Done(
        tuple(asked),
        terms,
        outcomes,
        _without(model, gone, place.live),
        place.live.read_bytes(),
        receipts,
        cancelled,
    )


def _without(model: OpenModel, gone: Sequence[str], live: Path) -> OpenModel:
    """The new model; of the erased, nothing is at hand any more."""
    labels = {label_of(model.recognizer, person) for person in gone}
    recognizer = api.load(live)
    if labels & set(recognizer.labels):
        raise UsageError("The new model still has the name of somebody who was erased.", "It was not opened.")
    return model.without(labels, recognizer)


def _receipts(place: Place, requests: Sequence[str], ledger: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for request in requests:
            page, signed = place.receipt(request, ".html"), place.receipt(request, ".json")
            if signed.is_file():
                receipt = read_receipt(signed.read_bytes())
                archive.writestr(f"{request}.json", signed.read_bytes())
                archive.writestr(f"{request}.html", page.read_bytes())
                archive.writestr(f"{request}.pdf", receipt_pdf(receipt.content, receipt.public_key))
        archive.writestr("signed-with.pub", public_path(ledger.with_name(f"{ledger.name}.key")).read_bytes())
    return buffer.getvalue()
