"""The same person erased from the same model in other ways: what each buys, and what everybody else pays."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import cast

import numpy as np
import torch

from faceforget.api.runtime import Runtime
from faceforget.audit.estimates import Rate
from faceforget.audit.measures.accuracy import accuracy, named_rightly, with_rows_of
from faceforget.audit.view import Crops
from faceforget.people.anchors import rendered_anchors
from faceforget.progress import Event
from faceforget.recognizer.head import FaceClassifier, to_images
from faceforget.recognizer.recognizer import Recognizer
from faceforget.recognizer.training import mirror
from faceforget.recognizer.vary import vary
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.registry import METHODS, make_method

# Two in closed form, the field's first baseline, and what an operator without a tool does.
BESIDE = ("anchored", "dispersed", "random_label", "drop_row")
RETRAINED = "retrained"


@dataclass(frozen=True)
class Beside:
    """One model without the person.

    Attributes:
        method: A key of ``METHODS``, or ``RETRAINED``.
        row_back: Unseen photos of the person whose best candidate they are, with their old row put back.
        again: The same photos that name them once they are enrolled again, from the photos that were erased.
        others: Unseen photos of everybody else that are named rightly by the model as it is handed out.
        seconds: Of the method alone; of a retrained model, of the whole enrolment.
        steps: Of the method; 0 in closed form.
    """

    method: str
    row_back: Rate
    again: Rate
    others: Rate
    seconds: float
    steps: int

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "method": self.method,
            "named_with_old_row": self.row_back.value,
            "named_when_enrolled_again": self.again.value,
            "others_named": self.others.value,
            "seconds": round(self.seconds, 3),
            "steps": self.steps,
        }


@dataclass(frozen=True)
class Views:
    """What the models are asked about.

    Attributes:
        person: Who is erased.
        read: ``(N, S, S, 3)``, the photos of them that the erasures read.
        unseen: Photos of everybody, by person, that nothing has read.
    """

    person: str
    read: Crops
    unseen: Mapping[str, Crops]


def beside(
    before: Recognizer,
    views: Views,
    shown: tuple[Recognizer, str, float, int],
    retrain: Callable[[], Recognizer],
    runtime: Runtime,
) -> Iterator[Beside]:
    """Erase the person in each other way, and judge all models alike.

    Args:
        before: The model with everybody.
        views: Whose photos.
        shown: A model that is there already: itself, its method, seconds, steps.
        retrain: Makes the model that never saw the person.
        runtime: Seed and progress.
    """
    yield _judged(before, views, *shown)
    for number, method in enumerate(BESIDE):
        runtime.progress(Event("other methods", number, len(BESIDE) + 1))
        after, seconds, steps = _erased(before, views, method, runtime.seed)
        yield _judged(before, views, after, method, seconds, steps)
    runtime.progress(Event("other methods", len(BESIDE), len(BESIDE) + 1))
    start = perf_counter()
    retrained = retrain()
    seconds = perf_counter() - start
    yield _judged(before, views, retrained, RETRAINED, seconds, 0)
    runtime.progress(Event("other methods", len(BESIDE) + 1, len(BESIDE) + 1, final=True))


def _erased(before: Recognizer, views: Views, method: str, seed: int) -> tuple[Recognizer, float, int]:
    """The model with the person's row, whatever became of everybody else: this is what is compared here."""
    anchors = None
    if "anchors" in METHODS[method].reads:
        anchors = to_images(rendered_anchors(before.spec.framing), before.device)
    forget = ForgetSet(to_images(views.read, before.device), (before.index_of(views.person),), anchors=anchors)
    eraser = make_method(method).settled(before.classifier, forget)
    start = perf_counter()
    erasure = eraser(before.classifier, forget, augment=vary if eraser.varied else mirror, seed=seed)
    seconds = perf_counter() - start
    after = replace(before, classifier=cast("FaceClassifier", erasure.model))
    return after.without([views.person]), seconds, len(erasure.steps)


def _judged(before: Recognizer, views: Views, after: Recognizer, method: str, seconds: float, steps: int) -> Beside:
    person = views.person
    together = after.embed(np.concatenate(list(views.unseen.values())))
    parts = torch.split(together, [len(crops) for crops in views.unseen.values()])
    seen = dict(zip(views.unseen, parts, strict=True))
    others = {name: own for name, own in seen.items() if name != person}
    own = {person: seen[person]}
    again = after.with_person(person, after.embed(views.read))
    return Beside(
        method,
        accuracy(with_rows_of(before, after), own),
        named_rightly(again, own),
        named_rightly(after, others),
        seconds,
        steps,
    )
