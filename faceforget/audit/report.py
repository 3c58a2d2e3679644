"""One report on a pair of models: before and after an erasure."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from faceforget.audit.accuracy import (
    Crops,
    Rate,
    absorbed_by,
    accuracy,
    named_rightly,
    named_share,
    with_rows_of,
)
from faceforget.progress import Progress, silent, tracked
from faceforget.recognizer.recognizer import Recognizer

# Strangers embedded between two events of progress.
_CHUNK = 64

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
        progress: Called after each person.

    Raises:
        UnknownPersonError: ``before`` does not know a person.
        ModelFileError: ``after`` was not made from ``before``.
    """
    people = tuple(faces.forgotten)
    for person in people:
        before.index_of(person)
    restored = with_rows_of(before, after)
    old, new = (_embedded(model, faces, progress, stage) for model, stage in ((before, "before"), (after, "after")))
    gone = not any(person in after.labels for person in people)
    return AuditReport(
        people,
        _rates(before, before, old),
        _rates(restored, after, new),
        absorbed_by(after, torch.cat(list(new.forgotten.values()))),
        gone,
        _derived(before, after),
    )


@dataclass(frozen=True)
class _Embedded:
    """The same as :class:`Faces`, as one model's unit embeddings ``(N, D)``: each photo is embedded once."""

    forgotten: Mapping[str, Tensor]
    forget_photos: Mapping[str, Tensor]
    retained: Mapping[str, Tensor]
    strangers: Tensor | None


def _embedded(model: Recognizer, faces: Faces, progress: Progress, stage: str) -> _Embedded:
    parts = (faces.forgotten, faces.forget_photos or {}, faces.retained or {})
    jobs = [(index, name, crops) for index, part in enumerate(parts) for name, crops in part.items()]
    done: tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]] = ({}, {}, {})
    for index, name, crops in tracked(jobs, f"checking {stage}", len(jobs), progress):
        done[index][name] = model.embed(crops)
    if faces.strangers is None:
        return _Embedded(*done, None)
    chunks = [faces.strangers[start : start + _CHUNK] for start in range(0, len(faces.strangers), _CHUNK)]
    stage = f"strangers {stage}"
    return _Embedded(*done, torch.cat([model.embed(c) for c in tracked(chunks, stage, len(chunks), progress)]))


def _rates(model: Recognizer, used: Recognizer, embedded: _Embedded) -> dict[str, Rate | None]:
    """Rates with all rows in place, and for names and unknown those of the model as it is used."""
    retained, forget_photos, strangers = embedded.retained, embedded.forget_photos, embedded.strangers
    return {
        "forgotten": accuracy(model, embedded.forgotten),
        "retained": accuracy(model, retained) if retained else None,
        "forgotten_train": accuracy(model, forget_photos) if forget_photos else None,
        "retained_named": named_rightly(used, retained) if retained else None,
        "strangers_named": named_share(used, strangers) if strangers is not None else None,
    }


def _derived(before: Recognizer, after: Recognizer) -> bool:
    origin = before.weights_hash()
    return after.weights_hash() == origin or any(e.get("weights_before") == origin for e in after.history)
