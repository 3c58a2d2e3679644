"""Which model is in use after the requests so far, and which ones are nobody's any more."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from faceforget.api import Place, Runtime, TamperedError, canonical, read_canonical, sha256_file, write_atomically
from faceforget.errors import ModelFileError, UsageError
from faceforget.serve.inbox import Inbox, KeptRequest
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

    def place(self, record: KeptRequest) -> Place:
        """Where the batch of a request, the oldest that is open, reads and writes.

        Once somebody was erased, the operator's own model is a copy beside the one that the batch starts from.
        """
        settings, closed = self._settings, self._models(audited=False)
        model, copies = (closed[-1], (settings.model,)) if closed else (settings.model, ())
        return Place(model, self._out(record), settings.retained, settings.strangers, copies)

    def current(self) -> Path:
        """The last model that its audit let through; before the first, the operator's."""
        done = self._models()
        return done[-1] if done else self._settings.model

    def check(self, runtime: Runtime) -> None:
        """Check that the folder belongs to this model, and that there is one to start from.

        Args:
            runtime: Reads it, and has it from then on.

        Raises:
            UsageError: It belongs to another one.
            ModelFileError: The model cannot be used.
        """
        if self.published.resolve() == self._settings.model.resolve():
            raise UsageError(f"The results cannot go where the model is: {self._settings.out}.", "Give another folder.")
        runtime.load(self.current())
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
        """Put the last model in use, and remove those before it: they know the erased persons.

        Done before the receipt of an erasure is signed, which says that the model is in use, and again at each start.

        Raises:
            ModelFileError: It is gone.
        """
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

    def receipt(self, record: KeptRequest) -> Path | None:
        """The receipt of a closed request."""
        return (
            Place(self._settings.model, self._out(record)).receipt(record.end.request, ".json") if record.end else None
        )

    def _out(self, record: KeptRequest) -> Path:
        return self._inbox.folder(record.id) / "out"

    def _models(self, *, audited: bool = True) -> Sequence[Path]:
        """Of closed requests; with ``audited`` also of the open one whose model is there: its audit let it through."""
        models = [(record.end, self._out(record) / self._settings.model.name) for record in self._inbox.all()]
        return [model for end, model in models if (end.erased if end else audited and model.is_file())]
