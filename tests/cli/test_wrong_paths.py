"""Who mistypes a path hears it at once, and not after the seconds that torch takes to load."""

import json
import subprocess
import sys

import pytest

# Runs each command in one process, for torch stays once it is loaded, and stops where a command has loaded it.
_SCRIPT = """
import contextlib, io, json, sys
from faceforget.cli import app
from faceforget.cli.console import err, run
told = []
for command in json.load(sys.stdin):
    sys.argv, err.file, code = ["faceforget", *command], io.StringIO(), 0
    try:
        run(app)
    except SystemExit as stop:
        code = stop.code
    told.append([code, " ".join(err.file.getvalue().split())])
    if "torch" in sys.modules:
        break
json.dump(told, sys.stdout)
"""
MODEL, PHOTOS, EMPTY, OUT = "model.safetensors", "photos", "empty", "out.safetensors"
PERSON = ("--person", "Ana María")
# Of each command a path that is not there or holds nothing, and what is said of it.
CASES = (
    (("enroll", "nowhere", "--out", OUT), "There is no folder nowhere"),
    (("enroll", EMPTY, "--out", OUT), "Expected one subfolder per person in empty"),
    (("enroll", MODEL, "--out", OUT), "model.safetensors is a file, expected a folder"),
    (("enroll", "people", "--out", OUT, "--backbone", "net.onnx"), "net.onnx is a network in ONNX, which is not read"),
    (("enroll", "people", "--out", OUT, "--backbone", "moblie"), "No backbone is called 'moblie'"),
    (("enroll", "people", "--out", OUT, "--strangers", "nowhere"), "There is no folder nowhere"),
    (("recognize", "nowhere", PHOTOS), "There is no model file nowhere. Models in that folder: model.safetensors"),
    (("recognize", PHOTOS, PHOTOS), "photos is a folder, expected the file of a model"),
    (("recognize", MODEL, "nowhere.jpg"), "There is no file or folder nowhere.jpg"),
    (("recognize", MODEL, EMPTY), "There is no photo in empty"),
    (("erase", "nowhere", *PERSON, "--photos", PHOTOS, "--out", OUT), "There is no model file nowhere"),
    (("erase", MODEL, *PERSON, "--photos", "nowhere", "--out", OUT), "There is no folder nowhere"),
    (("erase", MODEL, *PERSON, "--photos", PHOTOS, "--out", OUT, "--anchors", "nowhere"), "There is no folder nowhere"),
    (("erase", MODEL, *PERSON, "--photos", PHOTOS, "--out", "photos/1.jpg/x"), "Nothing can be written into"),
    (("audit", MODEL, "nowhere", *PERSON, "--photos", PHOTOS), "There is no model file nowhere"),
    (("audit", MODEL, MODEL, *PERSON, "--photos", EMPTY), "There is no photo in"),
    (("audit", MODEL, MODEL, *PERSON, "--photos", PHOTOS, "--retained", "nowhere"), "There is no folder"),
    (("batch", "nowhere.csv", "--model", MODEL, "--ledger", "l.db", "--out", "out"), "There is no file nowhere.csv"),
    (("batch", PHOTOS, "--model", "nowhere", "--ledger", "l.db", "--out", "out"), "There is no model file nowhere"),
    (("demo", "--people", "nowhere"), "There is no folder nowhere"),
    (("serve", "--model", "nowhere", "--ledger", "l.db", "--out", "out", "--token-file", "token"),
     "There is no model file nowhere"),
    (("app", "--model", "nowhere"), "There is no model file nowhere"),
    (("ledger", "list", "nowhere"), "There is no ledger nowhere. `faceforget batch` makes one."),
    (("receipt", "verify", "nowhere"), "There is no receipt nowhere"),
    (("receipt", "verify", MODEL, "--key", "nowhere"), "Cannot read the key nowhere"),
)  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrong paths")
    for name in (EMPTY, "people/Ada", "people/Bo", PHOTOS):
        (folder / name).mkdir(parents=True)
    for name in (MODEL, f"{PHOTOS}/1.jpg", "net.onnx"):
        (folder / name).write_bytes(b"?")
    (folder / "token").write_text("t" * 64)
    (folder / "token").chmod(0o600)
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        input=json.dumps([command for command, _ in CASES]),
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert {path.name for path in folder.iterdir()} == {EMPTY, "people", PHOTOS, MODEL, "net.onnx", "token"}
    return json.loads(done.stdout)


@pytest.mark.parametrize(("place", "command", "expected"), [(n, *case) for n, case in enumerate(CASES)])
def test_a_wrong_path_is_told_before_torch_is_loaded(told, place, command, expected):
    assert place < len(told), f"{CASES[len(told) - 1][0]} loaded torch"
    code, message = told[place]
    assert expected in message
    assert code in (1, 2)
