"""Pieces of HTML for lists of requests and the ledger; whatever came from a user is escaped here."""

from collections.abc import Sequence
from html import escape

from app.advice import advice, told
from app.batches.data import EndedBatch, Line, LiveBatch
from app.books import OPEN_WORDS, LedgerRecord
from app.pieces import face, name_of
from app.promises import title
from faceforget.api import PROMISES_IN_WORDS as IN_REPORTS
from faceforget.api import RGB, count_photos
from faceforget.errors import FaceForgetError, UnknownPersonError

_MARKS = {"ready": "✓", "problem": "!", "erased": "✓", "not": "✕", "open": "…"}


def stamp(kind: str, words: str) -> str:
    """A short answer with its mark."""
    return f'<span class="stamp {kind}"><span aria-hidden="true">{_MARKS[kind]}</span> {escape(words)}</span>'


def line(found: Line, crop: RGB | None) -> str:
    """One request with what was found out about it."""
    ready = found.error is None
    usable = f"{found.usable} of {count_photos(found.given)} can be used"
    check = found.usable - found.read
    split = f": {found.read} to erase from, {check} to check on" if ready and check > 0 else ""
    if ready and check <= 0:
        split = "; too few to keep one back, so the check is on the same"
    return (
        f'<div class="request">{face(crop, found.asked.person)}<div><b>{name_of(found.asked.person)}</b> '
        f"{stamp('ready', 'can be erased') if ready else stamp('problem', 'has a problem')}"
        f"<p>{usable}{split}.{_method(found)}</p>{_problem(found)}</div></div>"
    )


def _method(found: Line) -> str:
    return f" Method: <code>{escape(found.asked.method)}</code>." if found.asked.method else ""


def _problem(found: Line) -> str:
    if found.error is None:
        return ""
    unknown = isinstance(found.error, UnknownPersonError)  # says less than there is to see on the page Forget
    message = "The model does not know this name." if unknown else found.error.message
    return f'<p class="why">{escape(message)} {escape(advice(found.error))}</p>'


def refused(found: Line) -> str:
    """Photos that cannot be used, with their reasons."""
    items = "".join(f"<li><b>{escape(name)}</b>: {escape(reason)}</li>" for name, reason in found.refused)
    return f'<ul class="refused">{items}</ul>'


def under_way(people: Sequence[str], live: LiveBatch) -> str:
    """What each request has come to."""
    states = live.states or ("planned",) * len(people)
    rows = "".join(
        f"<tr><td class='person'>{name_of(person)}</td><td>{escape(_now(state))}</td></tr>"
        for person, state in zip(people, states, strict=False)
    )
    return (
        '<div class="table"><table class="requests"><thead><tr><th>Person</th><th>Now</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _now(state: str) -> str:
    return "done" if state == "closed" else OPEN_WORDS.get(state, state)


def outcomes(done: EndedBatch) -> str:
    """Each request with its end."""
    rows = "".join(
        f'<tr><td class="person">{name_of(o.person)}</td><td>'
        f"{stamp('erased', 'erased') if o.erased else stamp('not', 'not erased')}"
        f"{_why(o.reason, o.error)}</td><td><code>{escape(o.request)}</code></td></tr>"
        for o in done.outcomes
    )
    return (
        '<div class="table"><table class="requests"><thead><tr><th>Person</th><th>Outcome</th><th>Request</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def _why(reason: str, error: FaceForgetError | None) -> str:
    # Of a name that the model does not know, the reason says it without the names of others.
    more = "" if error is None or isinstance(error, UnknownPersonError) else told(error)
    text = f"{reason} {more}".strip()
    return f'<p class="why">{escape(text)}</p>' if text else ""


def records(found: Sequence[LedgerRecord]) -> str:
    """Requests of the ledger, without names."""
    rows = "".join(
        f"<tr><td><code>{escape(r.request)}</code></td><td>{stamp(_kind(r), r.outcome)}{_why(r.reason, None)}"
        f"</td><td>{escape(_promise(r.promise))}{_verdicts(r)}</td><td>{escape(_time(r.entries[0].at))}</td>"
        f"<td>{escape(_time(r.entries[-1].at))}</td></tr>"
        for r in found
    )
    return (
        '<div class="table"><table class="requests records"><thead><tr><th>Request</th><th>Outcome</th>'
        "<th>Promise, and its audit</th><th>Begun, UTC</th><th>Last entry, UTC</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def entries(record: LedgerRecord) -> str:
    """Every entry of one request."""
    rows = "".join(
        f"<tr><td>{e.seq}</td><td>{escape(e.state)}</td><td>{escape(_time(e.at))}</td>"
        f"<td><code>{escape(e.hash[:16])}…</code></td></tr>"
        for e in record.entries
    )
    return (
        '<div class="table"><table class="requests"><thead><tr><th>Entry</th><th>State</th><th>Time, UTC</th>'
        f"<th>Hash</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _kind(record: LedgerRecord) -> str:
    if record.state != "closed":
        return "open"
    return "erased" if record.erased else "not"


def _promise(promise: str) -> str:
    return title(promise) if promise in IN_REPORTS else promise


def _verdicts(record: LedgerRecord) -> str:
    found = ", ".join(f"{_promise(name).lower()} {outcome}" for name, outcome in record.verdicts.items())
    return f'<p class="why">{escape(found)}</p>' if found else ""


def _time(at: str) -> str:
    return at.replace("T", " ").removesuffix("+00:00")
