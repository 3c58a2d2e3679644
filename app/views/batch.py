"""Batch: a list of requests, what was found out about it, the erasure as it happens, and its outcomes."""

from app.frame import needs_model, page, session
from app.opening import BATCH_ENDED
from app.views.batch_steps.checked import checked
from app.views.batch_steps.erasing import running
from app.views.batch_steps.listing import checking, give_list
from app.views.batch_steps.outcomes import outcomes


def main() -> None:
    """The page."""
    if session().notice == BATCH_ENDED:
        session().notice = ""  # this page says it itself
    with page(
        "Several people at once",
        "Give a list of erasure requests. See first what would happen, then erase everybody. Each gets a receipt.",
    ) as here:
        if not needs_model(here) or here.model is None:
            return
        batch = here.batch
        if batch.running is not None:
            running()
        elif batch.checking is not None:
            checking()
        elif batch.asked:
            checked(here, here.model, batch)
        elif batch.done is not None:
            outcomes(here, batch.done)
        else:
            give_list(here, here.model)


main()
