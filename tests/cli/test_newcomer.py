"""What somebody hears who gives the wrong thing, and what they can paste from what is printed."""

import errno
import shlex
import shutil
from dataclasses import replace

import pytest

from faceforget.cli import options
from faceforget.recognizer.storage import save_recognizer

PERSON = "Ana María"


@pytest.fixture
def here(recognizer, people_dir, names, backbone_file, photo, tmp_path, monkeypatch):
    """A folder with a model of four people, one with a blank in the name, and with things that are no models."""
    monkeypatch.chdir(tmp_path)
    labels = tuple(PERSON if name == names[0] else name for name in recognizer.labels)
    save_recognizer(replace(recognizer, labels=labels), tmp_path / "my model.safetensors")
    shutil.copytree(people_dir / names[0], tmp_path / "hers")
    shutil.copy(backbone_file, tmp_path / "weights.safetensors")
    shutil.copy(photo, tmp_path / "photo.safetensors")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "letter.jpg").write_text("Dear Ada,")
    return tmp_path


def mistakes():
    model, out = "my model.safetensors", ("--out", "out.safetensors")
    hers = ("--photos", "hers", *out)
    yield (
        "a photo as model",
        ("recognize", "photo.safetensors", "hers"),
        "It looks like a JPEG photo. Give a model",
    )
    yield "weights as model", ("recognize", "weights.safetensors", "hers"), "--backbone weights.safetensors --out MODEL"
    yield "a text as photo", ("recognize", model, "texts"), "letter.jpg: The file is not an image that can be read."
    yield "a misspelt name", ("erase", model, "--person", "Ana Maria", *hers), "Did you mean Ana María?"
    yield "a misspelt setting", ("erase", model, "--person", PERSON, *hers, "--set", "steps=3"), "no such field"
    yield "texts as photos", ("erase", model, "--person", PERSON, "--photos", "texts", *out), "No usable photo of Ana"
    yield "no such device", ("recognize", model, "hers", "--device", "gpu"), "Use --device cpu or --device auto."
    yield "a photo as ledger", ("ledger", "expire", "photo.safetensors"), "is not a ledger"
    yield (
        "a photo as export",
        ("ledger", "verify", "photo.safetensors"),
        "is not JSON as it was written: it is no",
    )
    yield "a photo as receipt", ("receipt", "verify", "photo.safetensors"), "it is no plain text"
    yield "a photo as key", ("ledger", "verify", "x", "--key", "photo.safetensors"), "not a public key"


@pytest.mark.parametrize(("command", "expected"), [case[1:] for case in mistakes()], ids=[c[0] for c in mistakes()])
def test_a_mistake_is_told_in_words_and_nothing_is_written(cli, here, command, expected):
    before = sorted(here.rglob("*"))
    code, _, message = cli(*command)
    assert expected in message
    assert code in (1, 2)
    assert sorted(here.rglob("*")) == before


def test_a_model_is_no_backbone(cli, here, people_dir):
    code, _, message = cli("enroll", people_dir, "--backbone", "my model.safetensors", "--out", "out.safetensors")
    assert code == 2
    assert "is a model with people in it, expected the weights of a backbone alone" in message


def test_a_disk_that_cannot_be_written_to_is_noticed_before_the_work(cli, here, people_dir, monkeypatch):
    def refuse(**_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(options, "TemporaryFile", refuse)
    code, _, message = cli("enroll", people_dir, "--out", "out.safetensors")
    assert code == 2
    assert f"Nothing can be written into {here}: Read-only file system." in message


def test_a_printed_command_can_be_pasted(cli, here):
    erase = ("erase", "my model.safetensors", "--person", PERSON, "--photos", "hers", "--method", "drop_row")
    code, text, _ = cli(*erase, "--out", "new/model of 3.safetensors")
    assert code == 0
    (command,) = [line.partition(": ")[2] for line in text.splitlines() if "faceforget audit" in line]
    assert shlex.split(command) == [
        "faceforget", "audit", "my model.safetensors", "new/model of 3.safetensors",
        "--person", PERSON, "--photos", "OTHER_PHOTOS",
    ]  # fmt: skip
