"""``faceforget ledger`` and ``faceforget keys``."""

import json

import pytest

from faceforget.requests.ledger import Ledger


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "ledger.db"
    with Ledger(path, create=True) as opened:
        for request in ("aa11", "aa22"):
            opened.append({request: {"model": "m", "configuration": "c"}}, "planned", 0)
        opened.append({"aa11": {"reason": "unknown_person"}}, "failed", 1)
    return path


def test_requests_are_listed_and_shown(cli, ledger, tmp_path):
    code, text, _ = cli("ledger", "list", ledger, "--json", tmp_path / "list.json")
    assert code == 0
    assert "aa11" in text
    assert "failed" in text
    listed = json.loads((tmp_path / "list.json").read_text())["requests"]
    assert [(entry["request"], entry["state"]) for entry in listed] == [("aa11", "failed"), ("aa22", "planned")]
    assert [entry["why"] for entry in listed] == ["The model does not know the person.", ""]
    code, text, _ = cli("ledger", "show", ledger, "aa1")
    assert code == 0
    assert '"unknown_person"' in text
    assert "The model does not know the person." in text
    assert cli("ledger", "show", ledger, "aa")[0] == 2
    assert cli("ledger", "list", tmp_path / "absent.db")[0] == 2


def test_an_export_is_signed_and_checked(cli, ledger, tmp_path):
    key, export = tmp_path / "operator.key", tmp_path / "export.json"
    assert cli("keys", "new", key)[0] == 0
    assert cli("keys", "new", key)[0] == 2
    assert cli("ledger", "export", ledger, "--out", export, "--key", key)[0] == 0
    code, text, message = cli("ledger", "verify", export)
    assert code == 0
    assert "3 entries" in text
    assert "--key" in message
    assert cli("ledger", "verify", export, "--key", f"{key}.pub")[0] == 0
    export.write_bytes(export.read_bytes().replace(b"failed", b"closed"))
    code, _, message = cli("ledger", "verify", export)
    assert code == 1
    assert "not as it was written" in message


def test_a_ledger_is_checked_in_place(cli, ledger, tmp_path):
    code, text, _ = cli("ledger", "verify", ledger)
    assert code == 0
    assert "intact" in text
    assert cli("ledger", "verify", tmp_path / "absent.db")[0] == 2
