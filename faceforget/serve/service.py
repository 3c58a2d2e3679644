"""Inbox, live model and worker as one, which begins and ends together."""

from filelock import FileLock, Timeout

from faceforget.api import Ledger, Runtime, known_others, people_from
from faceforget.errors import UsageError
from faceforget.serve.inbox import Inbox
from faceforget.serve.live import LiveModel
from faceforget.serve.settings import ServeSettings
from faceforget.serve.worker import Worker


class Service:
    """What the HTTP routes talk to; the folder is its own until :meth:`stop`.

    Raises:
        UsageError: Another service uses the folder, or it belongs to another model.
        FaceForgetError: Model, ledger or a record cannot be used.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        settings.out.mkdir(parents=True, exist_ok=True)
        # Begun in one thread, ended in another.
        self._lock = FileLock(settings.out / "service.lock", thread_local=False)
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise UsageError(f"Another service uses {settings.out}.", "End it, or give another folder.") from error
        try:
            self.inbox = Inbox(settings.out, settings.limits.open_requests)
            self.live = LiveModel(settings, self.inbox)
            runtime = Runtime(settings.device)  # one for all requests: no model is read twice
            self.live.check(runtime)
            self._check_others(runtime)
            with Ledger(settings.ledger, create=True) as ledger:
                ledger.verify()
        except BaseException:
            self._lock.release()
            raise
        self.worker = Worker(settings, self.inbox, self.live, runtime)

    def start(self) -> None:
        """Go on with whatever is open."""
        self.live.publish()
        self.worker.start()

    def stop(self) -> None:
        """End after the step at hand."""
        self.worker.stop()
        if self.worker.is_alive():
            self.worker.join()
        self._lock.release()

    def _check_others(self, runtime: Runtime) -> None:
        """Folders for the audit that hold nobody are better found out now than at every request."""
        if self.settings.retained is not None:
            known_others(self.settings.retained, runtime.load(self.live.current()), ())
        if self.settings.strangers is not None:
            people_from(self.settings.strangers)
