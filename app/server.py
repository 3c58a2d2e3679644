"""What the server has once, however many sessions there are; Streamlit runs ``main.py`` anew on every click."""

import atexit
import gc
import logging
import threading
from contextlib import suppress
from functools import cache
from importlib import import_module

from streamlit.runtime import Runtime, get_instance

from app.session import Watch

_log = logging.getLogger(__name__)


@cache
def watch() -> Watch:
    """The one watch of this server."""
    runtime = get_instance()

    def end(session_id: str) -> None:
        let_go(runtime, session_id)
        # Only the server's own loop may close a session; there is no public way to it.
        loop = runtime._get_async_objs().eventloop
        with suppress(RuntimeError):  # the server is stopping: its loop is closed, and its sessions with it
            loop.call_soon_threadsafe(runtime.close_session, session_id)
        _log.info("A session is over; its photos are gone.")

    threading.Thread(target=_at_first, daemon=True, name="faceforget-first").start()
    found = Watch(runtime.is_active_session, end)
    found.start()
    return found


def let_go(runtime: Runtime, session_id: str) -> None:
    """Remove what Streamlit holds of a session: uploads, and files that were offered for download."""
    runtime.uploaded_file_mgr.remove_session_files(session_id)
    runtime.media_file_mgr.clear_session_refs(session_id)
    # The first call only marks downloads, in case one is under way.
    for _ in range(2):
        runtime.media_file_mgr.remove_orphaned_files()


def _at_first() -> None:
    """What a server does once, beside its first page."""
    _spare_the_collector()
    from app.books import clear_up  # heavy, and loaded by then

    orphans = clear_up()
    if orphans:
        _log.warning("Removed what %d sessions of a killed server had left behind.", orphans)


def _spare_the_collector() -> None:
    """Take the libraries, a million objects that never go, out of the garbage collector's sight.

    Streamlit collects after every run of a script, every second beside an erasure: with torch in memory that
    stops every thread for half a second, and erasing took three times as long. What is let go of is freed all the same.
    """
    for name in (
        "matplotlib.figure",
        "pytorch_grad_cam",
        "sklearn.linear_model",
        "sklearn.manifold",
        "sklearn.pipeline",
        "sklearn.preprocessing",
        "sklearn.svm",
        "facenet_pytorch",
        "app.erasing",
        "torch._dynamo",
    ):
        import_module(name)
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # else C++ libraries report leaks
