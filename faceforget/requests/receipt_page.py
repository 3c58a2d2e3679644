"""A receipt for people, as one HTML file and as PDF: what its JSON says, in the same order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faceforget.audit.outcomes import LOOKS, PASSED, Outcome
from faceforget.audit.shown.words import share
from faceforget.audit.verdict import Criterion, Finding
from faceforget.report.audit_front import PROMISES_IN_WORDS, basis_of, rule_of, value_of
from faceforget.report.page import render
from faceforget.report.sheet import ACCENT, SOFT, Sheet
from faceforget.requests.keys import fingerprint
from faceforget.requests.receipt import ERASED

_REFERENCES = {
    "zero": "nobody is named",
    "before": "the model before",
    "strangers": "strangers in the same model",
}


@dataclass(frozen=True)
class _Words:
    """A receipt as text."""

    title: str
    headline: str
    lead: str
    verdicts: tuple[tuple[str, Outcome], ...]
    facts: tuple[tuple[str, str], ...]
    criteria: tuple[tuple[str, ...], ...]
    copies: tuple[tuple[str, ...], ...]
    limits: tuple[str, ...]
    foot: str
    criteria_head: tuple[str, ...] = ("Criterion", "after", "reference", "threshold", "photos", "verdict")
    copies_head: tuple[str, ...] = ("Copy", "what became of it", "how that is known, or why")


def receipt_page(content: Mapping[str, Any], public_key: str) -> str:
    """One HTML file that fetches nothing.

    Args:
        content: What the receipt says.
        public_key: Whose signature its JSON bears.
    """
    return render("receipt.html", words=_words(content, public_key))


def receipt_pdf(content: Mapping[str, Any], public_key: str) -> bytes:
    """The same for print, A4."""
    words = _words(content, public_key)
    sheet = Sheet(words.title)
    sheet.words("FaceForget receipt", 10, colour=ACCENT, bold=True, after=1.5)
    sheet.words(words.headline, 19, bold=True, after=2)
    sheet.words(words.lead, 9, colour=SOFT, after=2)
    for title, outcome in words.verdicts:
        look = LOOKS[outcome]
        sheet.words(f"{look.mark} {title}: {outcome}", 11, colour=look.tone, bold=True, after=1)
    sheet.ln(2)
    for name, text in words.facts:
        sheet.words(f"{name}: {text}", 8, after=0.8)
    for heading, head, rows, widths in (
        ("Every number that was judged", words.criteria_head, words.criteria, (2.3, 0.8, 1.3, 1.7, 1.4, 0.9)),
        ("What became of each copy", words.copies_head, words.copies, (1.5, 1, 2.5)),
    ):
        if rows:
            sheet.heading(heading, 13)
            sheet.grid(head, rows, widths)
    if words.limits:
        sheet.heading("What this does not prove", 13)
        for limit in words.limits:
            sheet.bullet(limit)
    sheet.ln(3)
    sheet.words(words.foot, 8, colour=SOFT)
    return bytes(sheet.output())


def _words(content: Mapping[str, Any], public_key: str) -> _Words:
    erased, audit = content["outcome"] == ERASED, content["audit"]
    promised = PROMISES_IN_WORDS[content["promise"]]
    lead = (
        f"Promised: {promised[0].lower()}. {promised[1]} {_found(audit)} The new model is in use."
        if erased
        else f"{content['reason']} No model was changed for this request."
    )
    return _Words(
        title=f"Receipt {content['request']}: {content['outcome']}",
        headline=f"{content['outcome']}: request {content['request']}",
        lead=lead,
        verdicts=tuple(
            (PROMISES_IN_WORDS.get(name, (name,))[0], out) for name, out in audit.get("verdicts", {}).items()
        ),
        facts=_facts(content),
        criteria=tuple(
            _criterion(PROMISES_IN_WORDS.get(promise, (promise,))[0], found, audit["reference"])
            for promise, findings in audit.get("findings", {}).items()
            for found in findings
        ),
        copies=tuple((copy["copy"], copy["outcome"], copy["reason"]) for copy in content["copies"]),
        limits=tuple(content["not_proven"]),
        foot=(
            f"This page is for reading. The JSON beside it is signed (Ed25519, key {fingerprint(public_key)}): "
            f"faceforget receipt verify {content['request']}.json --key PUBLIC_KEY"
        ),
    )


def _found(audit: Mapping[str, Any]) -> str:
    """What the audit showed of the promise, in its own words: a model may go live on too few photos to say."""
    verdicts, reasons = audit["verdicts"], audit.get("reasons", {})
    shown = [name for name in audit["required"] if verdicts[name] == PASSED]
    if shown == audit["required"]:
        return "The audit of the new model passed."
    open_ = [
        f"{PROMISES_IN_WORDS[name][0]}: {verdicts[name]}" + (f" ({reasons[name]})" if reasons.get(name) else "")
        for name in audit["required"]
        if name not in shown
    ]
    return f"The audit of the new model found nothing against it. {'. '.join(open_)}."


def _facts(content: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    settings, code, photos = content["configuration"], content["code"], content["audit"].get("photos", {})
    used = {**settings, **content["erasure"]}  # a method may settle a part of its settings by the model
    values = ", ".join(f"{key} {value}" for key, value in used["settings"].items())
    end = "purged" if content["outcome"] == ERASED else "failed"
    facts = [
        ("Model before", f"SHA-256 {content['model_sha256']['before']}"),
        ("Model after", f"SHA-256 {content['model_sha256']['after'] or 'none'}"),
        ("Method", f"{used['method']} ({values}), seed {used['seed']}"),
        ("Code", ", ".join(f"{name} {version}" for name, version in code.items())),
        ("Times, UTC", f"planned {content['times']['planned']}, {end} {content['times'][end]}"),
        ("Ledger", f"entry {content['ledger']['entry']}, hash {content['ledger']['hash']}"),
    ]
    if photos:
        which = "others that it did not read" if photos["unseen"] else "the same ones"
        facts.insert(3, ("Photos", f"{photos['read']} read by the erasure, {photos['checked']} checked: {which}"))
    return tuple(facts)


def _criterion(promise: str, found: Mapping[str, Any], reference: str) -> tuple[str, ...]:
    rule = Criterion.model_validate(found["criterion"])
    interval = tuple(found["interval"]) if found["interval"] else None
    finding = Finding(
        found["name"], rule, found["outcome"], found.get("at_value", found["outcome"]), found["value"],
        found["reference"], found["photos"], interval, found.get("reason", ""),
    )  # fmt: skip
    words = _REFERENCES.get(rule.reference, reference)
    if rule.reference == "strangers" and "rendered" in reference:
        words = f"rendered {words}"
    beside = words if rule.reference == "zero" else f"{words}: {share(found['reference'])}"
    basis = basis_of(finding) if finding.value is not None else "—"
    outcome = f"{finding.outcome}: {finding.reason}" if finding.reason else finding.outcome
    return f"{promise}: {rule.words}", value_of(finding), beside, rule_of(finding), basis, outcome
