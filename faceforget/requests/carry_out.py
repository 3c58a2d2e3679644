"""Take the requests of a planned batch from wherever they are to closed.

Every step is recorded in the ledger after its effect is on disk, and does nothing where the effect is there already:
so the same code begins a batch and resumes one. A group of requests shares one pass of erasure; it has one candidate
model, which goes live by one rename after the audit of everybody in the group has passed.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from faceforget.api.erase_people import erase
from faceforget.api.runtime import People, Runtime
from faceforget.errors import FaceForgetError, NotForgottenError, UsageError, WrongPersonError
from faceforget.files import sha256_bytes, sha256_file, sync_folder, write_atomically
from faceforget.photos.cache import FaceCache
from faceforget.progress import Event
from faceforget.recognizer.recognizer import Recognizer
from faceforget.recognizer.storage import load_recognizer, save_recognizer
from faceforget.requests.chain import Entry, State
from faceforget.requests.copies import purge
from faceforget.requests.examine import Member, RecentFaces, examine, shared_photos
from faceforget.requests.judge import Judged, OtherPeople, judge_members, read_others
from faceforget.requests.keys import SigningKey
from faceforget.requests.ledger import Ledger, LedgerError
from faceforget.requests.open_requests import OpenRequests
from faceforget.requests.plan import Plan
from faceforget.requests.receipt import ERASED, NOT_ERASED, receipt_content, sign_receipt
from faceforget.requests.receipt_page import receipt_page

# Called after each step that a crash may separate from the next one.
Step = Callable[[str], None]
_JOINT, _ALONE = "joint", "alone"


@dataclass(frozen=True)
class Place:
    """Where a batch reads and writes.

    Attributes:
        model: The model before.
        out: Folder of the results.
        retained: A folder per person of people who stay, for the audit.
        strangers: A folder per person of people whom the model does not know.
    """

    model: Path
    out: Path
    retained: People | None = None
    strangers: People | None = None

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
class CarryOut:
    """A batch being carried out.

    Attributes:
        plan: What is to be done.
        place: Where.
        ledger: What was done.
        store: What is known of open requests.
        key: Signs receipts.
        runtime: Device, cache, progress.
        step: Told about each step.
        details: Messages about requests that failed in this run, with names; for the operator's eyes alone.
    """

    plan: Plan
    place: Place
    ledger: Ledger
    store: OpenRequests
    key: SigningKey
    runtime: Runtime
    step: Step
    details: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Everything that is left to do."""
        self._sweep()
        for group in self._groups():
            self._group(group)
        self._sweep()

    def _groups(self) -> list[list[str]]:
        ids = list(self.plan.requests)
        entries = [entry for request in ids for entry in self.ledger.of(request)]
        alone = not self.plan.configuration.joint or any(entry.body.get("mode") == _ALONE for entry in entries)
        return [[request] for request in ids] if alone else [ids]

    def _group(self, ids: Sequence[str]) -> None:
        self._close(ids)
        still_open = [request for request in ids if self._state(request) in ("planned", "running", "erased")]
        if not still_open:
            return
        before = load_recognizer(self._source(), self.runtime.torch_device)
        faces = replace(self.runtime, cache=RecentFaces(self.runtime.cache))
        members = self._examined(before, still_open, faces)
        others = self._others(before, members) if members else OtherPeople()
        while members:
            try:
                self._erased(before, members, faces)
            except (NotForgottenError, WrongPersonError, UsageError) as error:
                if len(members) == 1:
                    self._fail({members[0].request: {"reason": error.kind}}, {members[0].request: str(error)})
                    return
                # Nobody can say whose photos were to blame: each in a pass of their own.
                for member in members:
                    self._alone(member)
                return
            members = self._audited(before, members, others)

    def _alone(self, member: Member) -> None:
        """Mark the request as one to be carried out by itself, then do so."""
        attempt = self._last_attempt([member.request]) + 1
        self._note({member.request: self._running([member], _ALONE)}, "running", attempt)
        self._group([member.request])

    def _examined(self, before: Recognizer, ids: Sequence[str], faces: Runtime) -> list[Member]:
        """Those whose photos can be used; the others have failed."""
        members, errors = list[Member](), dict[str, FaceForgetError]()
        intake = faces.intake(before.spec.framing)
        for request in ids:
            known = self.store.get(request)
            if known is None:
                raise LedgerError(f"The file of the open request {request} is gone.", "It cannot be resumed.")
            allow = self.plan.configuration.allow_mismatch
            try:
                members.append(examine(before, known, intake, allow_mismatch=allow, progress=faces.progress))
            except FaceForgetError as error:
                errors[request] = error
        errors |= shared_photos(members)
        reasons = {request: {"reason": errors[request].kind} for request in ids if request in errors}
        self._fail(reasons, {request: str(error) for request, error in errors.items()})
        return [member for member in members if member.request not in errors]

    def _erased(self, before: Recognizer, members: Sequence[Member], faces: Runtime) -> None:
        """One pass for these members, down to a candidate model."""
        ids = [member.request for member in members]
        running = self._running(members, _JOINT if len(self._groups()) == 1 else _ALONE)
        attempt = self._attempt_of(ids, running)
        self._note(dict.fromkeys(ids, running), "running", attempt)
        if self._state(ids[0]) == "erased":
            return
        configuration = self.plan.configuration
        outcome = erase(
            before,
            {member.person: [photo.source for photo in member.read] for member in members},
            method=configuration.method,
            allow_mismatch=True,  # all photos were looked at together; a part of them has fewer witnesses
            runtime=replace(faces, seed=configuration.seed),
        )
        candidate = self._candidate(ids, attempt)
        save_recognizer(outcome.recognizer, candidate)
        self.step("candidate")
        body = {"after": sha256_file(candidate), "record": dict(outcome.record)}
        self._note(dict.fromkeys(ids, body), "erased", attempt)

    def _audited(self, before: Recognizer, members: Sequence[Member], others: OtherPeople) -> list[Member]:
        """The candidate goes live if everybody's audit passes; else returns those with whom to try again."""
        ids = [member.request for member in members]
        attempt, configuration = self._last_attempt(ids), self.plan.configuration
        after = load_recognizer(self._candidate(ids, attempt), self.runtime.torch_device)
        runtime = replace(self.runtime, seed=configuration.seed)
        judged = judge_members(before, after, members, others, configuration.promise, runtime)
        failed = {request: found for request, found in judged.items() if not found.passed}
        if failed:
            reasons = {request: {"reason": "audit", "audit": found.body} for request, found in failed.items()}
            self._fail(reasons, {request: _verdicts(found) for request, found in failed.items()})
            return [member for member in members if member.request not in failed]
        self._note({request: found.body for request, found in judged.items()}, "audited", attempt)
        self._close(ids)
        return []

    def _others(self, before: Recognizer, members: Sequence[Member]) -> OtherPeople:
        people, folders = [member.person for member in members], (self.place.retained, self.place.strangers)
        return read_others(before, people, folders, self.plan.configuration.promise, self.runtime)

    def _close(self, ids: Sequence[str]) -> None:
        """Take those that are through, or have failed, to closed."""
        labels: Sequence[str] | None = None
        for request in ids:
            if self._state(request) == "audited":
                labels = labels or self._go_live(request)
                self._purge(request, labels)
            if self._state(request) in ("purged", "failed"):
                self.store.destroy(request)
                self.step("destroyed")
                self._hand_out(request)

    def _go_live(self, request: str) -> Sequence[str]:
        """One rename; the names in the model that is live then."""
        erased = self._last(request, "erased")
        candidate = self._candidate(self._last(request, "running").body["members"], erased.attempt)
        source = candidate if candidate.exists() else self.place.live
        if not source.exists() or sha256_file(source) != erased.body["after"]:
            raise LedgerError(
                f"Expected the audited model (SHA-256 {erased.body['after'][:12]}...) at {source}, found another one.",
                "Put it back, or begin anew in another folder.",
            )
        if candidate.exists():
            candidate.replace(self.place.live)
            sync_folder(self.place.out)
        self._remove_candidates()
        self.step("live")
        return load_recognizer(self.place.live).labels

    def _purge(self, request: str, labels: Sequence[str]) -> None:
        known = self.store.get(request)
        if known is None:
            raise LedgerError(f"The file of the open request {request} is gone.", "It cannot be resumed.")
        caches = [FaceCache(), *([self.runtime.cache] if self.runtime.cache else [])]
        copies = purge(known, labels, self.place.model, self.plan.configuration, caches)
        self.step("copies")
        self._note({request: {"copies": copies}}, "purged", self._last_attempt([request]))

    def _hand_out(self, request: str) -> None:
        """The receipt, from the ledger alone, and the last entry."""
        entries = self.ledger.of(request)
        content = receipt_content(entries)
        signed = sign_receipt(content, self.key)
        write_atomically(self.place.receipt(request, ".html"), receipt_page(content, self.key.public).encode())
        write_atomically(self.place.receipt(request, ".json"), signed)
        self.step("receipt")
        outcome = ERASED if content["outcome"] == ERASED else NOT_ERASED
        body = {"outcome": outcome, "receipt": sha256_bytes(signed), "key": "destroyed"}
        self._note({request: body}, "closed", entries[-1].attempt)

    def _fail(self, reasons: Mapping[str, Mapping[str, Any]], details: Mapping[str, str]) -> None:
        if reasons:
            self.details.update(details)
            attempt = self._last_attempt(list(reasons))
            self._note(reasons, "failed", attempt)
            self._close(list(reasons))

    def _running(self, members: Sequence[Member], mode: str) -> dict[str, Any]:
        ids = [member.request for member in members]
        return {"before": sha256_file(self._source()), "members": ids, "mode": mode}

    def _attempt_of(self, ids: Sequence[str], running: Mapping[str, Any]) -> int:
        """The attempt to go on with, if it was one of exactly these members and its candidate is there."""
        last = self._last_attempt(ids)
        entries = [entry for entry in self.ledger.of(ids[0]) if entry.attempt == last]
        same = any(entry.state == "running" and entry.body == running for entry in entries)
        candidate = self._candidate(ids, last)
        for entry in entries:
            if entry.state == "erased":
                same = same and candidate.exists() and sha256_file(candidate) == entry.body["after"]
        return last if same else last + 1

    def _last_attempt(self, ids: Sequence[str]) -> int:
        return max(entry.attempt for request in ids for entry in self.ledger.of(request))

    def _last(self, request: str, state: State) -> Entry:
        return [entry for entry in self.ledger.of(request) if entry.state == state][-1]

    def _candidate(self, ids: Sequence[str], attempt: int) -> Path:
        return self.place.work / f"{ids[0]}-{attempt}.safetensors"

    def _state(self, request: str) -> State:
        return self.ledger.of(request)[-1].state

    def _source(self) -> Path:
        """The live model once somebody of this batch was audited, before that the operator's."""
        states = {entry.state for request in self.plan.requests for entry in self.ledger.of(request)}
        return self.place.live if "audited" in states else self.place.model

    def _note(self, steps: Mapping[str, Mapping[str, Any]], state: State, attempt: int) -> None:
        self.ledger.append(steps, state, attempt)
        self.step(state)
        closed = sum(self._state(request) == "closed" for request in self.plan.requests)
        self.runtime.progress(Event("requests", closed, len(self.plan.requests)))

    def _sweep(self) -> None:
        """Remove candidates that nobody needs any more, and what a crash left half-written."""
        states = {request: self._state(request) for request in self.plan.requests}
        if all(state in ("planned", "closed") for state in states.values()):
            self._remove_candidates()
        for folder in (self.place.out, self.place.work, self.place.out / "receipts"):
            for part in folder.glob(".*.part"):
                part.unlink()

    def _remove_candidates(self) -> None:
        if self.place.work.is_dir():
            shutil.rmtree(self.place.work)


def _verdicts(judged: Judged) -> str:
    outcomes = ", ".join(f"{name.replace('_', ' ')} {outcome}" for name, outcome in judged.body["verdicts"].items())
    return f"The audit of the new model did not pass: {outcomes}."
