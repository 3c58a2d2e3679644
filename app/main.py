"""The app: ``faceforget app``, or ``streamlit run app/main.py``."""

import sys
from pathlib import Path

import streamlit as st
from streamlit.runtime import exists
from streamlit.runtime.scriptrunner import get_script_run_ctx

# Streamlit puts the folder of this file on the path, not the one above it. In front: a user may have an `app` too.
_ROOT = str(Path(__file__).resolve().parents[1])
if sys.path[0] != _ROOT:
    sys.path.insert(0, _ROOT)

from app.look import ICON, LOGO  # noqa: E402

st.set_page_config(page_title="FaceForget", page_icon=ICON, layout="wide", initial_sidebar_state="collapsed")
st.logo(LOGO, size="large")
# The first page of a server waits ten seconds for torch and its kin.
_waiting = st.empty() if "app.frame" not in sys.modules else None
if _waiting is not None:
    _waiting.info("FaceForget is starting. The first time takes about ten seconds.")

from app import frame  # noqa: E402
from app.opening import settle  # noqa: E402
from app.pieces import style  # noqa: E402
from app.server import watch  # noqa: E402

if _waiting is not None:
    _waiting.empty()

_PAGES = (
    (frame.START, "Start", "start"),
    (frame.RECOGNISE, "Recognise", "recognise"),
    (frame.FORGET, "Forget", "forget"),
    (frame.PROOF, "Proof", "proof"),
    (frame.RECEIPT, "Receipt", "receipt"),
    (frame.BATCH, "Batch", "batch"),
    (frame.HISTORY, "History", "history"),
)


def main() -> None:
    """One run of the script."""
    st.html(style())
    here = frame.session()
    context = get_script_run_ctx()
    if exists() and context is not None:
        watch().add(context.session_id, here)
    settle(here)
    pages = [
        st.Page(path, title=title, url_path=url, default=number == 0)
        for number, (path, title, url) in enumerate(_PAGES)
    ]
    st.navigation(pages, position="top").run()


main()
