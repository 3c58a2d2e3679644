"""The app: ``faceforget app``, or ``streamlit run app/main.py``."""

import atexit
import gc
import logging
import sys
from functools import cache
from importlib import import_module
from pathlib import Path

import streamlit as st
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

# Streamlit puts the folder of this file on the path, not the one above it.
_ROOT = str(Path(__file__).resolve().parents[1])
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

from app import frame  # noqa: E402
from app.look import ICON, LOGO  # noqa: E402
from app.opening import settle  # noqa: E402
from app.pieces import style  # noqa: E402
from app.session import Watch  # noqa: E402

_PAGES = (
    (frame.START, "Start", "start"),
    (frame.RECOGNISE, "Recognise", "recognise"),
    (frame.FORGET, "Forget", "forget"),
    (frame.PROOF, "Proof", "proof"),
    (frame.RECEIPT, "Receipt", "receipt"),
)


_log = logging.getLogger(__name__)


@cache
def _watch() -> Watch:
    """The one watch of this server."""
    runtime = get_instance()

    def end(session_id: str) -> None:
        runtime.uploaded_file_mgr.remove_session_files(session_id)
        # Only the server's own loop may close a session; there is no public way to it.
        loop = runtime._get_async_objs().eventloop
        loop.call_soon_threadsafe(runtime.close_session, session_id)
        _log.info("A session is over; its photos are gone.")

    _spare_the_collector()
    watch = Watch(runtime.is_active_session, end)
    watch.start()
    return watch


def _spare_the_collector() -> None:
    """Take the libraries, a million objects that never go, out of the garbage collector's sight.

    Streamlit collects after every run of a script, twice a second beside an erasure: with torch in memory that
    stops every thread for half a second, and an erasure takes three times as long. Nobody's photo is in memory yet.
    """
    for name in (
        "matplotlib.figure",
        "pytorch_grad_cam",
        "sklearn.linear_model",
        "sklearn.manifold",
        "facenet_pytorch",
    ):
        import_module(name)
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # else C++ libraries report leaks


def main() -> None:
    """One run of the script."""
    st.set_page_config(page_title="FaceForget", page_icon=ICON, layout="wide", initial_sidebar_state="collapsed")
    st.html(style())
    st.logo(LOGO, size="large")
    here = frame.session()
    context = get_script_run_ctx()
    if exists() and context is not None:
        _watch().add(context.session_id, here)
    settle(here)
    pages = [
        st.Page(path, title=title, url_path=url, default=number == 0)
        for number, (path, title, url) in enumerate(_PAGES)
    ]
    st.navigation(pages, position="top").run()


main()
