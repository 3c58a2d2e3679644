"""One thread that carries requests out, one at a time, each as a batch of its own.

What belongs to a request (unknown person, wrong photos, failed audit) ends in a receipt that says NOT ERASED. What does
not (a full disk, a batch of the operator's own on the model) stops nothing for good: the same request is tried again
after a pause, because a later one must start from the model that this one leaves.
"""

import logging
import threading
from dataclasses import replace

from faceforget.api import Configuration, Ledger, Place, Runtime, read_plan, run_batch
from faceforget.errors import FaceForgetError
from faceforget.progress import Event
from faceforget.serve.inbox import LIST, Inbox, KeptRequest
from faceforget.serve.live import LiveModel
from faceforget.serve.settings import ServeSettings

log = logging.getLogger("faceforget.serve")


class _Stopped(BaseException):
    """The service ends; not an error, and nothing that catches errors may hold it up."""


class Worker(threading.Thread):
    """Carries out the requests of an inbox.

    Attributes:
        fault: Kind of the error that holds up all requests; empty while all is well.
    """

    def __init__(self, settings: ServeSettings, inbox: Inbox, live: LiveModel, runtime: Runtime) -> None:
        super().__init__(name="faceforget-worker", daemon=True)
        self.fault = ""
        self._settings, self._inbox, self._live = settings, inbox, live
        self._runtime = replace(runtime, progress=self._progress)
        self._stop_asked = threading.Event()

    def run(self) -> None:
        """Until :meth:`stop`."""
        while (record := self._inbox.next(self._stop_asked)) is not None:
            try:
                self.carry_out(record)
            except _Stopped:
                log.info("request %s: stopped, goes on at the next start", record.id)
            except Exception as error:  # whatever it is, the requests must not end with it
                self.fault = error.kind if isinstance(error, FaceForgetError) else type(error).__name__
                # No message: it may name a person or a file.
                log.error("request %s: %s; again in %.0f s", record.id, self.fault, self._settings.retry_s)
                self._stop_asked.wait(self._settings.retry_s)

    def stop(self) -> None:
        """End after the step at hand; the request goes on at the next start."""
        self._stop_asked.set()
        self._inbox.wake()

    def carry_out(self, record: KeptRequest) -> None:
        """From wherever a request is to closed.

        Raises:
            FaceForgetError: Something that is not the request's own fault.
        """
        place = self._live.place(record)
        plan = read_plan(place.out)
        configuration = plan.configuration if plan else self._configuration(record, place)
        result = run_batch(
            self._inbox.folder(record.id) / LIST,
            place,
            self._settings.ledger,
            configuration=configuration,
            key=self._settings.key,
            resume=True,
            runtime=self._runtime,
            step=lambda step: self._step(record, step),
        )
        self.fault = ""  # before anybody can see that the request is closed
        (outcome,) = result.outcomes
        self._inbox.close(record, outcome.request, outcome.erased, outcome.reason, outcome.kind)
        self._live.publish()
        self._runtime.models.let_go_of_all_but(self._live.current())
        log.info("request %s: closed, %s", record.id, "erased" if outcome.erased else "not erased")

    def state(self, record: KeptRequest) -> tuple[str, str | None]:
        """Where a request is, and its id in the ledger once it has one."""
        if record.end is not None:
            return "closed", record.end.request
        plan = read_plan(self._inbox.folder(record.id) / "out")
        if plan is None or not self._settings.ledger.is_file():
            return "queued", None
        (request,) = plan.requests
        with Ledger(self._settings.ledger) as ledger:
            entries = ledger.of(request)
        state = str(entries[-1].state) if entries else "queued"
        # In the ledger it is; what was sent is being removed.
        return "closing" if state == "closed" else state, request if entries else None

    def _configuration(self, record: KeptRequest, place: Place) -> Configuration:
        settings = self._settings
        return Configuration.model_validate(
            {
                "promise": record.promise,
                "method": record.method,
                # The operator's own model is theirs to keep; one that an earlier request has left is the service's.
                "delete_model": settings.delete_model or place.model != settings.model,
                "copies": len(place.copies),
                "uploaded": True,
                "allow_mismatch": settings.allow_mismatch,
                "retained": settings.retained is not None,
                "strangers": settings.strangers is not None,
            }
        )

    def _step(self, record: KeptRequest, step: str) -> None:
        log.info("request %s: %s", record.id, step)
        if step == "live":
            self._live.publish()
        self._progress()

    def _progress(self, event: Event | None = None) -> None:
        if self._stop_asked.is_set():
            raise _Stopped
