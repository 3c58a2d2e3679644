"""Take the requests of a planned batch from wherever they are to closed.

Every step is recorded in the ledger after its effect is on disk, and does nothing where the effect is there already:
so the same code begins a batch and resumes one. A group of requests shares one pass of erasure; it has one candidate
model, which goes live by one rename after the audit of everybody in the group, if it lets it. Requests of different
methods are in different groups, each of which starts from the model that the one before has left. Whose audit fails in
a joint pass is taken out, and tried again alone, by the same method, once all groups are through: what was not enough
among many may be enough for one.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from faceforget.api.erase_people import erase
from faceforget.api.runtime import Runtime
from faceforget.errors import DestroyedModelError, FaceForgetError, NotForgottenError, UsageError, WrongPersonError
from faceforget.files import sha256_file
from faceforget.photos.cache import FrozenCache
from faceforget.photos.intake import PhotoIntake
from faceforget.photos.photo import Photo
from faceforget.recognizer.recognizer import Recognizer
from faceforget.recognizer.storage import save_recognizer
from faceforget.requests.closing import Closing
from faceforget.requests.open_requests import OpenRequest
from faceforget.requests.reasons import failure_of
from faceforget.requests.steps.examine import Member, examine, read_photos, shared_photos, sharing
from faceforget.requests.steps.judge import Judged, OtherPeople, judge_members, read_others
from faceforget.unlearn.base import DivergedError

# How a request is carried out: with all others of its method; alone, as all of these; alone, after everybody.
_JOINT, _ALONE, _LATER = "joint", "alone", "later"
# What is left of these is to close them.
_THROUGH = ("audited", "purged", "failed")
# What fails a request and not the whole batch.
_OWN_FAULTS = (NotForgottenError, DestroyedModelError, DivergedError, WrongPersonError, UsageError)


class NotPassedError(FaceForgetError):
    """The audit of a new model did not pass."""


@dataclass
class CarryOut(Closing):
    """A batch being carried out.

    Attributes:
        known: Photos that were read before it, by hash.
    """

    known: Mapping[str, Photo] = field(default_factory=dict)
    _origin: Recognizer | None = field(default=None, init=False)
    # Of the requests' photos, and of others' for the audit: each file is opened once, however many passes there are.
    _own_intake: PhotoIntake | None = field(default=None, init=False)
    _others_intake: PhotoIntake | None = field(default=None, init=False)

    def run(self) -> None:
        """Everything that is left to do."""
        self._sweep()
        self._origin = self._before_the_list()
        # What a crash has left half closed: before anything else, as it would have been without the crash.
        self.close([r for r in self.plan.requests if self.state(r) in _THROUGH])
        done = set[tuple[str, ...]]()
        while left := [group for group in self._groups() if group not in done]:
            self._group(left[0])
            done.add(left[0])
        self._sweep()

    def _before_the_list(self) -> Recognizer | None:
        """The operator's model: others are compared with it, however many passes there are. None once it is gone."""
        path = self.place.model
        if not path.exists() or sha256_file(path) != self.plan.model:
            return None
        return self.runtime.load(path)

    def close(self, ids: Sequence[str]) -> None:
        """Take those that are through, or have failed, to closed, and keep their photos no longer."""
        files = {known.id: known.files for known in filter(None, map(self.store.get, ids))}
        super().close(ids)
        for request, own in files.items():
            if self._own_intake is not None and self.state(request) == "closed":
                for file in own:
                    self._own_intake.let_go(file.path)

    def _read(self, before: Recognizer, requests: Sequence[OpenRequest]) -> tuple[dict[str, list[Photo]], PhotoIntake]:
        """The photos of requests, by request, and what has read them."""
        if self._own_intake is None:
            self._own_intake = self._frozen().intake(before.spec.framing, keep=True)
        photos = read_photos(requests, self._own_intake, self.known, self.runtime.progress)
        return photos, self._own_intake

    def _frozen(self) -> Runtime:
        """Leaves the cache on disk as it is: a person's faces go from it when their request is closed."""
        return replace(self.runtime, cache=FrozenCache(self.runtime.cache))

    def _groups(self) -> list[tuple[str, ...]]:
        """In their order; what was recorded so far decides, so that a resumed batch goes the same way."""
        modes, groups = self._modes(), list[tuple[str, ...]]()
        for own in self.plan.by_method() if self.plan.configuration.joint else [self.plan.requests]:
            together = tuple(request for request in own if modes[request] == _JOINT)
            groups += [together] if together else []
            groups += [(request,) for request in own if modes[request] == _ALONE]
        return [*groups, *((request,) for request, mode in modes.items() if mode == _LATER)]

    def _modes(self) -> dict[str, str]:
        """How each request is to be carried out, in the order of the list."""
        noted = {r: {entry.body.get("mode") for entry in self.ledger.of(r)} for r in self.plan.requests}
        if not self.plan.configuration.joint:
            return dict.fromkeys(noted, _ALONE)
        modes = {request: _LATER if _LATER in own else _JOINT for request, own in noted.items()}
        for group in self.plan.by_method():
            if any(_ALONE in noted[request] for request in group):
                modes |= {request: _ALONE for request in group if modes[request] == _JOINT}
        return modes

    def _group(self, ids: Sequence[str]) -> None:
        self.close(ids)
        still_open = [request for request in ids if self.state(request) in ("planned", "running", "erased")]
        if not still_open:
            return
        before = self.runtime.load(self.source())
        members = self._examined(before, still_open)
        while members:
            try:
                self._erased(before, members)
            except _OWN_FAULTS as error:
                if len(members) == 1:
                    self._fail({members[0].request: failure_of(error)}, {members[0].request: error})
                    return
                # Nobody can say whose photos were to blame: each in a pass of their own.
                self._one_by_one(members)
                return
            members = self._audited(before, members)

    def _one_by_one(self, members: Sequence[Member]) -> None:
        """Mark each request as one to be carried out by itself, then do so."""
        for member in members:
            attempt = self.last_attempt([member.request]) + 1
            self.note({member.request: self._running([member], _ALONE)}, "running", attempt)
            self._group([member.request])

    def _examined(self, before: Recognizer, ids: Sequence[str]) -> list[Member]:
        """Those whose photos can be used; the others have failed."""
        members, errors = list[Member](), dict[str, FaceForgetError]()
        requests = [self.open_request(request) for request in ids]
        photos, intake = self._read(before, requests)
        for request in requests:
            allow = self.plan.configuration.allow_mismatch
            try:
                members.append(examine(before, request, photos[request.id], intake, allow_mismatch=allow))
            except FaceForgetError as error:
                errors[request.id] = error
        errors |= shared_photos([*members, *self._sharing(before, members, ids)])
        reasons = {request: failure_of(errors[request]) for request in self.plan.requests if request in errors}
        self._fail(reasons, errors)
        return [member for member in members if member.request not in errors]

    def _sharing(self, before: Recognizer, members: Sequence[Member], ids: Sequence[str]) -> list[Member]:
        """Requests of other groups that have still to come, and are given a photo of these members."""
        modes = self._modes()
        to_come = [r for r in modes if r not in ids and modes[r] == _JOINT and self.state(r) == "planned"]
        found = list[Member]()
        allow = self.plan.configuration.allow_mismatch
        for request in sharing(members, [self.open_request(request) for request in to_come]):
            photos, intake = self._read(before, [request])
            with suppress(FaceForgetError):  # it fails of itself, when its turn comes
                found.append(examine(before, request, photos[request.id], intake, allow_mismatch=allow))
        return found

    def _erased(self, before: Recognizer, members: Sequence[Member]) -> None:
        """One pass for these members, down to a candidate model."""
        ids = [member.request for member in members]
        running = self._running(members, self._modes()[ids[0]])
        attempt = self._attempt_of(ids, running)
        self.note(dict.fromkeys(ids, running), "running", attempt)
        if self.state(ids[0]) == "erased":
            return
        configuration = self.plan.configuration
        outcome = erase(
            before,
            {member.person: member.read for member in members},
            method=self.plan.method_of(ids[0]),
            allow_mismatch=True,  # all photos were looked at together; a part of them has fewer witnesses
            runtime=replace(self._frozen(), seed=configuration.seed),
        )
        candidate = self.candidate(ids, attempt)
        save_recognizer(outcome.recognizer, candidate)
        self.step("candidate")
        body = {"after": sha256_file(candidate), "record": dict(outcome.record), "health": outcome.health.to_dict()}
        self.note(dict.fromkeys(ids, body), "erased", attempt)

    def _audited(self, before: Recognizer, members: Sequence[Member]) -> list[Member]:
        """The candidate goes live if everybody's audit passes; else returns those with whom to try again now."""
        ids = [member.request for member in members]
        attempt, configuration = self.last_attempt(ids), self.plan.configuration
        after = self.runtime.load(self.candidate(ids, attempt))
        runtime = replace(self.runtime, seed=configuration.seed)
        others = self._others(before, members)
        origin = before if self.source() == self.place.model else self._origin
        judged = judge_members(before, after, members, others, configuration.promise, runtime, origin)
        failed = {request: found for request, found in judged.items() if not found.passed}
        if failed and len(members) > 1 and all(found.kept for found in failed.values()):
            # Everybody else pays for all of them together; for one at a time it may be bearable.
            self._one_by_one(members)
            return []
        if failed and len(members) > 1:
            out = [member for member in members if member.request in failed]
            self.note({member.request: self._running([member], _LATER) for member in out}, "running", attempt + 1)
            return [member for member in members if member.request not in failed]
        if failed:
            reasons = {request: {"reason": "audit", "audit": found.body} for request, found in failed.items()}
            self._fail(reasons, {request: NotPassedError(_verdicts(found)) for request, found in failed.items()})
            return []
        self.note({request: found.body for request, found in judged.items()}, "audited", attempt)
        self.close(ids)
        return []

    def _others(self, before: Recognizer, members: Sequence[Member]) -> OtherPeople:
        people, folders = [member.person for member in members], (self.place.retained, self.place.strangers)
        if self._others_intake is None:
            self._others_intake = self.runtime.intake(before.spec.framing, keep=True)
        promise, progress = self.plan.configuration.promise, self.runtime.progress
        return read_others(before, people, folders, promise, self._others_intake, progress)

    def _fail(self, reasons: Mapping[str, Mapping[str, Any]], errors: Mapping[str, FaceForgetError]) -> None:
        if reasons:
            self.errors.update(errors)
            attempt = self.last_attempt(list(reasons))
            self.note(reasons, "failed", attempt)
            self.close(list(reasons))

    def _running(self, members: Sequence[Member], mode: str) -> dict[str, Any]:
        ids = [member.request for member in members]
        return {"before": sha256_file(self.source()), "members": ids, "mode": mode}

    def _attempt_of(self, ids: Sequence[str], running: Mapping[str, Any]) -> int:
        """The attempt to go on with, if it was one of exactly these members and its candidate is there."""
        last = self.last_attempt(ids)
        entries = [entry for entry in self.ledger.of(ids[0]) if entry.attempt == last]
        same = any(entry.state == "running" and entry.body == running for entry in entries)
        candidate = self.candidate(ids, last)
        for entry in entries:
            if entry.state == "erased":
                same = same and candidate.exists() and sha256_file(candidate) == entry.body["after"]
        return last if same else last + 1

    def _sweep(self) -> None:
        """Remove candidates that nobody needs any more, and what a crash left half-written."""
        states = {request: self.state(request) for request in self.plan.requests}
        if all(state in ("planned", "closed") for state in states.values()):
            self.remove_candidates()
        for folder in (self.place.out, self.place.work, self.place.out / "receipts"):
            for part in folder.glob(".*.part"):
                part.unlink()


def _verdicts(judged: Judged) -> str:
    reasons = judged.body["reasons"]
    outcomes = ", ".join(
        f"{name.replace('_', ' ')} {outcome}" + (f" ({reasons[name]})" if name in reasons else "")
        for name, outcome in judged.body["verdicts"].items()
    )
    return f"The audit of the new model did not pass: {outcomes}."
