"""The end of requests that a batch has left open."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from app.batches.files import MODEL
from faceforget import api
from faceforget.api import INTERRUPTED, Closing, Ledger, OpenRequests, Place, ensure_key, read_plan


def close_open(place: Place, ledger: Path, reason: Mapping[str, Any]) -> None:
    """Close every request of a batch that is open still, with a receipt that says NOT ERASED.

    Args:
        place: Of the batch.
        ledger: The database.
        reason: What the ledger keeps of it, with its kind as ``reason``; see :mod:`faceforget.requests.reasons`.
    """
    plan = read_plan(place.out)
    if plan is None or not ledger.is_file():
        return
    with Ledger(ledger) as opened:
        signer = ensure_key(ledger.with_name(f"{ledger.name}.key"))
        store = OpenRequests(ledger)
        closing = Closing(plan, place, opened, store, signer, api.Runtime(), lambda step: None)
        known = [request for request in plan.requests if opened.of(request)]
        # What had passed its audit is brought to its end first: the others' receipts speak of the model as it is then.
        closing.close([request for request in known if closing.state(request) in ("audited", "purged", "failed")])
        for request in known:
            if closing.state(request) != "closed":
                closing.note({request: reason}, "failed", closing.last_attempt([request]))
        closing.close(known)
        # A crash before the plan came into the ledger leaves files that nobody will ask for.
        with FileLock(f"{ledger}.lock"):
            for request in set(plan.requests) - set(known):
                store.destroy(request)


def close_orphans(folder: Path, ledger: Path) -> None:
    """Close what a killed server left open in the ledger.

    Args:
        folder: Of one of its sessions.
        ledger: The database.
    """
    for plan in folder.glob("*/out/batch.json"):
        close_open(Place(plan.parents[1] / MODEL, plan.parent), ledger, {"reason": INTERRUPTED})
