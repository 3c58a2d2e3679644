"""An export of the ledger: a file to keep elsewhere, in which no byte can change unnoticed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceforget.requests.canonical import TamperedError, canonical
from faceforget.requests.export import export_ledger, read_export
from faceforget.requests.keys import new_key
from faceforget.requests.ledger import Ledger


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return new_key(tmp_path_factory.mktemp("keys") / "signing.key")


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    with Ledger(tmp_path_factory.mktemp("ledger") / "ledger.db", create=True) as ledger:
        for request in ("r1", "r2"):
            ledger.append({request: {"model": "ab", "configuration": "cd", "threshold": 0.02}}, "planned", 0)
            ledger.append({request: {"members": ["r1", "r2"]}}, "running", 1)
        return ledger.entries()


@pytest.fixture(scope="module")
def exports(entries, key):
    return {"signed": export_ledger(entries, key), "unsigned": export_ledger(entries)}


@pytest.mark.parametrize("kind", ["signed", "unsigned"])
def test_an_export_holds_every_entry(exports, entries, kind, key):
    read = read_export(exports[kind])
    assert read.entries == entries
    assert read.public_key == (key.public if kind == "signed" else None)


@pytest.mark.parametrize("kind", ["signed", "unsigned"])
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_flipped_byte_is_noticed(exports, kind, data):
    intact = exports[kind]
    place = data.draw(st.integers(0, len(intact) - 1))
    other = data.draw(st.integers(1, 255))
    changed = bytearray(intact)
    changed[place] ^= other
    with pytest.raises(TamperedError):
        read_export(bytes(changed))


def test_entries_cannot_be_taken_off_the_end(exports):
    content = json.loads(exports["signed"])
    content["entries"].pop()
    content["count"] -= 1
    content["head"] = content["entries"][-1]["hash"]
    with pytest.raises(TamperedError, match="signature"):
        read_export(canonical(content))


def test_the_signature_must_be_the_operators_own(exports, tmp_path, key):
    stranger = new_key(tmp_path / "stranger.key")
    read_export(exports["signed"], key.public)
    with pytest.raises(TamperedError, match="another key"):
        read_export(exports["signed"], stranger.public)
    with pytest.raises(TamperedError, match="not signed"):
        read_export(exports["unsigned"], key.public)


def test_a_signature_cannot_be_taken_off(exports):
    content = json.loads(exports["signed"])
    with pytest.raises(TamperedError, match="not signed"):
        read_export(canonical({**content, "signature": None}))
