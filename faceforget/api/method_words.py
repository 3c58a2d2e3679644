"""What an operator must know of a method on faces, in an operator's words.

The library says it of classes and images; here it is said of people and their photos, with what was measured on faces.
A method that is not named here, somebody else's, speaks for itself.
"""

from collections.abc import Mapping, Sequence

from faceforget.unlearn.data import Note
from faceforget.unlearn.methods.anchored import Anchored
from faceforget.unlearn.methods.dispersed import Dispersed
from faceforget.unlearn.registry import METHODS

# What a user asks for, and the method that keeps it.
METHOD_OF_PROMISE: Mapping[str, str] = {"forgotten": Anchored.name, "unrecognisable": Dispersed.name}
# The measurements are `python -m benchmarks.white_box`.
_CAVEATS: Mapping[str, str] = {
    "delete": (
        "delete turns a person away from their row, and everybody else stays where they are: enrolled again the person "
        "is recognised, as a stranger would be, and whoever holds the model's file and the public backbone can read a "
        "template of the person from what was changed."
    ),
    "dispersed": (
        "dispersed adds a layer that tells this person from others, to answer with noise: whoever holds the model's "
        "file can read that layer, and take it off. Use anchored where nothing of the person may stay."
    ),
    "drop_row": (
        "drop_row is a baseline: only the row and the label are gone, and nothing is erased from the features; "
        "with the row back, the person is recognised as before."
    ),
    "head_only": (
        "head_only is a baseline: it moves the last layer and erases nothing from the features; "
        "enrolled again, the person is recognised as before."
    ),
    "mask_logit": (
        "mask_logit is a baseline: it hides an output and erases nothing from the features; a model file keeps no "
        "mask, so what is written is the same as drop_row's, and with the row back the person is recognised as before."
    ),
    "retrain": (
        "retrain is the reference: the model never saw the person. With their old row put back it may still match "
        "their face, as it can match any stranger's."
    ),
}
_NOTES: Mapping[str, str] = {
    "masked-in-regions": (
        "{classes} people at once are masked only where they are, by a layer that tells them from others: whoever "
        "holds the model's file can read that layer, and take it off. Erase fewer at a time to do without it."
    ),
    "outside-regions": (
        "{missed} of {images} photos would lie outside a region drawn from the others: expect as many of the "
        "person's other photos to be recognisable still. More photos of them help."
    ),
    "turned-alike": (
        "So that no old row wins, the photos of these {classes} people were turned the same way: expect them to be "
        "recognisable still. Erase fewer at once."
    ),
}


def caveat_of(method: str) -> str:
    """What to know before choosing a method, by its name; empty where its results mean what they seem to."""
    return _CAVEATS.get(method, METHODS[method].caveat if method in METHODS else "")


def notes_in_words(notes: Sequence[Note]) -> str:
    """What a method found out about how far it came; empty where it has nothing to say."""
    return " ".join(_NOTES.get(note.code, note.message).format(**note.values) for note in notes)
