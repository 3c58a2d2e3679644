from benchmarks.data import ROOT
from faceforget.cli.browser import flags


def test_the_command_passes_what_keeps_the_app_private():
    found = flags(ROOT / ".streamlit" / "config.toml", 8600)
    assert {
        "--server.address=127.0.0.1",
        "--server.port=8600",
        "--server.maxUploadSize=20",
        "--server.enableXsrfProtection=true",
        "--server.enableCORS=true",
        "--client.showErrorDetails=none",
        "--browser.gatherUsageStats=false",
    } <= set(found)


def test_a_model_that_cannot_be_opened_is_said_before_the_browser_opens(cli, tmp_path):
    code, _, messages = cli("app", "--model", tmp_path / "none.safetensors")
    assert code == 1
    assert "There is no model file" in messages


def test_a_ledger_that_is_none_is_said_before_the_browser_opens(cli, tmp_path):
    (tmp_path / "notes.txt").write_text("no ledger, but long enough to be taken for one" * 9)
    code, _, messages = cli("app", "--ledger", tmp_path / "notes.txt")
    assert code == 1
    assert "is not a ledger" in messages


def test_the_app_is_started_with_the_model_and_the_ledger(cli, tmp_path, recognizer, monkeypatch):
    from faceforget import api

    api.save(recognizer, tmp_path / "m.safetensors")
    calls = []

    def become(program, command, env):
        calls.append((command, env["FACEFORGET_APP_MODEL"], env["FACEFORGET_APP_LEDGER"]))

    monkeypatch.setattr("faceforget.cli.browser.os.execve", become)
    code, output, _ = cli("app", "--model", tmp_path / "m.safetensors", "--ledger", tmp_path / "l.db", "--port", "8600")
    assert code == 0
    assert "http://127.0.0.1:8600" in output
    assert calls[0][0][1:4] == ["-m", "streamlit", "run"]
    assert calls[0][1] == str((tmp_path / "m.safetensors").resolve())
    assert calls[0][2] == str((tmp_path / "l.db").resolve())
    assert (tmp_path / "l.db").is_file()
