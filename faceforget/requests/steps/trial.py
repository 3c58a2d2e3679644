"""How long will a batch take, and what will be used? Erase and audit one person in memory, and see."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from faceforget.api.erase_people import erase
from faceforget.api.runtime import Runtime
from faceforget.errors import FaceForgetError
from faceforget.photos.intake import PhotoIntake
from faceforget.recognizer.head import to_images
from faceforget.recognizer.recognizer import Recognizer
from faceforget.requests.closing import Place
from faceforget.requests.plan import Configuration
from faceforget.requests.steps.examine import Member
from faceforget.requests.steps.judge import judge_members, read_others
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.registry import make_method

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

    def seconds(self, group: "Group") -> float:
        """What erasing and auditing these people will take, if nobody fails.

        A joint pass reads the anchors once and everybody's photos; a batch of single passes does all of it each time.
        """
        members, passes = group.members, len(group.passes)
        rest = sum(len(member.read) for member in members) - passes * self.photos
        more = max(0, rest) * _LOOKS * self.embedding
        return passes * (self.others + self.erasure) + more + len(members) * self.audit


@dataclass(frozen=True)
class Group:
    """Requests of one method, whose photos can be used.

    Attributes:
        configuration: How, with that method.
        members: At least one.
    """

    configuration: Configuration
    members: tuple[Member, ...]

    @property
    def passes(self) -> tuple[tuple[Member, ...], ...]:
        """Who is erased in one pass, if nobody fails."""
        return (self.members,) if self.configuration.joint else tuple((member,) for member in self.members)


def groups_of(members: Sequence[Member], how: Mapping[str, Configuration]) -> tuple[Group, ...]:
    """The groups in the order in which their methods first come.

    Args:
        members: Of the batch.
        how: By request: how, with its method.
    """
    groups: dict[str, list[Member]] = {}
    for member in members:
        groups.setdefault(how[member.request].method_used, []).append(member)
    return tuple(Group(how[own[0].request], tuple(own)) for own in groups.values())


def settings_used(before: Recognizer, groups: Sequence[Group]) -> dict[str, Mapping[str, Any]]:
    """By request the settings as the history of the new model will have them, if nobody fails."""
    return {
        member.request: settings
        for group in groups
        for together in group.passes
        for settings in [_settled(before, together, group.configuration.method_used)]
        for member in together
    }


def _settled(before: Recognizer, members: Sequence[Member], method: str) -> Mapping[str, Any]:
    images = to_images(np.concatenate([member.crops()[1] for member in members]), before.device)
    forget = ForgetSet(images, tuple(before.index_of(member.person) for member in members))
    return make_method(method).settled(before.classifier, forget).settings.model_dump(mode="json")


def try_groups(before: Recognizer, groups: Sequence[Group], place: Place, runtime: Runtime) -> tuple[Trial, ...]:
    """Erase and audit the first person of each group, write nothing; none where one of them fails.

    Args:
        before: The model.
        groups: Those of each method.
        place: Where others' faces are.
        runtime: Its cache must leave the disk alone (:class:`FrozenCache`).
    """
    intake = runtime.intake(before.spec.framing, keep=True)
    trials = [_try_one(before, group, place, intake, runtime) for group in groups]
    tried = tuple(trial for trial in trials if trial is not None)
    return tried if len(tried) == len(groups) else ()


def _try_one(before: Recognizer, group: Group, place: Place, intake: PhotoIntake, runtime: Runtime) -> Trial | None:
    configuration, members = group.configuration, group.members
    member, runtime = members[0], replace(runtime, seed=configuration.seed)
    try:
        erasure, outcome = _timed(
            lambda: erase(
                before,
                {member.person: member.read},
                method=configuration.method_used,
                allow_mismatch=True,
                runtime=runtime,
            )
        )
        folders = (place.retained, place.strangers)
        others, faces = _timed(
            lambda: read_others(before, [m.person for m in members], folders, configuration.promise, intake)
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
