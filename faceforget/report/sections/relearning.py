"""How soon is the person learnt again?"""

from faceforget.audit.questions.relearning import Relearning
from faceforget.audit.report import AuditReport
from faceforget.report.charts import SIDES
from faceforget.report.charts_more import progress
from faceforget.report.document import Chart, Section, Table
from faceforget.report.sections.common import reference_line, reference_name, who
from faceforget.report.words import amount, photos, reasons


def section(report: AuditReport) -> Section | None:
    """Steps until the person is recognised again; None unless the audit was deep."""
    sides = report.relearning
    if sides is None:
        return None
    named = [("before", sides.before), ("after", sides.after), (reference_name(report), sides.reference)]
    found = [(words, side) for words, side in named if side is not None]
    curves = [
        (s, side.curve)
        for s, side in zip(SIDES, (sides.before, sides.after, sides.reference), strict=True)
        if side and side.curve
    ]
    words = "Share of photos recognised after each step of the optimiser; dashed: where it counts as learnt."
    if sides.reference is not None and "stranger" in report.reference:
        words += " The grey curve is that of one stranger, the number in the table the mean."
    return Section(
        title="How soon is the person learnt again?",
        sentence=_sentence(report, sides.after, sides.reference),
        charts=(Chart(progress(curves, 0.9, reference_name(report)), words),) if curves else (),
        missing=reasons(
            ("steps to learn the person again", side.steps) for _, side in found if side.steps.value is None
        ),
        method="An attacker trains a copy of the model, with a new row for the person, on a few of their photos; "
        "counted are "
        "the steps of Adam until 90 % of the other photos are recognised.",
        basis=f"{photos(sides.after.learnt_from)} of {who(report)} to learn from, {photos(sides.after.steps.photos)} "
        "to "
        "test with; bootstrap over the latter.",
        reference=reference_line(report) + " Fewer steps than the reference needs are a trace of the person.",
        tables=(
            Table("All numbers on relearning", ("", "steps", "95 % interval"), tuple(_row(*item) for item in found)),
        ),
    )


def _row(words: str, side: Relearning) -> tuple[str, ...]:
    ends = "—" if side.steps.interval is None else " to ".join(amount(end, 0) for end in side.steps.interval)
    return words, _steps(side), ends


def _steps(side: Relearning) -> str:
    text = amount(side.steps.value, 0)
    return text if side.reached or side.steps.value is None else f"not within {text}"


def _sentence(report: AuditReport, after: Relearning, reference: Relearning | None) -> str:
    if after.steps.value is None:
        return f"How soon {who(report)} is learnt again could not be measured."
    compared = f"; {reference_name(report)}: {_steps(reference)}" if reference is not None else ""
    if not after.reached:
        return f"{who(report)} was not learnt again within {amount(after.steps.value, 0)} steps{compared}."
    return (
        f"With {photos(after.learnt_from)} and {amount(after.steps.value, 0)} steps of training {who(report)} is "
        "recognised "
        f"again{compared}."
    )
