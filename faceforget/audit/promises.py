"""What was promised, and whether it was kept: the quick core of an audit, which asks only what is judged."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from faceforget.audit.classifier import ClassifierCheck, check_of
from faceforget.audit.compared import Compared
from faceforget.audit.evidence import unknown_before
from faceforget.audit.question import Material, Question
from faceforget.audit.registry import asked
from faceforget.audit.thresholds import thresholds
from faceforget.audit.verdict import Figure, Verdict, judge
from faceforget.audit.view import Faces, View
from faceforget.progress import Progress, silent


@dataclass(frozen=True)
class Promises:
    """What an erasure promised, and whether it was kept.

    Attributes:
        check: What the classifier answers, and whose models these are.
        verdict: The promises.
        answers: What was asked for it, by the question's name.
    """

    check: ClassifierCheck
    verdict: Verdict
    answers: Mapping[str, Any]


def keep_promises(
    compared: Compared,
    faces: Faces,
    *,
    origin: View | None = None,
    deep: bool = False,
    seed: int = 0,
    progress: Progress = silent,
) -> Promises:
    """Measure what is judged, and nothing else, and judge it.

    Args:
        compared: The models, with what they make of the photos.
        faces: The photos.
        origin: The model before the whole list, of which this erasure is one step: what others are compared with.
        deep: The slow questions too.
        seed: Of everything random.
        progress: Called as the work goes on.
    """
    material = Material(compared, faces, check_of(compared, tuple(faces.forgotten)), origin, deep, seed, progress)
    return Promises(material.check, judged(material), material.answers)


def judged(material: Material) -> Verdict:
    """The verdict from every question's figures; a question is asked here at the latest."""
    figures: dict[str, Figure] = {}
    for question in _asked(material):
        figures |= question.figures(material)
    unknown = unknown_before(material.compared.before)
    doubts = {"": "", "name": unknown, "face": unknown or _collapse(material)}
    told = {name: replace(figure, says_nothing=doubts[figure.about]) for name, figure in figures.items()}
    return judge(told, thresholds())


def _asked(material: Material) -> tuple[Question[Any], ...]:
    return asked(material.deep, material.compared.before.used.spec.layers is not None)


def _collapse(material: Material) -> str:
    """Why the model after tells nobody apart; where several questions say so, the last looked closest."""
    found = [question.collapse(material) for question in _asked(material)]
    return next(filter(None, reversed(found)), "")
