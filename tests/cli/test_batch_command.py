"""``faceforget batch`` and ``faceforget receipt``, as an operator uses them."""

import json
import shutil
from pathlib import Path

import pytest

SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "people"


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Six of the shipped people, six photos each."""
    folder = tmp_path_factory.mktemp("people")
    for person in sorted(path for path in SHIPPED.iterdir() if path.is_dir())[:6]:
        (folder / person.name).mkdir()
        for photo in sorted(person.iterdir())[:6]:
            shutil.copy(photo, folder / person.name)
    return folder


def test_a_list_of_requests_from_dry_run_to_receipt(cli, people, tmp_path):
    names = sorted(path.name for path in people.iterdir())
    model, ledger, out = tmp_path / "team.safetensors", tmp_path / "ledger.db", tmp_path / "erased"
    assert cli("enroll", people, "--out", model, "--train", "head")[0] == 0
    requests = tmp_path / "requests.csv"
    requests.write_text(f"person,photos\n{names[0]},{people / names[0]}\nZoe,{people / names[1]}\n")
    batch = ("batch", requests, "--model", model, "--ledger", ledger, "--out", out)

    code, text, _ = cli(*batch, "--dry-run", "--json", tmp_path / "dry.json")
    assert code == 1
    assert "Nothing was changed" in text
    errors = [line["error"] for line in json.loads((tmp_path / "dry.json").read_text())["requests"]]
    assert errors[0] == ""
    assert "does not know 'Zoe'" in errors[1]
    assert not out.exists()
    assert not ledger.exists()

    code, text, message = cli(*batch, "--json", tmp_path / "batch.json")
    assert code == 1
    assert "NOT ERASED" in text
    assert "'Zoe'" in message
    result = json.loads((tmp_path / "batch.json").read_text())
    assert [line["erased"] for line in result["requests"]] == [True, False]
    assert names[0] not in (tmp_path / "batch.json").read_text()
    assert cli(*batch)[0] == 2
    assert cli(*batch, "--resume")[0] == 1

    receipt = out / "receipts" / f"{result['requests'][0]['request']}.json"
    code, text, message = cli("receipt", "verify", receipt)
    assert code == 0
    assert "ERASED" in text
    assert "--key" in message
    public = f"{ledger}.key.pub"
    assert cli("receipt", "verify", receipt, "--key", public)[0] == 0
    assert cli("receipt", "print", receipt, "--out", tmp_path / "receipt.pdf", "--key", public)[0] == 0
    assert (tmp_path / "receipt.pdf").read_bytes().startswith(b"%PDF")
    assert cli("receipt", "print", receipt, "--out", tmp_path / "receipt.doc")[0] == 2
    receipt.write_bytes(receipt.read_bytes().replace(b'"seed": 0', b'"seed": 1'))
    assert cli("receipt", "verify", receipt)[0] == 1
    assert cli("receipt", "verify", tmp_path / "absent.json")[0] == 2
    assert cli("ledger", "verify", ledger)[0] == 0


def test_exit_code_0_when_all_are_erased(cli, people, tmp_path):
    names = sorted(path.name for path in people.iterdir())
    model = tmp_path / "team.safetensors"
    assert cli("enroll", people, "--out", model, "--train", "head")[0] == 0
    requests = tmp_path / "requests.json"
    requests.write_text(json.dumps([{"person": name, "photos": str(people / name)} for name in names[:2]]))
    code, text, _ = cli(
        "batch", requests, "--model", model, "--ledger", tmp_path / "ledger.db", "--out", tmp_path / "erased",
        "--retained", people, "--delete-model",
    )  # fmt: skip
    assert code == 0
    assert "NOT ERASED" not in text
    assert not model.exists()
    live = (tmp_path / "erased" / "team.safetensors").read_bytes()
    assert not [name for name in names[:2] if name.encode() in live]


@pytest.mark.parametrize(
    "change",
    [
        {"requests": "absent.csv"},
        {"--model": "absent/team.safetensors"},
        {"--promise": "invisible"},
        {"--out": "file"},
        {"--ledger": "file"},
        {"--key": "file"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_does_not_fit_starts_nothing(cli, people, tmp_path, change):
    (tmp_path / "file").write_text("words")
    (tmp_path / "team.safetensors").write_bytes(b"")
    values = {"--model": "team.safetensors", "--ledger": "ledger.db", "--out": "erased", **change}
    requests = tmp_path / values.pop("requests") if "requests" in values else people
    options = [
        part for name, value in values.items() for part in (name, value if name == "--promise" else tmp_path / value)
    ]
    code, _, message = cli("batch", requests, *options)
    assert code in (1, 2)
    assert "Error" in message
    assert not (tmp_path / "erased").exists()
    assert (tmp_path / "file").read_text() == "words"
