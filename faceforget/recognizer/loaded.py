"""The models that one piece of work has read, so that it reads none of them twice."""

from pathlib import Path

import torch

from faceforget.files import sha256_file
from faceforget.recognizer.recognizer import Recognizer
from faceforget.recognizer.storage import load_recognizer

# The one that a list begins with, the last that went live, the one being audited, and one more.
_MOST = 4


class LoadedModels:
    """Models by the hash of their file, the latest few; a file that was changed is another one.

    Sent to another process it is empty there: models do not travel, their files do.
    """

    def __init__(self) -> None:
        self._models: dict[tuple[str, str], Recognizer] = {}

    def load(self, path: Path | str, device: str | torch.device = "cpu") -> Recognizer:
        """The model in a file.

        Raises:
            ModelFileError: As :func:`load_recognizer`.
        """
        if not Path(path).is_file():
            return load_recognizer(path, device)  # which says what is wrong
        key = (sha256_file(Path(path)), str(device))
        if key not in self._models:
            self._keep(key, load_recognizer(path, device))
        return self._models[key]

    def know(self, path: Path, recognizer: Recognizer) -> None:
        """A model that was written to a file just now, and need not be read again."""
        self._keep((sha256_file(path), str(recognizer.device)), recognizer)

    def let_go_of_all_but(self, path: Path) -> None:
        """Forget every model but the one in a file: those before an erasure know who was erased."""
        kept = sha256_file(path) if path.is_file() else ""
        self._models = {key: model for key, model in self._models.items() if key[0] == kept}

    def _keep(self, key: tuple[str, str], recognizer: Recognizer) -> None:
        self._models[key] = recognizer
        while len(self._models) > _MOST:
            self._models.pop(next(iter(self._models)))

    def __reduce__(self) -> tuple[type["LoadedModels"], tuple[()]]:
        return LoadedModels, ()
