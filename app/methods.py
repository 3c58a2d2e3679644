"""How a person can be erased, in plain words; what a method reads and what to know of it, the registry says."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.promises import title as title_of_promise
from faceforget.api import METHOD_OF_PROMISE, METHODS, Reads, caveat_of
from faceforget.errors import FaceForgetError


@dataclass(frozen=True)
class Choice:
    """A method that a user can choose by name.

    Attributes:
        name: A key of ``METHODS``.
        title: As the page calls it.
        words: What it does, in a sentence.
        baseline: Whether it is there to be compared with.
        heading: What its caveat is about.
        caveat: What to know of its results where the registry has no words of its own.
    """

    name: str
    title: str
    words: str
    baseline: bool = False
    heading: str = "This is a baseline, to compare with."
    caveat: str = ""


_UNHELD = (
    "It moves every layer and holds nobody in place, so that others pay. Where too little of the model would be left, "
    "nothing is handed out."
)

# Only methods that need nobody else's photos.
CHOICES: tuple[Choice, ...] = (
    Choice(
        "delete",
        "DELETE",
        "Trains the model on their photos to answer as if their name did not exist, and holds everybody else in place.",
        heading="What DELETE does not do.",
    ),
    Choice("anchored", "Anchored", "Takes what points at the person out of the embedding, without training."),
    Choice(
        "dispersed",
        "Dispersed",
        "Answers with noise where the embedding points at the person, without training.",
        heading="For this the model keeps something of the person.",
    ),
    Choice(
        "random_label",
        "Random label",
        "Trains their photos to get other people's names, drawn at random.",
        baseline=True,
        caveat=_UNHELD,
    ),
    Choice(
        "boundary_shrink",
        "Boundary shrink",
        "Trains each of their photos to get the name that is nearest.",
        baseline=True,
        caveat=_UNHELD,
    ),
    Choice("head_only", "Head only", "Trains the last layer alone; the features stay.", baseline=True),
    Choice("drop_row", "Drop row", "Deletes their name and their row, and nothing else.", baseline=True),
)
_BY_NAME: Mapping[str, Choice] = {choice.name: choice for choice in CHOICES}
_READS: Mapping[Reads, str] = {"nothing": "no photo", "forget photos": "their photos", "anchors": "rendered people"}


def method_of(promise: str, chosen: str | None) -> str:
    """The method by its name in the registry: the one chosen, or else the promise's own."""
    return chosen if chosen is not None else METHOD_OF_PROMISE[promise]


def title(method: str) -> str:
    """A method as the page calls it."""
    return _BY_NAME[method].title if method in _BY_NAME else method


def words(method: str) -> str:
    """What a method does and what it reads; one to be chosen by name."""
    choice = _BY_NAME[method]
    reads = " and ".join(_READS[what] for what in METHODS[method].reads)
    return f"{'Baseline. ' if choice.baseline else ''}{choice.words} Reads {reads}."


def caveat(method: str) -> tuple[str, str]:
    """What a user must know before choosing it: a heading and a text; both empty where there is nothing."""
    choice = _BY_NAME[method]
    said = caveat_of(method) or choice.caveat
    if said.startswith(f"{method} "):
        said = f"{choice.title}{said[len(method) :]}"
    return (choice.heading, said) if said else ("", "")


def not_kept(promise: str, method: str) -> tuple[str, str]:
    """A heading and a text where a method is not made for what is promised; both empty where it is.

    *Unrecognisable* has one method. *Forgotten* is kept by all but the baselines.
    """
    made_for = method == METHOD_OF_PROMISE[promise] if promise == "unrecognisable" else not _BY_NAME[method].baseline
    if made_for:
        return "", ""
    return (
        f"{title(method)} is not made to keep this promise.",
        f"“{title_of_promise(promise)}” is what {title(METHOD_OF_PROMISE[promise])} is made for. The audit judges what "
        "came out, whatever was asked for.",
    )


def takes_steps(method: str) -> bool:
    """Whether a method trains step by step: one in closed form has no curves."""
    return "max_steps" in METHODS[method].settings_type.model_fields


def reads_anchors(method: str) -> bool:
    """Whether a method reads rendered people too, who hold everybody else in place."""
    return "anchors" in METHODS[method].reads


def refusal(error: FaceForgetError, method: str) -> FaceForgetError:
    """An erasure that was refused, in the words of the page: what the method did, and the way out there is on it."""
    if error.code == "destroyed-model":
        left, least = error.values["left"], error.values["least"]
        return FaceForgetError(
            f"{title(method)} would have destroyed the model, so nothing was erased.",
            f"Who looks like whom in its copy agrees to {left:.2f} with the model before: 1 is as before, and below "
            f"{least:g} nothing is handed out. Choose another method.",
        )
    if error.code == "not-forgotten":
        return FaceForgetError(
            f"{title(method)} did not make the model forget them, so nothing was erased.",
            "They are still named on the photos that it read. Choose another method, or give more photos of them.",
        )
    return error
