"""How soon is the person learnt again?"""

from faceforget.audit.estimates import Sides
from faceforget.audit.measures.relearning import FAR, TAR, Relearning, allowed
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.words import amount, photos, reasons, share
from faceforget.report.charts import SIDES
from faceforget.report.charts_more import progress
from faceforget.report.document import Chart, Section, Table
from faceforget.report.sections.common import reference_line, reference_name, who

_OFF = "layer taken off"


def section(report: AuditReport) -> Section | None:
    """Steps until the person is recognised again; None unless the audit was deep."""
    sides = report.relearning
    if sides is None:
        return None
    found = _named(report, sides)
    curves = [
        (s, side.curve)
        for s, side in zip(SIDES, (sides.before, sides.after, sides.reference), strict=True)
        if side and side.curve
    ]
    words = "Share of photos accepted after so many steps of the optimiser; dashed: where it counts as learnt."
    if sides.reference is not None and "stranger" in report.reference:
        words += " The grey curve is that of one stranger, the number in the table the median."
    held_out = sides.after.held_out
    return Section(
        title="How soon is the person learnt again?",
        sentence=_sentence(report, sides),
        charts=(Chart(progress(curves, TAR, reference_name(report)), words),) if curves else (),
        missing=reasons(
            ("steps to learn the person again", side.steps) for _, side in found if not side.reached and not side.never
        ),
        method="An attacker trains a copy of the model, with a new row for the person, on a few of their photos; "
        f"counted are the steps of Adam until {share(TAR)} of the other photos are accepted at a threshold at which "
        f"at most {share(FAR)} of the photos of held-out strangers are. A network that takes everybody for the person "
        "has not learnt them.",
        basis=f"{photos(sides.after.learnt_from)} of {who(report)} to learn from, {photos(sides.after.steps.photos)} "
        f"to test with, {photos(held_out)} of strangers, of which {allowed(held_out) or 'none'} may be accepted; "
        "median over random starts and persons, the interval over persons, or over the starts of one.",
        reference=reference_line(report) + " Fewer steps than the reference needs are a trace of the person.",
        tables=(
            Table("All numbers on relearning", ("", "steps", "95 % interval"), tuple(_row(*item) for item in found)),
        ),
    )


def _named(report: AuditReport, sides: Sides[Relearning]) -> list[tuple[str, Relearning]]:
    """What there are numbers of: the models as they are handed out, then without the layer of the erasure."""
    named = [("before", sides.before), ("after", sides.after), (reference_name(report), sides.reference)]
    off = report.relearning_layer_off
    if off is not None:
        named += [(f"after, {_OFF}", off.after), (f"{reference_name(report)}, {_OFF}", off.reference)]
    return [(words, side) for words, side in named if side is not None]


def _row(words: str, side: Relearning) -> tuple[str, ...]:
    ends = "—" if side.steps.interval is None else " to ".join(amount(end, 0) for end in side.steps.interval)
    return words, _steps(side), ends


def _steps(side: Relearning) -> str:
    return f"not within {side.budget}" if side.never else amount(side.steps.value, 0)


def _sentence(report: AuditReport, sides: Sides[Relearning]) -> str:
    after, off = sides.after, report.relearning_layer_off
    if not after.reached and not after.never:
        return f"How soon {who(report)} is learnt again could not be measured."
    compared = f"; {reference_name(report)}: {_steps(sides.reference)}" if sides.reference is not None else ""
    bare = f" With the {_OFF}: {_steps(off.after)}." if off is not None else ""
    if after.never:
        return f"{who(report)} was not learnt again within {after.budget} steps{compared}.{bare}"
    return (
        f"With {photos(after.learnt_from)} and {amount(after.steps.value, 0)} steps of training {who(report)} is "
        f"recognised again, and strangers are not{compared}.{bare}"
    )
