"""Was the promise kept, for each person of a batch?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from faceforget.api.audit_erasure import retained_crops, stand_ins_for, stranger_crops
from faceforget.api.runtime import People, Runtime
from faceforget.audit.compared import look_at_all
from faceforget.audit.looking import Memory, look
from faceforget.audit.outcomes import FAILED, NOT_MEASURED, PASSED, Outcome
from faceforget.audit.promises import Promises, keep_promises
from faceforget.audit.verdict import Finding
from faceforget.audit.view import Crops, Faces, View
from faceforget.compute.threads import one_blas_thread
from faceforget.photos.intake import PhotoIntake
from faceforget.progress import Progress, silent, tracked
from faceforget.recognizer.recognizer import Recognizer
from faceforget.requests.steps.examine import Member

# What was promised. A model goes live where each of these has passed, or where nothing speaks against it but that there
# were too few photos to say: nobody's erasure is refused because they had few photos, and the receipt says those words.
# Failed, passed in part and not measured keep it from going live.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "forgotten": ("forgotten",),
    "unrecognisable": ("forgotten", "unrecognisable"),
}
# What must not have failed, whatever was promised: an erasure that breaks the model forgets everybody. Where it cannot
# be measured, or costs a little, the receipt says so.
UNBROKEN = ("others_kept",)
_STAND_INS = "Rendered people, who do not exist, stood in for strangers: real people are harder to tell apart."
_NO_ORIGIN = (
    "The model before the list was no longer there: what others lost was counted from the model before this request, "
    "not from the model before the whole list."
)
_SAME_PHOTOS = "There were too few photos to hold some back: the check was on the photos that the erasure read."


@dataclass(frozen=True)
class OtherPeople:
    """Faces of others for the audit.

    Attributes:
        retained: People who stay, by name.
        strangers: People whom the model does not know.
        stand_ins: Whether the strangers are rendered.
    """

    retained: Mapping[str, Crops] = field(default_factory=dict)
    strangers: Mapping[str, Crops] = field(default_factory=dict)
    stand_ins: bool = False


def read_others(
    before: Recognizer,
    erased: Sequence[str],
    folders: tuple[People | None, People | None],
    promise: str,
    intake: PhotoIntake,
    progress: Progress = silent,
) -> OtherPeople:
    """Read retained people and strangers.

    Rendered people stand in for strangers where the promise cannot be judged without any.

    Args:
        before: The model.
        erased: Labels of those who are erased.
        folders: A folder per person of people who stay, and one of strangers.
        promise: What is promised.
        intake: Keeps what it reads, so that no file is opened again for the next pass.
        progress: Called after every photo.

    Raises:
        PeopleFolderError: A folder holds nobody that it should.
    """
    retained = retained_crops(folders[0], before, erased, intake, progress)
    strangers = stranger_crops(folders[1], before, intake, progress)
    if strangers or promise != "unrecognisable":
        return OtherPeople(retained, strangers)
    return OtherPeople(retained, stand_ins_for(before, intake, progress), True)


@dataclass(frozen=True)
class Judged:
    """The audit of one person.

    Attributes:
        passed: Whether the model may go live for them.
        kept: Whether nothing speaks against what was promised to them; if so and not passed, others paid too much.
        body: Verdicts, and every number that was judged, with threshold and reference; no names.
    """

    passed: bool
    kept: bool
    body: Mapping[str, Any]


def judge_members(
    before: Recognizer,
    after: Recognizer,
    members: Sequence[Member],
    others: OtherPeople,
    promise: str,
    runtime: Runtime,
    origin: Recognizer | None = None,
) -> dict[str, Judged]:
    """Audit each person by themselves, by request.

    Args:
        before: The model before this pass.
        after: The candidate, without any of the members' rows.
        members: Whom to ask about.
        others: Other people's faces.
        origin: The model before the whole list, which others are compared with; None where it is no longer there.
        promise: What was promised.
        runtime: Seed, progress.
    """
    memory, judged = Memory(), dict[str, Judged]()
    with one_blas_thread():
        _look_at_once(before, after, members, memory, runtime)
        for member in tracked(members, "auditing", len(members), runtime.progress):
            check, read = member.crops()
            faces = Faces({member.person: check}, {member.person: read}, others.retained, others.strangers)
            compared = look_at_all(before, after, None, faces, depths=False, rendered=others.stand_ins, memory=memory)
            found = keep_promises(compared, faces, origin=_looked(origin, before, faces, memory), seed=runtime.seed)
            body = _judged(found, compared.reference, member, others, promise)
            judged[member.request] = body if origin is not None else _without_origin(body)
    return judged


def _looked(origin: Recognizer | None, before: Recognizer, faces: Faces, memory: Memory) -> View | None:
    """What the model before the list makes of the photos; None where that is the model before this pass."""
    if origin is None or origin is before:
        return None
    return look(origin, origin, faces, depths=False, memory=memory)


def _without_origin(judged: Judged) -> Judged:
    """Where others cannot be compared with the model before the list, a receipt does not say that they were kept."""
    verdicts, body = judged.body["verdicts"], judged.body
    reasons = body["reasons"]
    for name in UNBROKEN:
        if verdicts.get(name) == PASSED:
            verdicts = verdicts | {name: NOT_MEASURED}
            reasons = reasons | {name: "the model before the list was no longer there"}
    limits = [_NO_ORIGIN, *body["not_proven"]]
    return replace(judged, body={**body, "verdicts": verdicts, "reasons": reasons, "not_proven": limits})


def _look_at_once(
    before: Recognizer, after: Recognizer, members: Sequence[Member], memory: Memory, runtime: Runtime
) -> None:
    """Everybody's photos go through both models together: full batches take half of the time of single photos."""
    check, read = zip(*(member.crops() for member in members), strict=True)
    names = [member.person for member in members]
    faces = Faces(dict(zip(names, check, strict=True)), dict(zip(names, read, strict=True)), {}, {})
    look_at_all(before, after, None, faces, depths=False, memory=memory, progress=runtime.progress)


def _judged(found: Promises, reference: str, member: Member, others: OtherPeople, promise: str) -> Judged:
    outcomes: dict[str, Outcome] = {name: found.verdict.of(name) for name in found.verdict.findings}
    kept = found.check.rows_removed and all(found.verdict.holds_so_far(name) for name in REQUIRED[promise])
    passed = kept and not any(outcomes.get(name) == FAILED for name in UNBROKEN)
    limits = [_SAME_PHOTOS] if not member.unseen else []
    limits += [_STAND_INS] if others.stand_ins and others.strangers else []
    return Judged(
        passed,
        kept,
        {
            "passed": passed,
            "rows_removed": found.check.rows_removed,
            "required": list(REQUIRED[promise]),
            "unbroken": list(UNBROKEN),
            "verdicts": outcomes,
            "reasons": {name: why for name in outcomes if (why := found.verdict.reason(name))},
            "findings": {name: [_plain(f) for f in own] for name, own in found.verdict.findings.items()},
            "reference": reference,
            "photos": {"read": len(member.read), "checked": len(member.check), "unseen": member.unseen},
            "not_proven": [*limits, *found.check.not_proven],
        },
    )


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "outcome": finding.outcome,
        "at_value": finding.at_value,
        "reason": finding.reason,
        "value": finding.value,
        "interval": list(finding.interval) if finding.interval else None,
        "photos": finding.photos,
        "reference": finding.reference,
        "criterion": finding.criterion.model_dump() | ({"unit": unit} if (unit := finding.criterion.unit) else {}),
    }
