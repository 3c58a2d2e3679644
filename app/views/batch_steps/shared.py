"""What several steps of the page need."""

import streamlit as st

from app.session import BatchState, Session

STEPS = ("List", "Check", "Erase", "Outcomes")
PHOTO_TYPES = ["jpg", "jpeg", "png", "webp"]


def leave(here: Session) -> None:
    """Back to an empty list; the outcomes of the last batch stay as long as nothing else is asked for."""
    here.batch = BatchState(terms=here.batch.terms, photos=here.batch.photos)
    here.generation += 1
    st.rerun()


def people(count: int) -> str:
    """How many people, in words."""
    return "1 person" if count == 1 else f"{count} people"
