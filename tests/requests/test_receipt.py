"""Receipts: what was done about one request, in which no byte can change unnoticed."""

import io
import json
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from faceforget.audit.thresholds import thresholds
from faceforget.files import sha256_bytes, sha256_file
from faceforget.requests.canonical import TamperedError, canonical
from faceforget.requests.keys import load_public_key, new_key
from faceforget.requests.ledger import Ledger
from faceforget.requests.receipt import read_receipt
from faceforget.requests.receipt_page import receipt_page, receipt_pdf


@pytest.fixture(scope="module")
def receipt(finished):
    return finished.receipt(0)


@pytest.fixture(scope="module")
def content(receipt):
    return read_receipt(receipt).content


def test_it_names_the_models_by_their_hashes(finished, content):
    assert content["outcome"] == "ERASED"
    assert content["model_sha256"] == {
        "before": sha256_file(finished.place.model),
        "after": sha256_file(finished.place.live),
    }


def test_every_judged_number_has_its_threshold_and_reference(content):
    for promise, criteria in thresholds().items():
        found = {finding["name"]: finding for finding in content["audit"]["findings"][promise]}
        assert found.keys() == criteria.keys()
        for name, criterion in criteria.items():
            unit = {"unit": criterion.unit} if criterion.unit else {}  # where the number is no share
            assert found[name]["criterion"] == criterion.model_dump() | unit
            assert {"value", "reference", "photos", "interval", "outcome"} <= found[name].keys()


def test_one_photo_is_too_few_to_say_and_the_receipt_says_so(content, finished):
    """Nobody's erasure is refused because they had few photos; nobody is told more than was shown either."""
    audit = content["audit"]
    assert (audit["photos"]["checked"], audit["verdicts"]["forgotten"]) == (1, "too few photos to say")
    page = finished.place.receipt(content["request"], ".html").read_text("utf-8")
    assert "The audit of the new model passed" not in page
    assert "found nothing against it. Forgotten: too few photos to say (1 photo" in page
    assert any(words.startswith("Promised, and not shown: forgotten") for words in content["not_proven"])
    assert content["audit"]["verdicts"]["others_kept"] == "not measured"


def test_it_says_whether_the_model_still_tells_people_apart(content):
    health = content["health"]
    assert not health["destroyed"]
    assert health["left"] > health["least"]


def test_it_says_how_and_what_is_not_proven(content):
    assert content["configuration"]["method"] == "anchored"
    assert content["configuration"]["seed"] == 0
    assert content["code"].keys() == {"faceforget", "torch", "python"}
    assert content["audit"]["photos"] == {"read": 5, "checked": 1, "unseen": True}
    words = " ".join(content["not_proven"])
    assert "model before erasure is kept" in words
    assert "Copies and backups" in words


def test_it_says_what_became_of_each_copy(content):
    copies = {copy["copy"]: copy["outcome"] for copy in content["copies"]}
    erased = ("classifier row", "label", "face crops in the cache")
    assert all(copies[name] == "erased" for name in erased)
    assert copies["photos"] == copies["model before erasure"] == "kept"


def test_who_was_not_erased_gets_a_receipt_that_says_so(finished):
    content = read_receipt(finished.receipt(2)).content
    assert content["outcome"] == "NOT ERASED"
    assert content["reason"] == "The model does not know the person."
    assert content["model_sha256"]["after"] is None


def test_the_ledger_holds_the_hash_of_each_receipt(finished):
    with Ledger(finished.ledger) as ledger:
        closed = {entry.request: entry.body for entry in ledger.latest()}
    for index, outcome in enumerate(finished.result.outcomes):
        assert closed[outcome.request]["receipt"] == sha256_bytes(finished.receipt(index))


def test_it_points_to_its_entry_in_the_ledger(finished, content):
    with Ledger(finished.ledger) as ledger:
        entry = ledger.entries()[content["ledger"]["entry"] - 1]
    assert (entry.request, entry.state, entry.hash) == (content["request"], "purged", content["ledger"]["hash"])


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_any_flipped_byte_is_noticed(receipt, data):
    place = data.draw(st.integers(0, len(receipt) - 1))
    other = data.draw(st.integers(1, 255))
    changed = bytearray(receipt)
    changed[place] ^= other
    with pytest.raises(TamperedError):
        read_receipt(bytes(changed))


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_no_part_of_it_is_taken_for_the_whole(receipt, data):
    with pytest.raises(TamperedError):
        read_receipt(receipt[: data.draw(st.integers(0, len(receipt) - 1))])


def test_the_signature_must_be_the_operators_own(finished, receipt, tmp_path):
    operator = load_public_key(finished.ledger.with_name("ledger.db.key.pub"))
    assert read_receipt(receipt, operator).public_key == operator
    stranger = new_key(tmp_path / "stranger.key")
    forged = {**json.loads(receipt), "public_key": stranger.public}
    del forged["signature"]
    forged["receipt"]["outcome"] = "ERASED twice"
    signed = canonical({**forged, "signature": stranger.sign(canonical(forged))})
    assert read_receipt(signed).public_key == stranger.public
    with pytest.raises(TamperedError, match="another key"):
        read_receipt(signed, operator)


@pytest.mark.parametrize("index", [0, 2])
def test_page_and_pdf_say_what_the_json_says(finished, index):
    found = read_receipt(finished.receipt(index))
    page = receipt_page(found.content, found.public_key)
    pdf = "".join(
        sheet.extract_text() for sheet in PdfReader(io.BytesIO(receipt_pdf(found.content, found.public_key))).pages
    )
    assert page == finished.place.receipt(found.content["request"], ".html").read_text("utf-8")
    for form in (page, pdf):
        assert found.content["outcome"] in form
        assert found.content["request"] in form
        assert "old row" in form or index == 2
        assert "What this does not prove" in form or index == 2
    assert "<script" not in page


def test_nothing_in_a_receipt_can_inject_markup(finished):
    nasty = "<script>alert(1)</script> & \"'<b>"
    found = read_receipt(finished.receipt(0))
    copies = [{"copy": nasty, "outcome": nasty, "reason": nasty}]
    page = receipt_page({**found.content, "request": nasty, "copies": copies, "not_proven": [nasty]}, found.public_key)
    assert "<script" not in page
    assert unescape(page).count(nasty) == 7
