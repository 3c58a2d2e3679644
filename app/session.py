"""What one browser session holds, and how it is let go: all of it in memory, but for the files of a batch."""

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field

from app.batches.data import EndedBatch, Line, LiveBatch, Terms
from app.batches.folder import Folder
from app.books import new_folder
from app.check import CheckedPhoto
from app.erasing import Erased, LiveErasure
from app.jobs import Job
from app.papers import Papers
from app.people import OpenModel
from faceforget.api import Asked, Memory, NamedPhoto, Photo, Upload

KEY = "faceforget"


@dataclass
class BatchState:
    """A list of requests.

    Attributes:
        asked: The requests.
        terms: How they are carried out.
        checking: The dry run under way.
        lines: What it found.
        confirming: Whether the user is asked if they are sure.
        running: The batch under way.
        stopping: Whether the user wants it to stop.
        live: What can be shown of it.
        done: The last one that ended.
        photos: Those that were looked at, by hash.
    """

    asked: tuple[Asked, ...] = ()
    terms: Terms = field(default_factory=Terms)
    checking: Job[tuple[Line, ...]] | None = None
    lines: tuple[Line, ...] = ()
    confirming: bool = False
    running: Job[EndedBatch] | None = None
    stopping: bool = False
    live: LiveBatch = field(default_factory=LiveBatch)
    done: EndedBatch | None = None
    photos: dict[str, Photo] = field(default_factory=dict)

    @property
    def job(self) -> Job[tuple[Line, ...]] | Job[EndedBatch] | None:
        """What is under way."""
        found = self.running or self.checking
        return found if found is not None and found.active else None


@dataclass
class Session:
    """A user's work; nothing of it is shared with another session.

    Attributes:
        model: The open model.
        opening: The model being opened or built.
        ahead: The photos of its people being looked at, so that an erasure need not.
        draft: People being added one at a time.
        person: Whom to forget.
        seen: Photos given for the erasure.
        included: By place in ``seen``, what the user decided.
        checked: The same photos judged as photos of ``person``.
        promise: What is promised.
        method: How, by the name in the registry; None leaves it to the promise.
        confirming: Whether the user is asked if they are sure.
        erasing: The erasure under way.
        live: What can be shown of it.
        memory: What models made of photos in the audits of this session.
        erased: The last erasure.
        fresh: Whether the user has not seen its proof yet.
        papers: Its reports, under way or done.
        recognised: Photos named on the page Recognise, by the id of the upload.
        batch: A list of requests.
        folder: Where a batch has its files while it runs, and the session its ledger.
        generation: Raised to make every upload field forget its files.
        notice: To be said once on the next page.
    """

    model: OpenModel | None = None
    opening: Job[OpenModel] | None = None
    ahead: Job[None] | None = None
    draft: dict[str, list[Upload]] = field(default_factory=dict)
    person: str | None = None
    seen: list[Photo] = field(default_factory=list)
    included: dict[int, bool] = field(default_factory=dict)
    checked: list[CheckedPhoto] = field(default_factory=list)
    promise: str = "forgotten"
    method: str | None = None
    confirming: bool = False
    erasing: Job[Erased] | None = None
    live: LiveErasure = field(default_factory=LiveErasure)
    memory: Memory = field(default_factory=Memory)
    erased: Erased | None = None
    fresh: bool = False
    papers: Job[Papers] | None = None
    recognised: dict[str, NamedPhoto] = field(default_factory=dict)
    batch: BatchState = field(default_factory=BatchState)
    folder: Folder | None = None
    generation: int = 0
    notice: str = ""

    def use(self, model: OpenModel | None) -> None:
        """Work with another model, or with none; what belonged to the last one goes."""
        self._stop()
        self.model, self.opening, self.ahead, self.draft = model, None, None, {}
        self.choose(None)
        self.recognised = {}
        self.erased = self.papers = self.erasing = None
        self.live, self.memory = LiveErasure(), Memory()
        self.batch = BatchState()

    def go_on_with(self, model: OpenModel) -> None:
        """Put an erased model in the place of the open one; what was shown of the erasure stays."""
        self.model = model
        self.choose(None)
        self.recognised = {}

    def own_folder(self) -> Folder:
        """The session's folder, made when it is first needed."""
        self.folder = self.folder or new_folder()
        return self.folder

    def choose(self, person: str | None) -> None:
        """Another person; the photos given so far go."""
        self.person, self.confirming = person, False
        self.seen, self.included, self.checked = [], {}, []
        self.generation += 1

    def forget_everything(self) -> None:
        """Let go of every photo, face, name and model of this session."""
        self._stop()
        if self.folder is not None:
            self.folder.close()
        fresh = Session(generation=self.generation + 1)
        self.__dict__.update(fresh.__dict__)

    def _stop(self) -> None:
        for job in (self.opening, self.ahead, self.erasing, self.papers, self.batch.checking, self.batch.running):
            if job is not None:
                job.cancel()


class Watch:
    """Notices that a browser has gone for good, and lets its session go.

    Streamlit itself drops a session whose browser left only when the next one leaves.
    """

    def __init__(self, is_active: Callable[[str], bool], end: Callable[[str], None], *, grace: int = 3) -> None:
        """Watch sessions.

        Args:
            is_active: Whether a browser is connected to the session with this id.
            end: Called once for a session that is over.
            grace: Looks without a browser after which it is: a short break of the network is not the end.
        """
        self._is_active, self._end, self._grace = is_active, end, grace
        self._sessions: dict[str, tuple[weakref.ref[Session], int]] = {}
        self._lock = threading.Lock()

    def add(self, session_id: str, session: Session) -> None:
        """Watch a session; adding it again changes nothing."""
        with self._lock:
            self._sessions.setdefault(session_id, (weakref.ref(session), 0))

    def look(self) -> None:
        """Look at every session once."""
        with self._lock:
            sessions = list(self._sessions.items())
        for session_id, (reference, missed) in sessions:
            missed = 0 if self._is_active(session_id) else missed + 1
            over = missed >= self._grace
            with self._lock:
                if over:
                    self._sessions.pop(session_id, None)
                else:
                    self._sessions[session_id] = (reference, missed)
            if over:
                session = reference()
                if session is not None:
                    session.forget_everything()
                self._end(session_id)

    def start(self, every: float = 10.0) -> None:
        """Look again and again, in a thread."""

        def run() -> None:
            pause = threading.Event()
            while not pause.wait(every):
                self.look()

        threading.Thread(target=run, daemon=True, name="faceforget-watch").start()
