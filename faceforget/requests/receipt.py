"""Receipts: what was done about one request, signed, and checkable years later without this machine.

A receipt is made from the entries of the ledger alone, so that it comes out the same however often it is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from faceforget.fields import problems
from faceforget.requests.canonical import TamperedError, canonical, read_canonical
from faceforget.requests.chain import Entry, State
from faceforget.requests.keys import SigningKey, check_signature
from faceforget.requests.reasons import why_failed
from faceforget.requests.steps.copies import kept_copies
from faceforget.requests.steps.listed import is_listed

FORMAT = "faceforget-receipt"
ERASED, NOT_ERASED = "ERASED", "NOT ERASED"
_WHAT = "The receipt"


class _ReceiptFields(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    format: Literal["faceforget-receipt"]
    version: Literal[1]
    receipt: dict[str, Any]
    public_key: str
    signature: str


@dataclass(frozen=True)
class Receipt:
    """A receipt that was found intact.

    Attributes:
        content: What it says.
        public_key: Whose signature it bears.
    """

    content: Mapping[str, Any]
    public_key: str


def receipt_content(entries: Sequence[Entry]) -> dict[str, Any]:
    """What a receipt says.

    Args:
        entries: Of one request, up to ``purged`` or ``failed``.
    """
    last = {entry.state: entry for entry in entries}
    plan, end = last["planned"].body, entries[-1]
    erased = "purged" in last
    audit = last["audited"].body if erased else end.body.get("audit", {})
    erasure = _body(last, "erased") if erased or audit else {}
    content = {
        "request": end.request,
        "outcome": ERASED if erased else NOT_ERASED,
        "promise": plan["settings"]["promise"],
        "model_sha256": {
            "before": _body(last, "running").get("before", plan["model"]),
            # A candidate that did not pass never was a model that anybody could use.
            "after": erasure["after"] if erased else None,
        },
        "configuration": plan["settings"],
        "code": plan["code"],
        "erasure": erasure.get("record", {}),
        "health": erasure.get("health", {}),
        "erased_together": len(_body(last, "running").get("members", [])) if erased else 0,
        "audit": audit,
        "copies": _body(last, "purged")["copies"] if erased else kept_copies(bool(plan["settings"].get("uploaded"))),
        "not_proven": _not_proven(audit, plan["settings"], _body(last, "purged")["copies"]) if erased else [],
        "times": {entry.state: entry.at for entry in entries},
        "ledger": {"entry": end.seq, "hash": end.hash},
    }
    if not erased:
        content["reason"] = why_failed(end.body)
    return content


def sign_receipt(content: Mapping[str, Any], key: SigningKey) -> bytes:
    """The file: canonical JSON with the signature of everything else in it."""
    unsigned = {"format": FORMAT, "version": 1, "receipt": dict(content), "public_key": key.public}
    return canonical({**unsigned, "signature": key.sign(canonical(unsigned))})


def read_receipt(data: bytes, public_key: str | None = None) -> Receipt:
    """Check a receipt.

    Args:
        data: The file.
        public_key: Whose signature it must bear, hexadecimal; without one, the key that is in the file.

    Raises:
        TamperedError: Anything is not as it was written, or it is not signed by that key.
    """
    content = read_canonical(data, _WHAT)
    try:
        fields = _ReceiptFields.model_validate(content)
    except ValidationError as error:
        raise TamperedError(
            f"{_WHAT} has other fields than expected: {problems(error)}.", "Ask for an intact copy."
        ) from error
    unsigned = {name: value for name, value in content.items() if name != "signature"}
    check_signature(public_key or fields.public_key, fields.signature, canonical(unsigned), _WHAT.lower())
    return Receipt(fields.receipt, fields.public_key)


def _body(last: Mapping[State, Entry], state: State) -> Mapping[str, Any]:
    return last[state].body if state in last else {}


def _not_proven(
    audit: Mapping[str, Any], settings: Mapping[str, Any], copies: Sequence[Mapping[str, str]]
) -> list[str]:
    left = {copy["copy"] for copy in copies if copy["outcome"] == "kept"}
    kept = []
    if settings.get("quarantine"):
        kept = ["The model before erasure is in quarantine until it expires: it knows the person."]
    elif "model before erasure" in left:
        kept = ["The model before erasure is kept by the operator: it knows the person."]
    if any(map(is_listed, left)):
        kept += ["Copies that the operator listed are kept, each with its reason above."]
    if settings.get("uploaded"):
        kept += ["Whoever sent the photos may have kept the originals: a new model can learn them."]
    elif "photos" in left:
        kept += ["The photos are kept by the operator: a new model can learn them."]
    required = audit.get("required", [])
    verdicts = audit.get("verdicts", {})
    others = [name for name, outcome in verdicts.items() if name not in required and outcome != "passed"]
    reasons = {name: f": {why}" if why else "" for name, why in audit.get("reasons", {}).items()}

    def said(name: str) -> str:
        return f"{name.replace('_', ' ')} ({verdicts[name]}{reasons.get(name, '')})."

    unkept = [f"Promised, and not shown: {said(name)}" for name in required if verdicts.get(name) != "passed"]
    unkept += [f"Not promised, and not shown: {said(name)}" for name in others]
    return [*unkept, *kept, *audit.get("not_proven", [])]
