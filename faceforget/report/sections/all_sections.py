"""All questions, in the order in which a reader asks them."""

from faceforget.audit.report import AuditReport
from faceforget.report.document import Section
from faceforget.report.sections import (
    accuracy,
    collateral,
    embedding_map,
    features,
    heatmaps,
    membership,
    perturbation,
    reenrolment,
    relearning,
    verification,
)


def sections(report: AuditReport) -> tuple[Section, ...]:
    """A section per question that was asked."""
    found = (
        accuracy.section(report),
        reenrolment.section(report),
        verification.section(report),
        features.section(report),
        membership.section(report),
        perturbation.section(report),
        collateral.section(report),
        heatmaps.section(report),
        embedding_map.section(report),
        relearning.section(report),
    )
    return tuple(section for section in found if section is not None)
