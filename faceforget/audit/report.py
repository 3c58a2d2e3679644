"""One report on a pair of models: every question of the audit, asked of the model before and after."""

from collections.abc import Mapping
from dataclasses import dataclass

from faceforget.audit.classifier import ClassifierCheck
from faceforget.audit.estimates import Estimate, Rate, Sides, detailed, plain
from faceforget.audit.measures.collateral import Collateral
from faceforget.audit.measures.compactness import Compactness
from faceforget.audit.measures.heat_energy import HeatEnergy
from faceforget.audit.measures.heatmaps import HeatmapPair
from faceforget.audit.measures.probe import DepthProbe
from faceforget.audit.measures.relearning import Relearning
from faceforget.audit.measures.similarity import Alignment
from faceforget.audit.measures.verification import Verification
from faceforget.audit.questions.embedding_map import EmbeddingMap
from faceforget.audit.questions.membership import Membership
from faceforget.audit.questions.reenrolment import PrototypeAttack
from faceforget.audit.verdict import Verdict
from faceforget.photos.align import RGB
from faceforget.recognizer.recognizer import Recognition

# Measures of the same name as their key in the JSON.
_MEASURES = (
    "reenrolment", "prototype", "verification", "probe", "compactness", "cka", "cka_reference", "membership",
    "perturbation", "relearning", "relearning_layer_off", "collateral", "energy",
)  # fmt: skip


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
class HeatedFace:
    """A face and where the models look when they are asked for the person in it."""

    person: str
    crop: RGB
    heat: HeatmapPair


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
        reenrolment: Rank-1 after the person is enrolled again from 1, 5, 10 photos.
        prototype: The person's row rebuilt from the forget photos.
        verification: Pairwise comparison.
        probe: What the frozen features still know, by depth.
        compactness: The person's cluster.
        cka: Similarity of the features after to those before, by depth.
        cka_reference: The same of the retrained model; None without one.
        collateral: The price that others pay.
        membership: Whether the photos can be told to have been in training.
        perturbation: Forget photos recognised again after a small change, the old row put back.
        relearning: Steps until the person is known again and told from strangers; only in a deep audit.
        relearning_layer_off: The same with the layer of the erasure taken off; None where there is none.
        photos: Unseen photos of the erased persons with their answers.
        heatmaps: A few photos of the erased persons (first) and of retained people.
        energy: Share of the heat inside the face.
        map: Embeddings before and after in two dimensions.
        seconds: Wall time by part.
    """

    check: ClassifierCheck
    verdict: Verdict
    only_head: bool
    reference: str
    stand_ins: tuple[str, ...]
    reenrolment: Sides[Mapping[str, Estimate]]
    prototype: Sides[PrototypeAttack]
    verification: Sides[Verification]
    probe: Sides[Mapping[str, DepthProbe]]
    compactness: Sides[Compactness]
    cka: Mapping[str, Alignment]
    cka_reference: Mapping[str, Alignment] | None
    collateral: Collateral
    membership: Sides[Membership]
    perturbation: Sides[Mapping[str, Rate]]
    relearning: Sides[Relearning] | None
    relearning_layer_off: Sides[Relearning] | None
    photos: tuple[AuditedPhoto, ...]
    heatmaps: tuple[HeatedFace, ...]
    energy: Sides[HeatEnergy]
    map: EmbeddingMap
    seconds: Mapping[str, float]

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON: numbers alone, and under ``details`` with interval, photos and note."""
        check = self.check.to_dict()
        measures = {name: getattr(self, name) for name in _MEASURES}
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
            "details": {"accuracy": check["details"]["accuracy"], **details},  # type: ignore[index]
            "seconds": {part: round(value, 2) for part, value in self.seconds.items()},
        }
