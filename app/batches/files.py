"""A batch as files, which is what ``faceforget.requests`` reads, and its messages without them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from app.batches.data import Terms
from app.people import OpenModel
from faceforget import api
from faceforget.api import Configuration, PhotoSource, Place
from faceforget.errors import FaceForgetError

MODEL = "model.safetensors"
# For the audit of each person: more make it slower, and hardly its intervals narrower.
_PHOTOS_OF_RETAINED, _PHOTOS_OF_STRANGERS = 3, 4


class Files:
    """A batch on disk: the model and the results. Its photos are in memory alone.

    Args:
        folder: Where to write.
        model: The open model.
        runtime: Told that the file is this model, so that it is not read again.

    Attributes:
        place: Of the model and the results.
    """

    def __init__(self, folder: Path, model: OpenModel, runtime: api.Runtime) -> None:
        self.place = Place(folder / MODEL, folder / "out", _others(model), _strangers(model))
        api.save(model.recognizer, self.place.model)
        runtime.models.know(self.place.model, model.recognizer)

    def configuration(self, terms: Terms) -> Configuration:
        """For the functions underneath."""
        return Configuration(
            promise=terms.promise,
            joint=terms.joint,
            allow_mismatch=terms.allow_mismatch,
            retained=self.place.retained is not None,
            strangers=self.place.strangers is not None,
        )

    def shown(self, text: str) -> str:
        """A message without our path, which says nothing to a user."""
        return text.replace(str(self.place.model), "the model")

    def readable(self, error: FaceForgetError) -> FaceForgetError:
        """The same error in the user's words."""
        error.message, error.todo = self.shown(error.message), self.shown(error.todo)
        error.args = (f"{error.message} {error.todo}".strip(),)
        return error


def _others(model: OpenModel) -> Mapping[str, Sequence[PhotoSource]] | None:
    return {name: photos[:_PHOTOS_OF_RETAINED] for name, photos in model.kept_back.items()} or None


def _strangers(model: OpenModel) -> Mapping[str, Sequence[PhotoSource]] | None:
    return {name: photos[:_PHOTOS_OF_STRANGERS] for name, photos in model.others.items()} or None
