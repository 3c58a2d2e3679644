"""What does the classifier answer before and after an erasure? The quick part of an audit."""

import copy
from dataclasses import dataclass, replace

import torch
from torch import nn

from faceforget.audit.compared import Compared
from faceforget.audit.estimates import Sides, detailed, if_given, plain
from faceforget.audit.looking import Memory, look
from faceforget.audit.measures.accuracy import Accuracies, accuracies, with_rows_of
from faceforget.audit.view import Faces
from faceforget.progress import Progress, silent
from faceforget.recognizer.recognizer import Recognizer
from faceforget.unlearn.layers.scatter import Scatter

NOT_PROVEN = (
    "Copies and backups of the model before erasure, and of the person's photos, are outside this check.",
    "Other models trained on the same photos are outside this check.",
    "The classifier's answers on these photos were checked; the embedding may still tell this face from "
    "others, as it can for any stranger.",
)
TAKEN_OFF = (
    "A layer of the model tells erased persons from others, to mask them or to answer with noise. Whoever holds its "
    "file can take that layer off, and has a model that knows them; this was measured with the layer in place."
)


@dataclass(frozen=True)
class ClassifierCheck:
    """What the classifier says, before and after: the quick part of an audit.

    Attributes:
        people: The erased persons.
        accuracy: With the rows of *before* put back in *after*, where it matters.
        rows_removed: Whether AFTER no longer holds the persons' rows and labels.
        derived: Whether AFTER's history says that it was made from BEFORE; otherwise the row of BEFORE
            means nothing in AFTER.
        scattered: Whether AFTER has a layer that tells erased persons from others, to mask them or answer with noise.
    """

    people: tuple[str, ...]
    accuracy: Sides[Accuracies]
    rows_removed: bool
    derived: bool
    scattered: bool = False

    @property
    def not_proven(self) -> tuple[str, ...]:
        """What this check cannot know."""
        return (*NOT_PROVEN, TAKEN_OFF) if self.scattered else NOT_PROVEN

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; fractions in [0, 1], null where there were no photos."""
        rates = {"before": self.accuracy.before.rates(), "after": self.accuracy.after.rates()}
        return {
            "people": list(self.people),
            "accuracy": plain(rates),
            "details": {"accuracy": detailed(rates)},
            "photos": {key: rate.photos if rate else 0 for key, rate in rates["before"].items()},
            "absorbed_by": dict(self.accuracy.after.absorbed_by),
            "rows_removed": self.rows_removed,
            "derived": self.derived,
            "not_proven": list(self.not_proven),
        }


def check_classifier(
    before: Recognizer, after: Recognizer, faces: Faces, *, progress: Progress = silent
) -> ClassifierCheck:
    """Compare what two models answer on the same faces, without augmentation.

    Args:
        before: The model before erasure; it knows all the erased persons.
        after: The model after, with or without the persons' rows.
        faces: What to look at.
        progress: Called after each batch of photos.

    Raises:
        UnknownPersonError: ``before`` does not know a person.
        ModelFileError: ``after`` was not made from ``before``.
    """
    people = tuple(faces.forgotten)
    for person in people:
        before.index_of(person)
    restored = with_rows_of(before, after)
    memory = Memory()
    old = look(before, before, faces, depths=False, memory=memory, progress=progress, stage="checking before")
    new = look(restored, after, faces, depths=False, memory=memory, progress=progress, stage="checking after")
    return check_of(Compared(old, new), people)


def check_of(compared: Compared, people: tuple[str, ...]) -> ClassifierCheck:
    """What models answer that have seen the photos; of the erased persons, with a retrained model as the reference.

    A stranger has no row that could be put back: only a retrained model is a reference here.
    """
    before, after = compared.before.used, compared.after.used
    return ClassifierCheck(
        people,
        Sides(accuracies(compared.before), accuracies(compared.after), if_given(compared.retrained, accuracies)),
        not any(person in after.labels for person in people),
        derived_from(before, after),
        scatters(after),
    )


def scatters(model: Recognizer) -> bool:
    """Whether the embedder has a layer that does something only where erased persons are."""
    return isinstance(model.classifier.embedder.get_submodule("scatter"), Scatter)


def without_layer(model: Recognizer) -> Recognizer | None:
    """The model as whoever holds its file can have it: with the layer of an erasure taken off; None without one."""
    if not scatters(model):
        return None
    classifier = copy.deepcopy(model.classifier)
    classifier.embedder.scatter = nn.Identity()
    return replace(model, classifier=classifier)


def derived_from(before: Recognizer, after: Recognizer) -> bool:
    """Whether AFTER's weights were made from BEFORE's: its history says so, or the embedder is the very same.

    A retrained model's history names BEFORE too, but its weights started from the backbone: rows of BEFORE
    were never its own.
    """
    origin = before.weights_hash()
    made = [entry for entry in after.history if entry.get("weights_before") == origin]
    return same_embedder(before, after) or any(entry.get("starts_from", "model") == "model" for entry in made)


def same_embedder(before: Recognizer, after: Recognizer) -> bool:
    """Whether the features are those of before: nothing but the head was changed."""
    old, new = (model.classifier.embedder.state_dict() for model in (before, after))
    return old.keys() == new.keys() and all(torch.equal(old[key].cpu(), new[key].cpu()) for key in old)
