"""One report on a pair of models: every question of the audit, asked of the model before and after."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faceforget.audit.classifier import ClassifierCheck
from faceforget.audit.estimates import detailed, plain
from faceforget.audit.question import Question
from faceforget.audit.registry import questions
from faceforget.audit.verdict import Verdict
from faceforget.photos.align import RGB
from faceforget.recognizer.recognizer import Recognition


@dataclass(frozen=True)
class AuditedPhoto:
    """An unseen photo of an erased person and what the models, as they are handed out, answer.

    Attributes:
        person: Whom it shows.
        crop: ``(S, S, 3)`` the face as the models see it.
        before: Answer of the model before.
        after: Answer of the model after.
    """

    person: str
    crop: RGB
    before: Recognition
    after: Recognition


@dataclass(frozen=True)
class AuditReport:
    """What is left of the erased persons.

    Attributes:
        check: What the classifier answers, and whose models these are.
        verdict: Whether the promises were kept.
        only_head: Whether nothing but the head differs: the features are those of before.
        reference: What stands beside the numbers, in words: a retrained model, or so many strangers in the
            person's place.
        stand_ins: Groups (``strangers``) for which rendered people stood in.
        answers: By the question's name, of each that was asked.
        photos: Unseen photos of the erased persons with their answers.
        seconds: Wall time by part.
    """

    check: ClassifierCheck
    verdict: Verdict
    only_head: bool
    reference: str
    stand_ins: tuple[str, ...]
    answers: Mapping[str, Any]
    photos: tuple[AuditedPhoto, ...]
    seconds: Mapping[str, float]

    def answered(self) -> tuple[tuple[Question[Any], Any], ...]:
        """Each question that was asked, with its answer, in order."""
        return tuple(
            (question, self.answers[question.name]) for question in questions() if question.name in self.answers
        )

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON: numbers alone, and under ``details`` with interval, photos and note."""
        check = self.check.to_dict()
        measures: dict[str, object] = {}
        for question in questions():
            measures |= question.numbers(self.answers.get(question.name))
        details = {name: detailed(value) for name, value in measures.items()}
        findings = {promise: plain(found) for promise, found in self.verdict.findings.items()}
        return {
            **check,
            **{name: plain(value) for name, value in measures.items()},
            "verdict": self.verdict.to_dict(),
            "verdict_at_value": {promise: self.verdict.at_value(promise) for promise in self.verdict.findings},
            "verdict_reasons": {promise: self.verdict.reason(promise) for promise in self.verdict.findings},
            "findings": findings,
            "only_head": self.only_head,
            "reference": self.reference,
            "stand_ins": list(self.stand_ins),
            "details": {**check["details"], **details},  # type: ignore[dict-item]
            "seconds": {part: round(value, 2) for part, value in self.seconds.items()},
        }
