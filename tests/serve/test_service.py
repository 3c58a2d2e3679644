"""From a POST to a receipt, and everything in between that can go wrong on the operator's side."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest
import requests

from faceforget.compute.ports import held_port
from faceforget.errors import UsageError
from faceforget.files import sha256_file
from faceforget.recognizer.storage import load_recognizer
from faceforget.requests import batch
from faceforget.requests.canonical import canonical
from faceforget.requests.ledger import Ledger
from faceforget.requests.receipt import read_receipt
from faceforget.requests.steps import copies
from faceforget.serve import worker
from faceforget.serve.service import Service
from tests.serve.conftest import TOKEN, Client, serving, serving_nobody
from tests.waiting import LONG, until


@pytest.fixture(scope="module")
def served(settings_in, tmp_path_factory, photos, names):
    """A service that has carried out three requests, and stopped: two persons, and one whom it does not know."""
    settings = settings_in(tmp_path_factory.mktemp("served"))
    with serving(settings) as client:
        first = client.ask(names[0], photos[names[0]], promise="forgotten")
        second = client.ask(names[1].replace("_", " "), photos[names[1]][:4], photos[names[1]][4:])
        third = client.ask("Zoe Nobody", photos[names[2]])
        client.answers = [first, second, third]
        client.ends = [client.closed(answer.json()["id"]) for answer in client.answers]
        client.settings = settings
        yield client


def test_a_request_is_accepted_with_an_id_and_a_place_to_look(served):
    answer = served.answers[0]
    assert answer.status_code == 202
    assert answer.json() | {"state": "queued", "received": ""} == {
        "id": answer.json()["id"], "state": "queued", "promise": "forgotten", "method": "anchored",
        "received": "",
        "request": answer.json()["request"], "outcome": None, "reason": None, "kind": None, "todo": None, "fault": None,
    }  # fmt: skip
    assert answer.headers["Location"] == f"/v1/requests/{answer.json()['id']}"


def test_those_whom_the_model_knows_are_erased_one_after_the_other(served, names):
    assert [end["outcome"] for end in served.ends] == ["ERASED", "ERASED", "NOT ERASED"]
    assert served.ends[2]["reason"] == "The model does not know the person."
    live = load_recognizer(served.settings.out / "team.safetensors")
    assert set(live.labels) == set(names) - set(names[:2])


def test_the_next_request_starts_from_the_model_of_the_one_before(served):
    receipts = [served.get(f"/v1/requests/{end['id']}/receipt").json()["receipt"] for end in served.ends]
    assert receipts[0]["model_sha256"]["before"] == sha256_file(served.settings.model)
    assert receipts[1]["model_sha256"]["before"] == receipts[0]["model_sha256"]["after"]
    assert receipts[1]["model_sha256"]["after"] == sha256_file(served.settings.out / "team.safetensors")
    assert receipts[2]["model_sha256"] == {"before": receipts[1]["model_sha256"]["after"], "after": None}


def test_the_receipt_is_signed_and_can_be_read_by_people(served):
    path = f"/v1/requests/{served.ends[0]['id']}/receipt"
    receipt = read_receipt(served.get(path).content)
    assert receipt.content["request"] == served.ends[0]["request"]
    page, pdf = served.get(f"{path}.html"), served.get(f"{path}.pdf")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "ERASED" in page.text
    assert pdf.content.startswith(b"%PDF")


def copies_in(served, end):
    receipt = served.get(f"/v1/requests/{end['id']}/receipt").json()["receipt"]
    return {copy["copy"]: copy for copy in receipt["copies"]}, " ".join(receipt["not_proven"])


def test_receipts_say_that_what_was_uploaded_is_gone_however_the_request_ended(served):
    for end in served.ends:
        told, not_proven = copies_in(served, end)
        assert told["photos"]["outcome"] == told["list of requests"]["outcome"] == "erased"
        assert "uploaded was removed before this was signed" in told["photos"]["reason"]
        assert "kept by the operator: a new model" not in not_proven
        folder = served.service.inbox.folder(end["id"])
        assert sorted(path.name for path in folder.iterdir()) == ["meta.json", "out"]
    assert "may have kept the originals" in copies_in(served, served.ends[0])[1]
    assert "uploaded was removed" in served.get(f"/v1/requests/{served.ends[2]['id']}/receipt.html").text


def test_receipts_tell_the_operators_model_from_those_of_the_service(served):
    first, second = (copies_in(served, end) for end in served.ends[:2])
    assert first[0]["model before erasure"]["outcome"] == "kept"
    assert "The model before erasure is kept by the operator" in first[1]
    assert second[0]["model before erasure"]["outcome"] == "erased"
    own = second[0]["copy 1 of the operator's list"]
    assert own["outcome"] == "kept"
    assert "names the person" in own["reason"]
    assert "Copies that the operator listed are kept" in second[1]


def test_nothing_of_the_persons_is_left_but_in_the_operators_model(served, photos, names):
    needles = [name.encode() for name in (*names[:2], names[1].replace("_", " "), "Zoe Nobody")]
    needles += [data[len(data) // 2 :][:48] for name in names[:3] for data in photos[name]]
    for path in served.settings.out.parent.rglob("*"):
        if path.is_file() and path != served.settings.model:
            data = path.read_bytes()
            assert [needle for needle in needles if needle in data] == [], path
        assert not any(name in str(path) for name in (*names, "Zoe")), path


def test_models_that_know_an_erased_person_do_not_pile_up(served):
    models = list(served.settings.out.rglob("*.safetensors"))
    assert len(models) == 2
    assert len({sha256_file(model) for model in models}) == 1


def test_the_ledger_has_every_step(served):
    with Ledger(served.settings.ledger) as ledger:
        assert ledger.verify() == 6 + 6 + 3
        assert {entry.state for entry in ledger.latest()} == {"closed"}


def test_health_is_ok(served):
    assert Client(served.url, "none").get("/v1/health").json()["status"] == "ok"


def test_two_services_do_not_share_a_folder(served):
    with pytest.raises(UsageError, match="Another service"):
        Service(served.settings)


class Killed(BaseException):
    """Stands for kill -9."""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(("step", "delete"), [("planned", False), ("live", False), ("copies", True), ("receipt", True)])
def test_a_request_that_was_cut_off_is_carried_out_after_a_restart(
    step, delete, settings_in, tmp_path, photos, names, monkeypatch
):
    settings = settings_in(tmp_path, delete_model=delete)
    monkeypatch.setattr(worker, "run_batch", cut_off_at(step))
    with serving(settings) as client:
        request = client.ask(names[0], photos[names[0]]).json()["id"]
        client.service.worker.join(LONG)
        assert client.state(request)["state"] != "closed"
        assert client.get("/v1/health").status_code == 503
    monkeypatch.undo()
    with serving(settings) as client:
        assert client.closed(request)["outcome"] == "ERASED"
    assert names[0] not in load_recognizer(settings.out / "team.safetensors").labels
    with Ledger(settings.ledger) as ledger:
        assert [entry.state for entry in ledger.latest()] == ["closed"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_later_request_that_was_cut_off_after_its_model_went_live(settings_in, tmp_path, photos, names, monkeypatch):
    settings = settings_in(tmp_path)
    published = settings.out / "team.safetensors"
    with serving(settings) as client:
        assert client.closed(client.ask(names[0], photos[names[0]]).json()["id"])["outcome"] == "ERASED"
        monkeypatch.setattr(worker, "run_batch", cut_off_at("copies"))
        request = client.ask(names[1], photos[names[1]]).json()["id"]
        client.service.worker.join(LONG)
    assert names[1] not in load_recognizer(published).labels  # in use before any receipt says so
    assert len(list(settings.out.rglob("*.safetensors"))) == 2
    monkeypatch.undo()
    with serving(settings) as client:
        assert client.closed(request)["outcome"] == "ERASED"
        told, _ = copies_in(client, client.get(f"/v1/requests/{request}").json())
    assert told["model before erasure"]["outcome"] == "erased"
    assert set(load_recognizer(published).labels) == set(names) - set(names[:2])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_uploads_are_gone_before_a_receipt_is_signed_and_a_crash_between_loses_nothing(
    settings_in, tmp_path, photos, names, monkeypatch
):
    settings = settings_in(tmp_path)
    monkeypatch.setattr(worker, "run_batch", cut_off_at("destroyed"))
    with serving(settings) as client:
        request = client.ask("Zoe", photos[names[0]][:2], photos[names[0]][2:3]).json()["id"]
        client.service.worker.join(LONG)
        folder = client.service.inbox.folder(request)
    sent = [path for path in folder.rglob("*") if path.is_file() and "out" not in path.parts]
    assert [path.name for path in sent] == ["meta.json"]
    assert not list(folder.rglob("receipts/*"))
    monkeypatch.undo()
    with serving(settings) as client:
        state = client.closed(request)
        assert (state["outcome"], state["reason"]) == ("NOT ERASED", "The model does not know the person.")
        assert (state["kind"], state["todo"]) == ("unknown_person", "Check person: it must be spelled as in the model.")
        assert copies_in(client, state)[0]["photos"]["outcome"] == "erased"


def test_while_uploads_cannot_be_removed_no_receipt_says_that_they_were(
    settings_in, tmp_path, photos, names, monkeypatch
):
    settings = settings_in(tmp_path, retry_s=0.05)
    remove = copies.removed
    monkeypatch.setattr(copies, "removed", lambda path: path.parent.name != "photos" and remove(path))
    with serving(settings) as client:
        request = client.ask("Zoe", photos[names[0]][:2]).json()["id"]
        state = client.when(request, lambda state: state["fault"])
        assert (state["state"], state["fault"], state["outcome"]) == ("failed", "uploads_left", None)
        assert client.get(f"/v1/requests/{request}/receipt").status_code == 409
        folders = os.walk(settings.out)  # which bears that the service works in them meanwhile
        assert not [names for folder, _, names in folders if folder.endswith("receipts") and names]
        monkeypatch.undo()
        assert client.closed(request)["outcome"] == "NOT ERASED"


def cut_off_at(step):
    def run_batch(*arguments, **options):
        def cut(done):
            if done == step:
                raise Killed
            options["step"](done)

        return batch.run_batch(*arguments, **{**options, "step": cut})

    return run_batch


def test_a_request_keeps_its_method_if_the_service_ends_before_it_is_planned(settings_in, tmp_path, photos, names):
    settings = settings_in(tmp_path)
    with serving_nobody(settings) as client:
        answer = client.ask(names[0], photos[names[0]], method="delete").json()
        assert (answer["state"], answer["method"]) == ("queued", "delete")
    with serving(settings) as client:
        assert client.closed(answer["id"])["outcome"] == "ERASED"
        receipt = client.get(f"/v1/requests/{answer['id']}/receipt").json()["receipt"]
        page = client.get(f"/v1/requests/{answer['id']}/receipt.html").text
    assert receipt["configuration"]["method"] == receipt["erasure"]["method"] == "delete"
    assert receipt["promise"] == "forgotten"
    assert "<dd>delete (" in page
    assert load_recognizer(settings.out / "team.safetensors").history[-1]["method"] == "delete"


def test_a_fault_that_is_nobodys_holds_requests_up_and_loses_none(settings_in, tmp_path, photos, names, monkeypatch):
    settings = settings_in(tmp_path, retry_s=0.05)
    full = iter([OSError(28, f"No space left for {names[0]}")] * 3)

    def run_batch(*arguments, **options):
        for error in full:
            assert client.get("/v1/health").status_code in (200, 503)
            raise error
        return batch.run_batch(*arguments, **options)

    monkeypatch.setattr(worker, "run_batch", run_batch)
    with serving(settings) as client:
        # Nobody whom the model knows: that is quick.
        assert client.closed(client.ask("Zoe", photos[names[0]]).json()["id"])["outcome"] == "NOT ERASED"
        assert client.get("/v1/health").json()["status"] == "ok"


def test_a_folder_belongs_to_one_model(settings_in, tmp_path):
    settings = settings_in(tmp_path)
    Service(settings).stop()
    (settings.out / "service.json").write_bytes(canonical({"model": "0" * 64}))
    with pytest.raises(UsageError, match="another model"):
        Service(settings)


def test_kill_9_and_a_new_start_by_the_command_line(settings_in, tmp_path, photos, names):
    settings = settings_in(tmp_path)
    with started(settings, tmp_path) as (process, client):
        request = client.ask(names[0], photos[names[0]]).json()["id"]
        client.when(request, lambda state: state["state"] in ("running", "erased", "audited", "closed"))
        process.send_signal(signal.SIGKILL)
        log = process.communicate()[1]
    with serving(settings) as client:
        assert client.closed(request)["outcome"] == "ERASED"
    assert f"request {request}: planned" in log
    assert names[0] not in log


@contextmanager
def started(settings, folder):
    """``faceforget serve`` in a process of its own."""
    with held_port() as port:
        command = [
            sys.executable, "-m", "faceforget", "serve", "--model", settings.model, "--ledger", settings.ledger,
            "--out", settings.out, "--port", str(port), "--device", "cpu",
        ]  # fmt: skip
        environment = {**os.environ, "FACEFORGET_TOKEN": TOKEN}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        client = Client(f"http://127.0.0.1:{port}")
        try:
            until(lambda: process.poll() is not None or answers(client))
            assert process.poll() is None
            yield process, client
        finally:
            process.kill()
            process.communicate()


def answers(client):
    with suppress(requests.ConnectionError):
        return client.get("/v1/health").json()["status"] == "ok"
    return False
