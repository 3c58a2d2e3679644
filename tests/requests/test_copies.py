"""Copies beside the model: what the operator listed, and the model before, put away for some days."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from faceforget.api import Runtime
from faceforget.errors import UsageError
from faceforget.files import sha256_file
from faceforget.requests.canonical import TamperedError
from faceforget.requests.ledger import Ledger
from faceforget.requests.quarantine import expire, put_away, quarantine_of
from faceforget.requests.receipt import read_receipt
from faceforget.requests.steps.listed import listed_copies, read_copies

DAY = timedelta(days=1)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "models" / "team.safetensors"
    path.parent.mkdir()
    path.write_bytes(b"weights")
    return path


def test_the_receipt_tells_of_each_listed_copy_and_of_the_quarantine(work, names):
    exported = work.folder / f"{names[0]}.onnx"
    exported.write_bytes(b"exported")
    work.place = replace(work.place, copies=(exported, work.folder / "gone.onnx"))
    sha256 = sha256_file(work.place.model)
    result = work.result = work.run(copies=2, delete_copies=True, quarantine=30)
    assert result.all_erased
    content = read_receipt(work.receipt(0)).content
    copies = {copy["copy"]: copy["outcome"] for copy in content["copies"]}
    assert copies["copy 1 of the operator's list"] == "erased"
    assert copies["copy 2 of the operator's list"] == "absent"
    assert names[0].encode() not in work.receipt(0)
    assert not exported.exists()
    assert not work.place.model.exists()
    kept = quarantine_of(work.ledger) / f"{sha256}.safetensors"
    assert sha256_file(kept) == sha256
    assert "quarantine" in " ".join(content["not_proven"])


def test_what_is_kept_is_kept_for_a_reason(model_file, names, tmp_path):
    paths = [tmp_path / "a.safetensors", tmp_path / "b.bin"]
    shutil.copy(model_file, paths[0])
    paths[1].write_bytes(b"cache")
    knows, other = listed_copies(paths, [True, True], names[0], delete=False, runtime=Runtime())
    assert (knows.outcome, other.outcome) == ("kept", "kept")
    assert "names the person" in knows.reason
    assert "nobody looked into it" in other.reason
    stranger, _ = listed_copies(paths, [True, True], "Zoe", delete=False, runtime=Runtime())
    assert "does not name" in stranger.reason


def test_a_list_of_copies(tmp_path):
    listed = tmp_path / "copies.txt"
    listed.write_text("# exported\nexports/a.onnx\n\n  /tmp/b.bin \nexports/a.onnx\n")
    assert [path.name for path in read_copies(listed)] == ["a.onnx", "b.bin"]
    (tmp_path / "exports" / "a.onnx").mkdir(parents=True)
    with pytest.raises(UsageError, match="folder"):
        read_copies(listed)
    listed.write_text("ledger.db\n")
    with pytest.raises(UsageError, match="works with"):
        read_copies(listed, [tmp_path / "ledger.db"])
    with pytest.raises(UsageError, match="cannot be read"):
        read_copies(tmp_path / "absent.txt")


def test_a_model_is_put_away_once_and_deleted_when_its_time_is_over(model, tmp_path):
    ledger, sha256 = tmp_path / "ledger.db", sha256_file(model)
    first = put_away(model, sha256, 2, ledger)
    assert put_away(model, sha256, 9, ledger) == first
    assert not model.exists()
    now = datetime.now(UTC)
    assert expire(ledger, now + DAY) == ()
    assert first.path.read_bytes() == b"weights"
    assert expire(ledger, now + 3 * DAY) == (first,)
    assert expire(ledger, now + 3 * DAY) == ()
    assert [path.suffix for path in quarantine_of(ledger).iterdir()] == [".json"]


def test_a_damaged_record_deletes_nothing(model, tmp_path):
    kept = put_away(model, sha256_file(model), 0, tmp_path / "ledger.db")
    record = next(quarantine_of(tmp_path / "ledger.db").glob("*.json"))
    record.write_text(json.dumps({**json.loads(record.read_text()), "expires": "1999"}))
    with pytest.raises(TamperedError):
        expire(tmp_path / "ledger.db")
    assert kept.path.exists()


def test_the_command(cli, model, tmp_path):
    with Ledger(tmp_path / "ledger.db", create=True):
        put_away(model, sha256_file(model), 0, tmp_path / "ledger.db")
    code, text, _ = cli("ledger", "expire", tmp_path / "ledger.db")
    assert code == 0
    assert "1 models were deleted" in text
    assert cli("ledger", "expire", tmp_path / "absent.db")[0] == 2
