"""The models that an audit compares, and how one question is put to all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from faceforget.audit.estimates import Sides, mean_over_people
from faceforget.audit.looking import Memory, look
from faceforget.audit.measures.accuracy import with_rows_of
from faceforget.audit.view import Faces, View
from faceforget.progress import Progress, silent
from faceforget.recognizer.recognizer import Recognizer

T = TypeVar("T")

# Strangers put in the person's place for a reference: enough for a mean, few enough for the time.
_STRANGERS = 6
_FEWEST_PHOTOS = 6


@dataclass(frozen=True)
class Compared:
    """The models, each with all photos seen.

    Attributes:
        before: The model before erasure.
        after: The model after, with the rows of *before* put back in ``model``.
        retrained: A model enrolled without the persons, if there is one.
        strangers: Who is put in the person's place for a reference, if there is no retrained model.
        rendered: Whether all strangers are rendered people, who stand in for real ones.
    """

    before: View
    after: View
    retrained: View | None = None
    strangers: tuple[str, ...] = ()
    rendered: bool = False

    @property
    def reference(self) -> str:
        """What stands beside the numbers."""
        if self.retrained is not None:
            return "a model enrolled without the person"
        if self.strangers:
            kind = "rendered strangers" if self.rendered else "strangers"
            return f"{len(self.strangers)} {kind} in the person's place, in the model after"
        return "nothing: neither a retrained model nor enough photos of strangers were given"

    def ask(self, question: Callable[[View], T]) -> Sides[T]:
        """A question's answers for before, after and the reference."""
        old, new = question(self.before), question(self.after)
        if self.retrained is not None:
            return Sides(old, new, question(self.retrained))
        if self.strangers:
            return Sides(old, new, mean_over_people([question(self.after.as_if(name)) for name in self.strangers]))
        return Sides(old, new)


def look_at_all(
    before: Recognizer,
    after: Recognizer,
    retrained: Recognizer | None,
    faces: Faces,
    *,
    depths: bool = True,
    rendered: bool = False,
    memory: Memory | None = None,
    progress: Progress = silent,
) -> Compared:
    """Send every photo through every model, once.

    Args:
        before: The model before erasure.
        after: The model after.
        retrained: A model enrolled without the persons, if there is one.
        faces: Of everybody.
        depths: Read features at earlier layers too.
        rendered: Whether the strangers are rendered people, who stand in for real ones.
        memory: Of audits before.
        progress: Called after each batch.

    Raises:
        ModelFileError: ``after`` or ``retrained`` cannot be compared with ``before``.
    """
    seen = memory or Memory()

    def shown(rows: Recognizer, model: Recognizer, name: str) -> View:
        stage = f"showing photos to the {name}"
        return look(rows, model, faces, depths=depths, memory=seen, progress=progress, stage=stage)

    old = shown(before, before, "model before")
    new = shown(with_rows_of(before, after), after, "erased model")
    if retrained is None:
        return Compared(old, new, strangers=_in_the_persons_place(faces), rendered=rendered)
    again = shown(with_rows_of(before, retrained), retrained, "retrained model")
    return Compared(old, new, again, rendered=rendered)


def _in_the_persons_place(faces: Faces) -> tuple[str, ...]:
    """The strangers with the most photos."""
    enough = [name for name, crops in faces.strangers.items() if len(crops) >= _FEWEST_PHOTOS]
    return tuple(sorted(enough, key=lambda name: (-len(faces.strangers[name]), name))[:_STRANGERS])
