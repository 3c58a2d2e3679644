"""How soon is the person learnt again?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from faceforget.audit.classifier import without_layer
from faceforget.audit.compared import Compared
from faceforget.audit.estimates import Estimate, Sides, if_given
from faceforget.audit.measures.heat_energy import spread
from faceforget.audit.measures.relearning import FAR, TAR, Relearning, allowed, over_people, relearning
from faceforget.audit.question import Criteria, Material, Need, Question
from faceforget.audit.report import AuditReport
from faceforget.audit.shown.rows import reference_line, reference_name, who
from faceforget.audit.shown.section import SIDES, Chart, Course, Section, Table
from faceforget.audit.shown.words import amount, photos, reasons, share
from faceforget.audit.verdict import Criterion, Figure
from faceforget.audit.view import Crops, Faces
from faceforget.progress import Progress, silent
from faceforget.recognizer.recognizer import Recognizer

_OFF = "layer taken off"
# Strangers who are taught for a reference: each takes seconds.
_TAUGHT = 3
# Of photos that stand for those which the erasure read.
_LEARNT = 5
# Photos of strangers whom the person must be told from, at each look: two of them may be accepted.
HELD_OUT = 200
_CRITERION = Criterion(
    words="steps until the person is told from strangers again; 200 stands for longer than was tried (a deep audit)",
    reference="reference",
    compare="ratio",
    at="least",
    passed=1.0,
    partial=0.5,
    needs="nobody taught the model the person again",
    option="deep",
    unit="steps",
)


@dataclass(frozen=True)
class Retaught:
    """How soon a person is learnt again.

    Attributes:
        as_it_is: By the models as they are handed out.
        layer_off: The same with AFTER's removable layer taken off, which whoever holds its file can do; None where it
            has none.
    """

    as_it_is: Sides[Relearning]
    layer_off: Sides[Relearning] | None = None


class LearntAgain(Question[Retaught]):
    """Steps until the person is recognised again."""

    name = "relearning"
    place = 100
    asks = "How soon is the person learnt again?"
    needs: ClassVar[frozenset[Need]] = frozenset({"deep"})
    criteria: ClassVar[Criteria] = {"unrecognisable": {"relearned": _CRITERION}}

    def ask(self, material: Material) -> Retaught:
        """By each model as it is handed out, and without the layer of the erasure."""
        return retaught(material.compared, material.faces, seed=material.seed, progress=material.progress)

    def numbers(self, answer: Retaught | None) -> Mapping[str, object]:
        """Both under a key of its own."""
        return {
            "relearning": if_given(answer, lambda found: found.as_it_is),
            "relearning_layer_off": if_given(answer, lambda found: found.layer_off),
        }

    def figures(self, material: Material) -> Mapping[str, Figure]:
        """Of the models as they are handed out."""
        return {"relearned": figure_of(material.answer(self).as_it_is)}

    def section(self, report: AuditReport, answer: Retaught) -> Section:
        """Steps, and the curves that lead there."""
        sides = answer.as_it_is
        found = _named(report, answer)
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
            title=self.asks,
            sentence=_sentence(report, answer),
            charts=(Chart(Course(curves, TAR, reference_name(report)), words),) if curves else (),
            missing=reasons(
                ("steps to learn the person again", side.steps)
                for _, side in found
                if not side.reached and not side.never
            ),
            method="An attacker trains a copy of the model, with a new row for the person, on a few of their photos; "
            f"counted are the steps of Adam until {share(TAR)} of the other photos are accepted at a threshold at "
            f"which at most {share(FAR)} of the photos of held-out strangers are. A network that takes everybody for "
            "the person has not learnt them.",
            basis=f"{photos(sides.after.learnt_from)} of {who(report)} to learn from, "
            f"{photos(sides.after.steps.photos)} to test with, {photos(held_out)} of strangers, of which "
            f"{allowed(held_out) or 'none'} may be accepted; median over random starts and persons, the interval over "
            "persons, or over the starts of one.",
            reference=reference_line(report) + " Fewer steps than the reference needs are a trace of the person.",
            tables=(
                Table(
                    "All numbers on relearning", ("", "steps", "95 % interval"), tuple(_row(*item) for item in found)
                ),
            ),
        )


def retaught(compared: Compared, faces: Faces, *, seed: int = 0, progress: Progress = silent) -> Retaught:
    """How soon each model learns the persons again; the reference is a retrained model, or strangers.

    Args:
        compared: The models; the persons' rows are taken out first.
        faces: Learnt from the photos that the erasure read; without them, from the first half of the unseen. The
            strangers who are not taught are held out: the person must be told from them.
        seed: Of the random rows and of the intervals.
        progress: Called at every look.
    """
    taught = () if compared.retrained is not None else compared.strangers[:_TAUGHT]
    rest = {name: crops for name, crops in faces.strangers.items() if name not in taught}
    held_out = _photos([crop for _, _, crop in spread(rest, HELD_OUT)], faces)
    people = tuple(faces.forgotten)
    known: dict[tuple[str, bool], Relearning] = {}  # a model without its layer is often the model before, bit for bit

    def steps(model: Recognizer, strangers: bool) -> Relearning:
        own = [person for person in people if person in model.labels]
        pupil = model.without(own) if own else model
        key = pupil.weights_hash(), strangers
        if key not in known:
            theirs = [(faces.strangers[name][:_LEARNT], faces.strangers[name][_LEARNT:]) for name in taught]
            photos = theirs if strangers else [_halves(faces, name) for name in people]
            found = [relearning(pupil, *parts, held_out, seed=seed, progress=progress) for parts in photos]
            known[key] = over_people(found, seed=seed)
        return known[key]

    def reference(model: Recognizer) -> Relearning | None:
        if compared.retrained is not None:
            return steps(compared.retrained.used, strangers=False)
        return steps(model, strangers=True) if taught else None

    def sides(after: Recognizer) -> Sides[Relearning]:
        return Sides(steps(compared.before.used, strangers=False), steps(after, strangers=False), reference(after))

    after = compared.after.used
    bare = without_layer(after)
    return Retaught(sides(after), None if bare is None else sides(bare))


def _photos(crops: Sequence[Crops], faces: Faces) -> Crops:
    """Crops ``(K, S, S, 3)``, also of none."""
    return np.stack(crops) if crops else next(iter(faces.forgotten.values()))[:0]


def _halves(faces: Faces, person: str) -> tuple[Crops, Crops]:
    """Photos to learn from, and others."""
    unseen, read = faces.forgotten[person], faces.forget_photos.get(person)
    if read is not None and len(read):
        return read, unseen
    middle = len(unseen) // 2
    return unseen[:middle], unseen[middle:]


def figure_of(sides: Sides[Relearning]) -> Figure:
    """Steps of the model as it is handed out, where a bound is as good as a number.

    Not learnt within the budget is at least as long as the budget, which is all that is asked of the model after. It is
    no number for a reference: that would make the person look slower than they are, but for a person who was back
    before half of it, who fails in any case.
    """
    after, reference = sides.after, sides.reference
    steps, longest = after.steps, None if reference is None else reference.steps
    if reference is not None and reference.never:
        soon = after.steps.value is not None and after.steps.value < _CRITERION.partial * reference.budget
        longest = _at_least(reference) if soon else None
    elif after.never:
        steps = _at_least(after)
    return Figure(steps, sides.before.steps, longest, about="face")


def _at_least(side: Relearning) -> Estimate:
    return replace(side.steps, value=float(side.budget))


def _named(report: AuditReport, answer: Retaught) -> list[tuple[str, Relearning]]:
    """What there are numbers of: the models as they are handed out, then without the layer of the erasure."""
    sides, off = answer.as_it_is, answer.layer_off
    named = [("before", sides.before), ("after", sides.after), (reference_name(report), sides.reference)]
    if off is not None:
        named += [(f"after, {_OFF}", off.after), (f"{reference_name(report)}, {_OFF}", off.reference)]
    return [(words, side) for words, side in named if side is not None]


def _row(words: str, side: Relearning) -> tuple[str, ...]:
    ends = "—" if side.steps.interval is None else " to ".join(amount(end, 0) for end in side.steps.interval)
    return words, _steps(side), ends


def _steps(side: Relearning) -> str:
    return f"not within {side.budget}" if side.never else amount(side.steps.value, 0)


def _sentence(report: AuditReport, answer: Retaught) -> str:
    sides, off = answer.as_it_is, answer.layer_off
    after = sides.after
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


QUESTION = LearntAgain()
