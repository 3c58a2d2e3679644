"""Which model is in use after the requests so far, and which ones are nobody's any more."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from faceforget.errors import ModelFileError, UsageError
from faceforget.files import sha256_file, write_atomically
from faceforget.recognizer.storage import load_recognizer
from faceforget.requests.canonical import TamperedError, canonical, read_canonical
from faceforget.requests.closing import Place
from faceforget.serve.inbox import Inbox, Record
from faceforget.serve.settings import ServeSettings


class _Begun(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    model: str


class LiveModel:
    """The chain of models of a service: each erasure starts from the one before.

    A batch never overwrites a model, so each request has its own in its folder. ``OUT/MODEL`` is a copy of the last
    one, put there by a rename, for whoever runs the recogniser.
    """

    def __init__(self, settings: ServeSettings, inbox: Inbox) -> None:
        self._settings, self._inbox = settings, inbox

    @property
    def published(self) -> Path:
        """Where the live model is found, once there is one."""
        return self._settings.out / self._settings.model.name

    def place(self, record: Record) -> Place:
        """Where the batch of a request reads and writes."""
        settings = self._settings
        return Place(self.current(), self._out(record), settings.retained, settings.strangers)

    def current(self) -> Path:
        """The model that the next request starts from."""
        done = self._models()
        return done[-1] if done else self._settings.model

    def check(self) -> None:
        """Check that the folder belongs to this model, and that there is one to start from.

        Raises:
            UsageError: It belongs to another one.
            ModelFileError: The model cannot be used.
        """
        if self.published.resolve() == self._settings.model.resolve():
            raise UsageError(
                f"The results cannot go where the model is: {self._settings.out}.", "Give another folder with --out."
            )
        load_recognizer(self.current())
        file, model = self._settings.out / "service.json", self._settings.model
        if not file.exists():
            write_atomically(file, canonical({"model": sha256_file(model)}))
        try:
            begun = _Begun.model_validate(read_canonical(file.read_bytes(), str(file)))
        except ValidationError as error:
            raise TamperedError(f"{file} is damaged.", "Restore it from a backup.") from error
        if model.exists() and sha256_file(model) != begun.model:
            raise UsageError(
                f"{self._settings.out} was begun with another model: SHA-256 {begun.model[:12]}....",
                "Give that model, or another folder.",
            )

    def publish(self) -> None:
        """Put the last model in use, and remove those before it: they know the erased persons."""
        done = self._models()
        if not done:
            return
        last = done[-1]
        if not last.is_file():
            raise ModelFileError(f"The model {last} is gone.", f"Restore it: a copy may be {self.published}.")
        if not self.published.exists() or sha256_file(self.published) != sha256_file(last):
            write_atomically(self.published, last.read_bytes())
        for model in done[:-1]:
            model.unlink(missing_ok=True)
            model.with_name(f"{model.name}.lock").unlink(missing_ok=True)

    def receipt(self, record: Record) -> Path | None:
        """The receipt of a closed request."""
        return (
            Place(self._settings.model, self._out(record)).receipt(record.end.request, ".json") if record.end else None
        )

    def _out(self, record: Record) -> Path:
        return self._inbox.folder(record.id) / "out"

    def _models(self) -> Sequence[Path]:
        erased = [record for record in self._inbox.all() if record.end is not None and record.end.erased]
        return [self._out(record) / self._settings.model.name for record in erased]
