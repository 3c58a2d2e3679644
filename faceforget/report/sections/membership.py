"""Can it be told that the person's photos were enrolled?"""

from dataclasses import replace

from faceforget.audit.estimates import Measured
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.words import amount, photos_of, rate
from faceforget.report.charts import Row, ranges
from faceforget.report.document import Chart, Section
from faceforget.report.sections.common import known, measured, missing, reference_line, reference_name, table, who

_SCORES = {"confidence": "confidence", "modified_entropy": "modified entropy"}
# An AUC whose interval holds this tells nothing.
_GUESSING = 0.5


def section(report: AuditReport) -> Section:
    """The controlled and the trained attack."""
    areas, judged = _areas(report), _judged(report)
    charts = []
    if measured(areas):
        words = "AUC of telling enrolled from unseen photos of the same person: 0.5 (dashed) is guessing, and best."
        charts.append(
            Chart(ranges(measured(areas), reference=reference_name(report), mark=_GUESSING, percent=False), words)
        )
    if measured(judged):
        words = "Share of photos that the trained attack takes for enrolled; the unseen photos are its control."
        charts.append(Chart(ranges(measured(judged), reference=reference_name(report)), words))
    after = report.membership.after
    return Section(
        title="Can it be told that these photos were enrolled?",
        sentence=_sentence(report),
        charts=tuple(charts),
        missing=missing([areas[0], judged[0]]),
        method="Controlled: the photos that the erasure read against unseen ones of the same person, ranked by "
        "confidence "
        "and by modified entropy (Song and Mittal 2021, arXiv 2003.10595). Trained: a support-vector machine that "
        "learns "
        "from people who stay (after Shokri et al. 2017, arXiv 1610.05820). Such attacks on a population "
        "overestimate privacy (arXiv 2403.01218).",
        basis=f"{photos_of(next(iter(after.auc.values()), None))} of {who(report)}; bootstrap over photos, Wilson for "
        "shares.",
        reference=reference_line(report)
        + " A number below the reference is not better: it marks the photos just as well.",
        tables=(
            table(report, "All areas under the curve", areas, percent=False),
            table(report, "The trained attack", [*judged, _accuracy(report)]),
        ),
    )


def _row(report: AuditReport, words: str, *path: str) -> Row:
    sides = report.membership

    def value(side: object) -> Measured | None:
        for key in path:
            side = None if side is None else side.get(key) if isinstance(side, dict) else getattr(side, key)
        return side if isinstance(side, Measured) else None

    return Row(words, value(sides.before), value(sides.after), value(sides.reference))


def _areas(report: AuditReport) -> list[Row]:
    used = [_row(report, f"By {words}", "auc", key) for key, words in _SCORES.items()]
    kept = [_row(report, f"By {words}, the old row put back", "auc_row_kept", key) for key, words in _SCORES.items()]
    # A stranger has no old row.
    kept = [row if known(row.reference) else replace(row, reference=None) for row in kept]
    return [*used, *(kept if report.check.rows_removed else [])]


def _judged(report: AuditReport) -> list[Row]:
    return [
        _row(report, "Photos that the erasure read, taken for enrolled", "judged_forget"),
        _row(report, "Unseen photos of the person, taken for enrolled", "judged_unseen"),
    ]


def _accuracy(report: AuditReport) -> Row:
    return _row(report, "The attack is right on people who stay", "attack_accuracy")


def _sentence(report: AuditReport) -> str:
    new = report.membership.after.auc.get("confidence")
    if new is None or new.value is None:
        return "Whether the photos can be told to have been enrolled could not be measured."
    low, high = new.interval or (new.value, new.value)
    told = "cannot be told" if low <= _GUESSING <= high else "can be told"
    first = (
        f"By the model's confidence the enrolled photos {told} from unseen photos of the same person "
        f"(AUC {amount(new.value)}, 95 % interval {amount(low)} to {amount(high)}; 0.50 is guessing)."
    )
    forget, unseen = report.membership.after.judged_forget, report.membership.after.judged_unseen
    if not known(forget, unseen):
        return first
    return f"{first} A trained attack takes {rate(forget)} of them for enrolled, and {rate(unseen)} of the unseen ones."
