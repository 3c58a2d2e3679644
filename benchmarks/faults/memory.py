"""What an undisturbed batch has computed, so that a killed one need not compute it again."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from unittest.mock import patch

from faceforget import api
from faceforget.api import ErasureOutcome, FaceCache, PhotoSource, Recognizer
from faceforget.lab import Judged, Member, carry_out

Photos = Mapping[str, Sequence[PhotoSource]]


class KeptFaces(FaceCache):
    """Found faces that no erasure removes: a kill is about the batch, and finding faces takes most of its time."""

    def forget(self, sha256: str) -> int:
        """They are wanted again for the next kill."""
        return 0


@dataclass
class Memory:
    """What an undisturbed run computed, by what was asked."""

    erased: dict[object, ErasureOutcome] = field(default_factory=dict)
    judged: dict[object, list[Judged]] = field(default_factory=dict)

    @contextmanager
    def recording(self, bad: Sequence[str] = (), *, recall: bool = True) -> Iterator[None]:
        """Let batches remember and, if ``recall``, use it; the audits of the people in ``bad`` fail."""
        erase, judge = carry_out.erase, carry_out.judge_members

        def erase_once(
            before: Recognizer, photos: Photos, *, method: str, allow_mismatch: bool, runtime: api.Runtime
        ) -> ErasureOutcome:
            key = (before.weights_hash(), before.labels, tuple(photos), method)
            if key not in self.erased or not recall:
                self.erased[key] = erase(before, photos, method=method, allow_mismatch=allow_mismatch, runtime=runtime)
            return self.erased[key]

        def judge_once(
            before: Recognizer, after: Recognizer, members: Sequence[Member], *rest: object
        ) -> dict[str, Judged]:
            people = tuple(member.person for member in members)
            key = (after.weights_hash(), after.labels, people)
            if key not in self.judged or not recall:
                judged = judge(before, after, members, *rest)
                self.judged[key] = [judged[member.request] for member in members]
            found = zip(members, self.judged[key], strict=True)
            return {
                m.request: replace(j, passed=j.passed and m.person not in bad, kept=j.kept and m.person not in bad)
                for m, j in found
            }

        with patch.object(carry_out, "erase", erase_once), patch.object(carry_out, "judge_members", judge_once):
            yield
