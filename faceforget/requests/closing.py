"""From an audited candidate, or a failure, to a closed request: go live, purge, hand out the receipt."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faceforget.api.runtime import People, Runtime
from faceforget.errors import FaceForgetError
from faceforget.files import sha256_bytes, sha256_file, sync_folder, write_atomically
from faceforget.photos.cache import FaceCache
from faceforget.progress import Event
from faceforget.requests.chain import Entry, State
from faceforget.requests.keys import SigningKey
from faceforget.requests.ledger import Ledger, LedgerError
from faceforget.requests.open_requests import OpenRequest, OpenRequests
from faceforget.requests.plan import BatchPlan
from faceforget.requests.receipt import receipt_content, sign_receipt
from faceforget.requests.receipt_page import receipt_page
from faceforget.requests.steps.copies import discard, forget_faces, model_before, purge
from faceforget.requests.steps.listed import listed_copies

# From here on nobody reads the photos of a request any more.
_READ = ("audited", "purged", "failed", "closed")

# Called after each step that a crash may separate from the next one.
Step = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """Where a batch reads and writes.

    Attributes:
        model: The model before.
        out: Folder of the results.
        retained: A folder per person of people who stay, for the audit.
        strangers: A folder per person of people whom the model does not know.
        copies: What else the person may be in, as the operator listed it.
    """

    model: Path
    out: Path
    retained: People | None = None
    strangers: People | None = None
    copies: tuple[Path, ...] = ()

    @property
    def live(self) -> Path:
        """Where the new model goes."""
        return self.out / self.model.name

    @property
    def work(self) -> Path:
        """Candidates, which are nobody's to use."""
        return self.out / ".work"

    def receipt(self, request: str, suffix: str) -> Path:
        """A receipt's file."""
        return self.out / "receipts" / f"{request}{suffix}"


@dataclass
class Closing:
    """A batch, where its requests stand, and their last steps.

    Attributes:
        plan: What is to be done.
        place: Where.
        ledger: What was done.
        store: What is known of open requests.
        key: Signs receipts.
        runtime: Device, cache, progress.
        step: Told about each step.
        errors: Of requests that failed in this run, with names; for the operator's eyes alone.
    """

    plan: BatchPlan
    place: Place
    ledger: Ledger
    store: OpenRequests
    key: SigningKey
    runtime: Runtime
    step: Step
    errors: dict[str, FaceForgetError] = field(default_factory=dict)

    def close(self, ids: Sequence[str]) -> None:
        """Take those that are through, or have failed, to closed."""
        labels: Sequence[str] | None = None
        for request in ids:
            if self.state(request) == "audited":
                labels = labels or self._go_live(request)
                self._purge(request, labels)
            if self.state(request) in ("purged", "failed"):
                self._discard_uploads(request)
                self._forget_faces(request)
                self.store.destroy(request)
                self.step("destroyed")
                self._hand_out(request)

    def _go_live(self, request: str) -> Sequence[str]:
        """One rename; the names in the model that is live then."""
        erased = self.last(request, "erased")
        candidate = self.candidate(self.last(request, "running").body["members"], erased.attempt)
        source = candidate if candidate.exists() else self.place.live
        if not source.exists() or sha256_file(source) != erased.body["after"]:
            raise LedgerError(
                f"Expected the audited model (SHA-256 {erased.body['after'][:12]}...) at {source}, found another one.",
                "Put it back, or begin anew in another folder.",
            )
        if candidate.exists():
            candidate.replace(self.place.live)
            sync_folder(self.place.out)
        self.remove_candidates()
        self.step("live")
        return self.runtime.load(self.place.live).labels

    def _purge(self, request: str, labels: Sequence[str]) -> None:
        known = self.open_request(request)
        self._discard_uploads(request)
        needed = self._needed_elsewhere(request) if self.plan.configuration.delete_photos else frozenset()
        settings = self.plan.configuration
        before = model_before(self.place.model, self.plan.model, settings, self.ledger.path)
        there = self.last(request, "planned").body.get("listed", [])
        listed = listed_copies(self.place.copies, there, known.person, settings.delete_copies, self.runtime)
        copies = purge(known, labels, [before, *listed], settings, self._caches(), needed)
        self.step("copies")
        self.note({request: {"copies": copies}}, "purged", self.last_attempt([request]))

    def _discard_uploads(self, request: str) -> None:
        """Before a receipt says so; nobody reads them any more, so a crash in between loses nothing.

        Raises:
            UploadsLeftError: One could not be removed; the receipt waits until it can be.
        """
        known = self.store.get(request)
        if self.plan.configuration.uploaded and known is not None:
            discard([Path(photo.path) for photo in known.files])

    def _forget_faces(self, request: str) -> None:
        """Also of who was not erased: they asked to be."""
        known = self.store.get(request)
        if known is not None:
            forget_faces(known, self._caches())

    def _caches(self) -> list[FaceCache]:
        return [FaceCache(), *([self.runtime.cache] if self.runtime.cache else [])]

    def _needed_elsewhere(self, request: str) -> frozenset[str]:
        """Photos that a request on another model has still to read; whichever comes last removes them."""
        others = [other for other in self.store.ids() if other != request]
        reading = [other for other in others if {e.state for e in self.ledger.of(other)}.isdisjoint(_READ)]
        known = filter(None, map(self.store.get, reading))
        return frozenset(photo.path for other in known for photo in other.files)

    def _hand_out(self, request: str) -> None:
        """The receipt, from the ledger alone, and the last entry."""
        entries = self.ledger.of(request)
        content = receipt_content(entries)
        signed = sign_receipt(content, self.key)
        write_atomically(self.place.receipt(request, ".html"), receipt_page(content, self.key.public).encode())
        write_atomically(self.place.receipt(request, ".json"), signed)
        self.step("receipt")
        body = {"outcome": content["outcome"], "receipt": sha256_bytes(signed), "key": "destroyed"}
        self.note({request: body}, "closed", entries[-1].attempt)

    def open_request(self, request: str) -> OpenRequest:
        """Person and photos of an open request.

        Raises:
            LedgerError: Its file is gone.
        """
        known = self.store.get(request)
        if known is None:
            raise LedgerError(f"The file of the open request {request} is gone.", "It cannot be resumed.")
        return known

    def last_attempt(self, ids: Sequence[str]) -> int:
        """The latest attempt that any of these requests has seen; 0 before the first."""
        return max(entry.attempt for request in ids for entry in self.ledger.of(request))

    def last(self, request: str, state: State) -> Entry:
        """The latest entry of a request in this state."""
        return [entry for entry in self.ledger.of(request) if entry.state == state][-1]

    def candidate(self, ids: Sequence[str], attempt: int) -> Path:
        """Where an attempt leaves its model."""
        return self.place.work / f"{ids[0]}-{attempt}.safetensors"

    def state(self, request: str) -> State:
        """What a request has come to."""
        return self.ledger.of(request)[-1].state

    def source(self) -> Path:
        """The live model once somebody of this batch was audited, before that the operator's."""
        states = {entry.state for request in self.plan.requests for entry in self.ledger.of(request)}
        return self.place.live if "audited" in states else self.place.model

    def note(self, steps: Mapping[str, Mapping[str, Any]], state: State, attempt: int) -> None:
        """Record a step."""
        self.ledger.append(steps, state, attempt)
        self.step(state)
        closed = sum(self.state(request) == "closed" for request in self.plan.requests)
        self.runtime.progress(Event("requests", closed, len(self.plan.requests)))

    def remove_candidates(self) -> None:
        """Remove every model that is not in use."""
        if self.place.work.is_dir():
            shutil.rmtree(self.place.work)
