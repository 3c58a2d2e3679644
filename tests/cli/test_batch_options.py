"""Options of ``faceforget batch`` about copies, quarantine and limits, and ``faceforget ledger expire``."""

import json
import shutil

import pytest

from faceforget.files import sha256_file
from faceforget.requests.canonical import canonical
from faceforget.requests.ledger import Ledger
from faceforget.requests.quarantine import quarantine_of
from faceforget.requests.receipt import read_receipt
from tests.requests.conftest import model_file, names, people

__all__ = ["model_file", "names", "people"]


@pytest.fixture
def batch(cli, tmp_path, model_file, people, names):
    """``batch(*options)`` asks for one person, or as many as ``persons`` says: exit code, output, messages."""
    shutil.copy(model_file, tmp_path / "team.safetensors")

    def call(*options, persons=1):
        requests = {"requests": [{"person": name, "photos": list(map(str, people[name]))} for name in names[:persons]]}
        (tmp_path / "requests.json").write_text(json.dumps(requests))
        return cli(
            "batch", tmp_path / "requests.json", "--model", tmp_path / "team.safetensors",
            "--ledger", tmp_path / "ledger.db", "--out", tmp_path / "out", *options,
        )  # fmt: skip

    return call


@pytest.fixture
def copies(tmp_path, model_file):
    """A list of three copies: a model that knows everybody, thumbnails, and one that is not there."""
    shutil.copy(model_file, tmp_path / "backup.safetensors")
    (tmp_path / "thumbnails.bin").write_bytes(b"faces")
    listed = tmp_path / "copies.txt"
    listed.write_text("# what we know of\nbackup.safetensors\nthumbnails.bin\ngone.onnx\n")
    return listed


def receipt_in(folder):
    (file,) = (folder / "out" / "receipts").glob("*.json")
    return read_receipt(file.read_bytes()).content


def listed_in(receipt):
    found = {line["copy"]: line for line in receipt["copies"]}
    return [found[f"copy {number} of the operator's list"] for number in (1, 2, 3)]


def test_copies_are_told_and_kept(batch, copies, tmp_path):
    code, _, message = batch("--copies", copies)
    assert code == 0, message
    receipt = receipt_in(tmp_path)
    lines = listed_in(receipt)
    assert [line["outcome"] for line in lines] == ["kept", "kept", "absent"]
    assert "names the person" in lines[0]["reason"]
    assert "nobody looked into it" in lines[1]["reason"]
    assert "Copies that the operator listed are kept" in " ".join(receipt["not_proven"])
    assert (tmp_path / "backup.safetensors").exists()
    assert (tmp_path / "thumbnails.bin").exists()


def test_copies_are_deleted_and_the_model_is_put_away_until_it_expires(batch, copies, cli, tmp_path):
    model, ledger = tmp_path / "team.safetensors", tmp_path / "ledger.db"
    sha256 = sha256_file(model)
    code, _, message = batch("--copies", copies, "--delete-copies", "--quarantine", 30)
    assert code == 0, message
    receipt = receipt_in(tmp_path)
    assert [line["outcome"] for line in listed_in(receipt)] == ["erased", "erased", "absent"]
    before = next(line for line in receipt["copies"] if line["copy"] == "model before erasure")
    assert before["outcome"] == "kept"
    assert "in quarantine until 2" in before["reason"]
    assert "quarantine" in " ".join(receipt["not_proven"])
    assert "Copies that the operator listed" not in " ".join(receipt["not_proven"])
    assert not (tmp_path / "backup.safetensors").exists()
    assert not (tmp_path / "thumbnails.bin").exists()
    assert not model.exists()
    kept = quarantine_of(ledger) / f"{sha256}.safetensors"
    assert sha256_file(kept) == sha256

    code, text, _ = cli("ledger", "expire", ledger)
    assert (code, text.strip()) == (0, "0 models were deleted.")
    assert kept.exists()
    record = kept.with_suffix(".json")
    record.write_bytes(canonical({**json.loads(record.read_text()), "expires": "2020-01-01T00:00:00+00:00"}))
    code, text, _ = cli("ledger", "expire", ledger)
    assert code == 0
    assert "expired 2020-01-01" in text
    assert "1 models were deleted." in text
    assert not kept.exists()
    assert cli("ledger", "verify", ledger)[0] == 0


def test_more_requests_than_the_limit_start_nothing(batch, tmp_path, names):
    code, _, message = batch("--limit", 1, persons=2)
    assert code == 2
    assert "at most 1 requests in 24 hours, got 0 so far and 2 in this list" in message
    assert "--limit" in message
    assert not (tmp_path / "out").exists()
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert ledger.entries() == ()
    assert batch("--limit", 1, "--dry-run", persons=2)[0] == 2
    assert batch("--limit", 0)[0] == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--quarantine", 3, "--delete-model"], "put away or deleted, not both"),
        (["--quarantine", -1], "--quarantine"),
        (["--delete-copies"], "Add --copies FILE"),
        (["--method", "scrub"], "which reads retained photos. Name one of these in the column method or with --method"),
        (["--method", "delet"], "did you mean 'delete'"),
        (["--method", "delete", "--promise", "unrecognisable"], "got 'delete', which does not keep that promise"),
        (["--method", "scrub", "--dry-run"], "which reads retained photos"),
        (["--copies", "absent.txt"], "There is no file"),
        (["--copies", "model.txt", "--delete-copies"], "which this batch works with"),
        (["--copies", "live.txt", "--delete-copies"], "which this batch works with"),
    ],
)
def test_options_that_do_not_fit_start_nothing(batch, tmp_path, options, words):
    (tmp_path / "model.txt").write_text("team.safetensors\n")
    (tmp_path / "live.txt").write_text("out/team.safetensors\n")
    given = [tmp_path / option if str(option).endswith(".txt") else option for option in options]
    code, _, message = batch(*given)
    assert code == 2
    assert words in message
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "team.safetensors").exists()


def test_a_dry_run_says_the_method_and_its_settings(batch, tmp_path):
    code, text, message = batch("--method", "delete", "--dry-run", "--json", tmp_path / "dry.json")
    assert code == 0, message
    assert "delete" in text
    (line,) = json.loads((tmp_path / "dry.json").read_text())["requests"]
    assert (line["method"], line["settings"]["moves"]) == ("delete", "embedding")
    assert not (tmp_path / "out").exists()


def test_a_dry_run_without_a_usable_photo_does_not_claim_to_take_no_time(batch, people, names, monkeypatch, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no photo")
    monkeypatch.setitem(people, names[0], [bad])
    code, text, _ = batch("--dry-run")
    assert code == 1
    assert "could be measured on 0 of 1 models" in text
    assert "About" not in text
