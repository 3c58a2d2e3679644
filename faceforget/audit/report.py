"""One report on a pair of models: before and after an erasure."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from faceforget.audit.accuracy import (
    Crops,
    Rate,
    absorbed_by,
    accuracy,
    named_rightly,
    named_share,
    with_rows_of,
)
from faceforget.progress import Event, Progress, silent
from faceforget.recognizer.recognizer import Recognizer

NOT_PROVEN = (
    "Copies and backups of the model before erasure, and of the person's photos, are outside this check.",
    "Other models trained on the same photos are outside this check.",
    "The classifier's answers on these photos were checked; the embedding may still tell this face from "
    "others, as it can for any stranger.",
)


@dataclass(frozen=True)
class Faces:
    """What an audit looks at; ``(N, S, S, 3)`` crops.

    Attributes:
        forgotten: Photos of each erased person, best those that the erasure did not read.
        forget_photos: The photos that the erasure read, by person.
        retained: Photos of people who stay, by person.
        strangers: Photos of people who were never enrolled.
    """

    forgotten: Mapping[str, Crops]
    forget_photos: Mapping[str, Crops] | None = None
    retained: Mapping[str, Crops] | None = None
    strangers: Crops | None = None


@dataclass(frozen=True)
class AuditReport:
    """What the classifier says, before and after.

    Attributes:
        people: The erased persons.
        before: Rates by measure, None where there were no photos for it: ``forgotten``,
            ``forgotten_train``, ``retained``, ``retained_named`` (with the right name, not
            "unknown"), ``strangers_named``.
        after: The same, with the rows of *before* put back for all but the last two, which are
            of the model as it is used.
        absorbed_by: Shares of the erased persons' photos by the name they get now.
        rows_removed: Whether AFTER no longer holds the persons' rows and labels.
        derived: Whether AFTER's history says that it was made from BEFORE; otherwise the row of BEFORE
            means nothing in AFTER.
    """

    people: tuple[str, ...]
    before: Mapping[str, Rate | None]
    after: Mapping[str, Rate | None]
    absorbed_by: Mapping[str, float]
    rows_removed: bool
    derived: bool

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; fractions in [0, 1], null where there were no photos."""
        sides = {"before": self.before, "after": self.after}
        return {
            "people": list(self.people),
            "accuracy": {
                side: {key: rate.value if rate else None for key, rate in rates.items()}
                for side, rates in sides.items()
            },
            "intervals": {
                side: {key: rate.interval if rate else None for key, rate in rates.items()}
                for side, rates in sides.items()
            },
            "photos": {key: rate.photos if rate else 0 for key, rate in self.before.items()},
            "absorbed_by": dict(self.absorbed_by),
            "rows_removed": self.rows_removed,
            "derived": self.derived,
            "not_proven": list(NOT_PROVEN),
        }


def audit_models(before: Recognizer, after: Recognizer, faces: Faces, *, progress: Progress = silent) -> AuditReport:
    """Compare two models on the same faces, without augmentation.

    Args:
        before: The model before erasure; it knows all the erased persons.
        after: The model after, with or without the persons' rows.
        faces: What to look at.
        progress: Called after each measure.

    Raises:
        UnknownPersonError: ``before`` does not know a person.
        ModelFileError: ``after`` was not made from ``before``.
    """
    people = tuple(faces.forgotten)
    for person in people:
        before.index_of(person)
    restored = with_rows_of(before, after)
    rates: dict[str, dict[str, Rate | None]] = {"before": {}, "after": {}}
    for done, (side, model, used) in enumerate((("before", before, before), ("after", restored, after))):
        progress(Event("checking", done, 2))
        rates[side] = {
            "forgotten": accuracy(model, faces.forgotten),
            "retained": accuracy(model, faces.retained) if faces.retained else None,
            "forgotten_train": accuracy(model, faces.forget_photos) if faces.forget_photos else None,
            "retained_named": named_rightly(used, faces.retained) if faces.retained else None,
            "strangers_named": named_share(used, faces.strangers) if faces.strangers is not None else None,
        }
    progress(Event("checking", 2, 2, final=True))
    gone = not any(person in after.labels for person in people)
    now = absorbed_by(after, np.concatenate(list(faces.forgotten.values())))
    return AuditReport(people, rates["before"], rates["after"], now, gone, _derived(before, after))


def _derived(before: Recognizer, after: Recognizer) -> bool:
    origin = before.weights_hash()
    return after.weights_hash() == origin or any(e.get("weights_before") == origin for e in after.history)
