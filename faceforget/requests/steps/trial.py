"""How long will a batch take? Erase and audit one person in memory, and see."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from faceforget.api.erase_people import erase
from faceforget.api.runtime import Runtime
from faceforget.errors import FaceForgetError
from faceforget.recognizer.recognizer import Recognizer
from faceforget.requests.closing import Place
from faceforget.requests.plan import Configuration
from faceforget.requests.steps.examine import Member
from faceforget.requests.steps.judge import judge_members, read_others

T = TypeVar("T")
# How often an erasure embeds each photo: before, while it changes the model, after, and mirrored.
_LOOKS = 4


@dataclass(frozen=True)
class Trial:
    """Seconds of each part, measured once.

    Attributes:
        others: Read the faces of others for the audit.
        erasure: One pass for one person.
        audit: Of that person.
        embedding: Of one photo.
        photos: That the pass read.
    """

    others: float
    erasure: float
    audit: float
    embedding: float
    photos: int

    def seconds(self, members: Sequence[Member], joint: bool) -> float:
        """What erasing and auditing these people will take, if nobody fails.

        A joint pass reads the anchors once and everybody's photos; a batch of single passes does all of it each time.
        """
        passes = 1 if joint else len(members)
        rest = sum(len(member.read) for member in members) - passes * self.photos
        more = max(0, rest) * _LOOKS * self.embedding
        return passes * (self.others + self.erasure) + more + len(members) * self.audit


def try_one(
    before: Recognizer, members: Sequence[Member], place: Place, configuration: Configuration, runtime: Runtime
) -> Trial | None:
    """Erase and audit the first person, write nothing; None where that fails.

    Args:
        before: The model.
        members: Whose photos can be used; at least one.
        place: Where others' faces are.
        configuration: How.
        runtime: Its cache must hold the members' faces and leave the disk alone (:class:`RecentFaces`).
    """
    member, runtime = members[0], replace(runtime, seed=configuration.seed)
    try:
        erasure, outcome = _timed(
            lambda: erase(
                before,
                {member.person: [photo.source for photo in member.read]},
                method=configuration.method,
                allow_mismatch=True,
                runtime=runtime,
            )
        )
        folders = (place.retained, place.strangers)
        others, faces = _timed(
            lambda: read_others(before, [m.person for m in members], folders, configuration.promise, runtime)
        )
        audit, _ = _timed(
            lambda: judge_members(before, outcome.recognizer, [member], faces, configuration.promise, runtime, before)
        )
        embedding, _ = _timed(lambda: before.embed(member.crops()[1]))
    except FaceForgetError:
        return None
    return Trial(others, erasure, audit, embedding / len(member.read), len(member.read))


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found
