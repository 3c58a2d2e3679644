"""A question of the audit: what it asks, needs and computes, how that is judged, and how it is shown; one object each.

A question is a file in ``audit/questions/``, which :mod:`faceforget.audit.registry` finds there. Audit, JSON, HTML, PDF
and the app go through the registry and know no question by name.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from faceforget.audit.classifier import ClassifierCheck
from faceforget.audit.compared import Compared
from faceforget.audit.shown.section import Glance, Number, Section
from faceforget.audit.verdict import Criterion, Figure
from faceforget.audit.view import Faces, View
from faceforget.progress import Progress, silent

if TYPE_CHECKING:
    from faceforget.audit.report import AuditReport

A = TypeVar("A")

# deep: minutes, so that it is asked in a deep audit only. depths: features at earlier layers. core: a second or more of
# one processor and nothing else, so that it is begun first and runs beside the others. layers: a backbone that says
# where to look inside it (``BackboneSpec.layers``).
Need = Literal["deep", "depths", "core", "layers"]
Criteria = Mapping[str, Mapping[str, Criterion]]


@dataclass(frozen=True)
class Material:
    """What a question may look at.

    Attributes:
        compared: The models, with what they make of the photos.
        faces: The photos.
        check: What the classifier answers, and whose models these are.
        origin: The model before the whole list, of which this erasure is one step: what others are compared with.
        deep: Whether slow work is wanted.
        seed: Of everything random.
        progress: Called as the work goes on.
        answers: Those that were given so far, by the question's name.
    """

    compared: Compared
    faces: Faces
    check: ClassifierCheck
    origin: View | None = None
    deep: bool = False
    seed: int = 0
    progress: Progress = silent
    answers: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def answer(self, question: "Question[A]") -> A:
        """A question's answer; it is asked once."""
        if question.name not in self.answers:
            self.answers[question.name] = question.ask(self)
        found: A = self.answers[question.name]
        return found


class Question(ABC, Generic[A]):
    """One question, with answers of type ``A``: a frozen dataclass or a mapping of measured numbers.

    Attributes:
        name: In JSON and progress; no two have the same.
        place: Where it stands among the questions; a reader meets the lowest first. Ours are 10, 20, ... 100.
        asks: The question in words.
        needs: What not every audit has or does, see ``Need``.
        criteria: By promise and name, what its figures must keep to.
        view: Name of its section's own view in the app; empty where it stands among every question.
    """

    name: ClassVar[str]
    place: ClassVar[int]
    asks: ClassVar[str]
    needs: ClassVar[frozenset[Need]] = frozenset()
    criteria: ClassVar[Criteria] = {}
    view: ClassVar[str] = ""

    @abstractmethod
    def ask(self, material: Material) -> A:
        """Compute the answer."""

    @abstractmethod
    def section(self, report: "AuditReport", answer: A) -> Section | None:
        """What a reader is shown; None where there is nothing."""

    def numbers(self, answer: A | None) -> Mapping[str, object]:
        """What of the answer goes into the JSON, by key; None in place of an answer where nobody asked."""
        return {self.name: answer}

    def figures(self, material: Material) -> Mapping[str, Figure]:
        """The numbers behind ``criteria``, by their names; ``material.answer(self)`` is the answer."""
        return {}

    def collapse(self, material: Material) -> str:
        """Why the model after tells nobody apart, as far as this shows it; empty where it does tell people apart."""
        return ""

    def headline(self, report: "AuditReport", answer: A) -> tuple[str, ...]:
        """Sentences for the first screen, of a model that no longer names the person."""
        return ()

    def first_numbers(self, report: "AuditReport", answer: A) -> tuple[Number, ...]:
        """Numbers for the first screen."""
        return ()

    def glance(self, report: "AuditReport", answer: A) -> Glance | None:
        """Pictures for a view of their own in the app, which waits for no chart; None for no such view."""
        return None
