"""A batch as files, which is what ``faceforget.requests`` reads, and its messages without them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.batches.asked import Asked
from app.batches.data import Terms
from app.people import OpenModel, Photo
from faceforget import api
from faceforget.api import Configuration, PhotoSource, Place, write_atomically
from faceforget.errors import FaceForgetError

MODEL = "model.safetensors"
# For the audit of each person: more make it slower, and hardly its intervals narrower.
_PHOTOS_OF_RETAINED, _PHOTOS_OF_STRANGERS = 3, 4


class Files:
    """A batch on disk; no name that a user chose is part of a path.

    Args:
        folder: Where to write it.
        model: The open model.
        asked: The requests.

    Attributes:
        list: The file with the requests.
        place: Of the model and the results.
    """

    def __init__(self, folder: Path, model: OpenModel, asked: Sequence[Asked]) -> None:
        self._names: dict[str, str] = {}
        self.list = folder / "requests.json"
        self.place = Place(folder / MODEL, folder / "out", _others(model), _strangers(model))
        api.save(model.recognizer, self.place.model)
        lines = [
            {
                "person": request.person,
                "method": request.method,
                "photos": [self._write(folder / f"{number}-{k}", p) for k, p in enumerate(request.photos)],
                "check": [self._write(folder / f"{number}-check-{k}", p) for k, p in enumerate(request.check)],
            }
            for number, request in enumerate(asked)
        ]
        write_atomically(self.list, json.dumps({"requests": lines}).encode())

    def _write(self, path: Path, photo: Photo) -> str:
        path.write_bytes(photo.data)
        self._names[str(path)] = f"“{photo.name}”"
        return str(path)

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
        """A message with the photos' own names: our paths say nothing to a user."""
        for path in sorted(self._names, key=len, reverse=True):
            text = text.replace(path, self._names[path])
        return text.replace(str(self.list), "The list").replace(str(self.place.model), "the model")

    def readable(self, error: FaceForgetError) -> FaceForgetError:
        """The same error in the user's words."""
        error.message, error.todo = self.shown(error.message), self.shown(error.todo)
        error.args = (f"{error.message} {error.todo}".strip(),)
        return error


def _others(model: OpenModel) -> Mapping[str, Sequence[PhotoSource]] | None:
    return {name: photos[:_PHOTOS_OF_RETAINED] for name, photos in model.kept_back.items()} or None


def _strangers(model: OpenModel) -> Mapping[str, Sequence[PhotoSource]] | None:
    return {name: photos[:_PHOTOS_OF_STRANGERS] for name, photos in model.others.items()} or None
