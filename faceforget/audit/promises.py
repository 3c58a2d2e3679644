"""The figures that the promises are judged by, and nothing else: the quick core of an audit."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch.nn import functional

from faceforget.audit.attacked import Retaught, retaught
from faceforget.audit.classifier import ClassifierCheck, derived_from, scatters
from faceforget.audit.compared import Compared
from faceforget.audit.estimates import Estimate, Sides, if_given
from faceforget.audit.evidence import collapsed, unknown_before
from faceforget.audit.measures.accuracy import Accuracies, accuracies
from faceforget.audit.measures.collateral import named, rightly
from faceforget.audit.measures.relearning import Relearning
from faceforget.audit.measures.verification import Verification, verification
from faceforget.audit.questions.reenrolment import photo_gallery, reenrolment
from faceforget.audit.shares import change_surely, rate_of
from faceforget.audit.verdict import Criterion, Figure, Verdict, judge, thresholds
from faceforget.audit.view import Faces, View
from faceforget.progress import Progress, silent

_REENROLLED_FROM = "5"
_FAR = "tar_far_0.001"
# As `partial` of `relearned` in verdict.toml.
_SOON = 0.5
_OF_THE_NAME = ("named", "row_put_back", "forget_photos")
_OF_THE_FACE = ("reenrolled", "verified", "relearned")


@dataclass(frozen=True)
class Promises:
    """What an erasure promised, and whether it was kept.

    Attributes:
        check: What the classifier answers, and whose models these are.
        reenrolment: Rank-1 after the person is enrolled again from 1, 5, 10 photos.
        verification: Pairwise comparison.
        relearning: Steps until the person is known again and told from strangers; only in a deep audit.
        verdict: The promises.
    """

    check: ClassifierCheck
    reenrolment: Sides[Mapping[str, Estimate]]
    verification: Sides[Verification]
    relearning: Retaught | None
    verdict: Verdict


def keep_promises(
    compared: Compared,
    faces: Faces,
    *,
    origin: View | None = None,
    deep: bool = False,
    seed: int = 0,
    progress: Progress = silent,
) -> Promises:
    """Measure and judge.

    Args:
        compared: The models, with what they make of the photos.
        faces: The photos.
        origin: The model before the whole list, of which this erasure is one step: what others are compared with.
        deep: Relearning too.
        seed: Of everything random.
        progress: Called as the work goes on.
    """
    before, after = compared.before.used, compared.after.used
    check = ClassifierCheck(
        tuple(faces.forgotten),
        _accuracies(compared),
        not any(person in after.labels for person in faces.forgotten),
        derived_from(before, after),
        scatters(after),
    )
    reenrolled = compared.ask(partial(_reenrolment, seed=seed))
    verified = compared.ask(partial(verification, seed=seed))
    relearned = retaught(compared, faces, seed=seed, progress=progress) if deep else None
    origin_verified = verified.before if origin is None else verification(origin, seed=seed)
    figures = _figures(check, reenrolled, verified, relearned)
    figures |= _prices(origin or compared.before, compared.after, seed)
    figures["strangers_verified"] = Figure(
        verified.after.strangers[_FAR], origin_verified.strangers[_FAR], rendered=compared.rendered
    )
    criteria = thresholds()
    told = figures | _say_nothing(figures, compared.before, verified, criteria["others_kept"]["strangers_verified"])
    return Promises(check, reenrolled, verified, relearned, judge(told, criteria))


def _prices(before: View, after: View, seed: int) -> dict[str, Figure]:
    """What people who stay paid, on the same photos before and after."""
    found = dict[str, Figure]()
    for name, holds in (("retained", rightly), ("retained_named", named)):
        old, new = holds(before), holds(after)
        if old:
            found[name] = Figure(rate_of(new), rate_of(old), change=change_surely(old, new, seed=seed))
    return found


def _say_nothing(
    figures: Mapping[str, Figure], before: View, verified: Sides[Verification], price: Criterion
) -> dict[str, Figure]:
    """Those figures that say nothing about the person, with the reason."""
    unknown = unknown_before(before)
    again = figures["reenrolled"].reference
    broken = unknown or collapsed(verified, again, _FAR, -price.partial)
    reasons = dict.fromkeys(_OF_THE_NAME, unknown) | dict.fromkeys(_OF_THE_FACE, broken)
    return {name: replace(figures[name], says_nothing=why) for name, why in reasons.items() if name in figures}


def _accuracies(compared: Compared) -> Sides[Accuracies]:
    """A stranger has no row that could be put back: only a retrained model is a reference here."""
    return Sides(accuracies(compared.before), accuracies(compared.after), if_given(compared.retrained, accuracies))


def _reenrolment(view: View, *, seed: int) -> Mapping[str, Estimate]:
    """Everybody else in the gallery is enrolled anew from photos too, as far as there are any.

    An erasure may move the embedding away from the rows; then a template made from photos beats every row on
    anybody's photo, and re-enrolment would succeed with any face.
    """
    templates = photo_gallery(view)
    if not view.embeddings.retained:
        others = view.embeddings.strangers.values()
        templates = torch.cat([templates, *(functional.normalize(own.mean(0, keepdim=True)) for own in others)])
    return reenrolment(view, gallery=templates, seed=seed)


def _figures(
    check: ClassifierCheck,
    reenrolled: Sides[Mapping[str, Estimate]],
    verified: Sides[Verification],
    relearned: Retaught | None,
) -> dict[str, Figure]:
    """The numbers behind ``verdict.toml``, by the names of its criteria."""
    old, new = check.accuracy.before, check.accuracy.after
    figures = {
        "named": Figure(new.forgotten_named, old.forgotten_named),
        "reenrolled": Figure(
            reenrolled.after[_REENROLLED_FROM],
            reenrolled.before[_REENROLLED_FROM],
            if_given(reenrolled.reference, lambda found: found[_REENROLLED_FROM]),
        ),
        "verified": Figure(
            verified.after.forgotten[_FAR], verified.before.forgotten[_FAR], strangers=verified.after.strangers[_FAR]
        ),
    }
    if check.derived:
        figures["row_put_back"] = Figure(new.forgotten, old.forgotten)
        figures["forget_photos"] = Figure(new.forgotten_train, old.forgotten_train)
    if relearned is not None:
        figures["relearned"] = _relearned(relearned.as_it_is)
    return figures


def _relearned(sides: Sides[Relearning]) -> Figure:
    """Steps of the model as it is handed out, where a bound is as good as a number.

    Not learnt within the budget is at least as long as the budget, which is all that is asked of the model after. It is
    no number for a reference: that would make the person look slower than they are, but for a person who was back
    before half of it, who fails in any case.
    """
    after, reference = sides.after, sides.reference
    steps, longest = after.steps, None if reference is None else reference.steps
    if reference is not None and reference.never:
        soon = after.steps.value is not None and after.steps.value < _SOON * reference.budget
        longest = _at_least(reference) if soon else None
    elif after.never:
        steps = _at_least(after)
    return Figure(steps, sides.before.steps, longest)


def _at_least(side: Relearning) -> Estimate:
    return replace(side.steps, value=float(side.budget))
