"""The ledger: append-only, each step once, and a chain that shows every change."""

import hashlib
import json
import sqlite3

import pytest

from faceforget.errors import UsageError
from faceforget.requests.canonical import TamperedError
from faceforget.requests.ledger import Ledger, LedgerError

PLAN = {"model": "a" * 64, "configuration": "b" * 64}
WAY = ("planned", "running", "erased", "audited", "purged", "closed")


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.db", create=True) as opened:
        yield opened


def walk(ledger, request, states=WAY):
    for state in states:
        ledger.append({request: PLAN if state == "planned" else {"share": 0.25}}, state, int(state != "planned"))


def test_a_request_goes_from_planned_to_closed(ledger):
    walk(ledger, "r1")
    assert [entry.state for entry in ledger.of("r1")] == list(WAY)
    assert ledger.verify() == 6


def test_each_hash_seals_the_entry_and_the_one_before(ledger):
    """Computed by hand, with json and hashlib alone."""
    walk(ledger, "r1", WAY[:2])
    previous = "0" * 64
    for entry in ledger.entries():
        fields = [entry.seq, entry.request, entry.state, entry.attempt, entry.at, entry.body, previous]
        text = json.dumps(fields, sort_keys=True, indent=2) + "\n"
        assert entry.hash == hashlib.sha256(text.encode()).hexdigest()
        previous = entry.hash


def test_a_step_that_is_recorded_is_not_repeated(ledger):
    walk(ledger, "r1", WAY[:3])
    before = ledger.entries()
    ledger.append({"r1": {"share": 0.5}}, "erased", 1)
    assert ledger.entries() == before


@pytest.mark.parametrize(
    ("states", "then"),
    [
        ((), "running"),
        (WAY[:1], "erased"),
        (WAY[:2], "audited"),
        (WAY[:3], "purged"),
        (WAY[:4], "failed"),
        (WAY, "running"),
        (("planned", "failed"), "running"),
    ],
)
def test_no_step_is_left_out(ledger, states, then):
    walk(ledger, "r1", states)
    with pytest.raises(LedgerError, match=f"cannot become {then}"):
        ledger.append({"r1": {}}, then, 2)


def test_steps_of_several_requests_are_recorded_together_or_not_at_all(ledger):
    walk(ledger, "r1", WAY[:1])
    with pytest.raises(LedgerError):
        ledger.append({"r1": {}, "never planned": {}}, "running", 1)
    assert [entry.state for entry in ledger.entries()] == ["planned"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET body = '{}' WHERE seq = 2",
        "DELETE FROM entries WHERE seq = 3",
        "INSERT INTO entries VALUES (9, 'r2', 'planned', 0, '', '{}', '', '')",
        "INSERT INTO entries VALUES (4, 'r2', 'planned', 0, '', '{}', 'not the last hash', '')",
    ],
)
def test_the_database_itself_refuses_changes(ledger, statement):
    walk(ledger, "r1", WAY[:3])
    with pytest.raises(sqlite3.IntegrityError, match="append-only"), sqlite3.connect(ledger.path) as other:
        other.execute(statement)


@pytest.mark.parametrize(
    ("tampering", "words"),
    [
        ("DROP TRIGGER no_change", "no_change is gone"),
        ("DROP TRIGGER no_change; UPDATE entries SET at = '1999' WHERE seq = 2", "is gone"),
        ("DROP TRIGGER no_removal; DELETE FROM entries WHERE seq = 2", "is gone"),
    ],
)
def test_verify_sees_what_was_done_behind_its_back(ledger, tampering, words):
    walk(ledger, "r1", WAY[:3])
    with sqlite3.connect(ledger.path) as other:
        other.executescript(tampering)
    with pytest.raises(TamperedError, match=words):
        ledger.verify()


@pytest.mark.parametrize("change", ["at = '1999'", "body = '{}'", "request = 'r2'", "attempt = 7", "hash = 'ff'"])
def test_a_changed_entry_breaks_the_chain_even_if_the_triggers_are_put_back(ledger, change):
    walk(ledger, "r1", WAY[:3])
    with sqlite3.connect(ledger.path) as other:
        (trigger,) = other.execute("SELECT sql FROM sqlite_master WHERE name = 'no_change'").fetchone()
        other.executescript(f"DROP TRIGGER no_change; UPDATE entries SET {change} WHERE seq = 2; {trigger}")
    with pytest.raises(TamperedError, match="Entry 2"):
        ledger.verify()


def test_a_ledger_that_is_not_there_and_a_file_that_is_none(tmp_path):
    with pytest.raises(UsageError, match="no ledger"):
        Ledger(tmp_path / "absent.db")
    (tmp_path / "text.db").write_text("not a database" * 100)
    with pytest.raises(LedgerError, match="not a ledger"):
        Ledger(tmp_path / "text.db")
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE t (a)")
    with pytest.raises(LedgerError, match="another program"):
        Ledger(tmp_path / "other.db", create=True)


def test_a_shared_one_keeps_a_journal_that_a_network_disk_can_carry(ledger):
    walk(ledger, "r1")
    ledger.share()
    with Ledger(ledger.path) as again:
        assert again._open.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        walk(again, "r2")
    assert ledger.verify() == 12


def test_it_writes_ahead_and_syncs_fully(ledger):
    assert ledger._open.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert ledger._open.execute("PRAGMA synchronous").fetchone() == (2,)
