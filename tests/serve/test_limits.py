"""Who may call, how much they may send, and that nothing they send becomes a path or is repeated."""

import asyncio
import http.client
import json

import pytest

from faceforget.cli.serve import MissingExtraError
from faceforget.errors import UsageError
from faceforget.serve.guard import Guard
from faceforget.serve.settings import Limits, ServeSettings, read_token
from tests.serve.conftest import TOKEN, Client, serving_nobody
from tests.waiting import LONG, until

HOSTILE = [
    "../../../../etc/cron.d/faceforget.jpg", "/etc/passwd", "..\\..\\evil.jpg", "a\0b.jpg", "", "con.jpg",
    "x" * 3000, "\u202egpj.exe", "%2e%2e%2fevil.jpg", "meta.json", "request.json",
]  # fmt: skip
PERSON = b'--b\r\nContent-Disposition: form-data; name="person"\r\n\r\nAda\r\n'
PATHS = [
    ("GET", "/v1/requests/0"),
    ("GET", "/v1/requests/0/receipt"),
    ("GET", "/v1/requests/0/receipt.pdf"),
    ("POST", "/v1/requests"),
]


@pytest.fixture(scope="module")
def small(settings_in, tmp_path_factory):
    """A service with small limits that carries nothing out."""
    limits = Limits(body=20_000, photo=5_000, photos=3, open_requests=2)
    with serving_nobody(settings_in(tmp_path_factory.mktemp("small"), limits=limits)) as client:
        yield client


def files_of(client):
    return sorted(path for path in client.service.settings.out.parent.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ü"])
def test_only_the_bearer_of_the_token_passes(idle, header, path):
    headers = {"Authorization": header.encode() if header else None}
    answer = idle.session.request(path[0], idle.url + path[1], headers=headers, data=b"x", timeout=LONG)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["error"]["kind"] == "unauthorised"


def test_a_body_without_the_token_is_not_read(idle):
    connection = http.client.HTTPConnection(idle.url.removeprefix("http://"), timeout=LONG)
    connection.putrequest("POST", "/v1/requests")
    connection.putheader("Content-Length", "100000000")
    connection.endheaders()
    assert connection.getresponse().status == 401


@pytest.mark.parametrize("token", ["", "short", "with a space in it", "umlaut-ü-umlaut-ü"])
def test_the_service_does_not_start_without_a_good_token(monkeypatch, tmp_path, token):
    monkeypatch.setenv("FACEFORGET_TOKEN", token)
    with pytest.raises(UsageError):
        read_token(None)
    with pytest.raises(UsageError):
        ServeSettings(tmp_path, tmp_path, tmp_path, token)


def test_a_token_file_is_its_owners_alone(tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        read_token(file)
    file.chmod(0o600)
    assert read_token(file) == TOKEN
    assert TOKEN not in repr(ServeSettings(tmp_path, tmp_path, tmp_path, TOKEN))


def test_without_a_token_the_command_says_how_to_make_one(cli, tmp_path, monkeypatch):
    monkeypatch.delenv("FACEFORGET_TOKEN", raising=False)
    (tmp_path / "service.json").write_text("{}")  # of a service that has a model already
    code, _, messages = cli("serve", "--model", "m", "--ledger", tmp_path / "l", "--out", tmp_path)
    assert code == 2
    assert "openssl rand" in messages


def test_without_the_extra_the_command_says_what_to_install(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("FACEFORGET_TOKEN", TOKEN)
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    (tmp_path / "service.json").write_text("{}")  # of a service that has a model already
    code, _, messages = cli("serve", "--model", "m", "--ledger", tmp_path / "l", "--out", tmp_path)
    assert code == 2
    assert "pip install 'faceforget[serve]'" in messages
    assert issubclass(MissingExtraError, UsageError)


@pytest.mark.parametrize(
    ("fields", "photos", "status", "kind"),
    [
        ({"person": "Ada"}, [("photos", b"x" * 5_001)], 413, "photo_too_large"),
        ({"person": "Ada"}, [("photos", b"x")] * 3 + [("check", b"x")], 422, "too_many_photos"),
        ({"person": "Ada"}, [("photos", b"x" * 4_900)] * 3 + [("other", b"x" * 9_000)], 413, "body_too_large"),
        ({"person": "Ada"}, [], 422, "missing_field"),
        ({"person": "Ada"}, [("check", b"x")], 422, "missing_field"),
        ({}, [("photos", b"x")], 422, "missing_field"),
        ({"person": "x" * 101}, [("photos", b"x")], 422, "person"),
        ({"person": "x" * 401}, [("photos", b"x")], 422, "field_too_long"),
        ({"person": "Unknown"}, [("photos", b"x")], 422, "person"),
        ({"person": "A\u202eda"}, [("photos", b"x")], 422, "person"),
        ({"person": b"\xff\xfe"}, [("photos", b"x")], 422, "person"),
        ({"person": ["Ada", "Bob"]}, [("photos", b"x")], 422, "field_twice"),
        ({"person": "Ada", "promise": "all"}, [("photos", b"x")], 422, "promise"),
        ({"person": "Ada", "method": "magic"}, [("photos", b"x")], 422, "method"),
        ({"person": "Ada", "method": ""}, [("photos", b"x")], 422, "method"),
        ({"person": "Ada", "method": "scrub"}, [("photos", b"x")], 422, "method"),
        ({"person": "Ada", "method": b"\xff"}, [("photos", b"x")], 422, "method"),
        ({"person": "Ada", "method": "delete", "promise": "unrecognisable"}, [("photos", b"x")], 422, "method"),
        ({"person": "Ada", "method": ["delete", "pour"]}, [("photos", b"x")], 422, "field_twice"),
        ({"person": "Ada", "path": "/etc"}, [("photos", b"x")], 422, "unknown_field"),
    ],
)
def test_what_is_refused_and_leaves_nothing(small, fields, photos, status, kind):
    before = files_of(small)
    files = [(name, ("a.jpg", data)) for name, data in photos] or {"": None}
    answer = small.session.post(f"{small.url}/v1/requests", data=fields, files=files, timeout=LONG)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (status, kind)
    assert set(answer.json()["error"]) == {"kind", "expected", "came", "todo"}
    assert files_of(small) == before
    assert list(small.service.inbox.incoming.iterdir()) == []


def test_a_body_that_lies_about_its_length_is_stopped_on_the_way(small):
    connection = http.client.HTTPConnection(small.url.removeprefix("http://"), timeout=LONG)

    def body():
        yield b'--b\r\nContent-Disposition: form-data; name="photos"; filename="a"\r\n\r\n'
        yield from (b"x" * 1_000 for _ in range(100_000))

    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "multipart/form-data; boundary=b"}
    try:
        connection.request("POST", "/v1/requests", body(), headers, encode_chunked=True)
        status = connection.getresponse().status
    except ConnectionError:  # hung up on, as it should be
        return
    assert status == 413


def test_a_body_that_never_ends_is_given_up(settings_in, tmp_path):
    with serving_nobody(settings_in(tmp_path, limits=Limits(seconds=0.5))) as hasty:
        assert status_of_half_a_body(hasty) == 408


def status_of_half_a_body(client):
    connection = http.client.HTTPConnection(client.url.removeprefix("http://"), timeout=LONG)
    connection.putrequest("POST", "/v1/requests")
    connection.putheader("Authorization", f"Bearer {TOKEN}")
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b"--b\r\n")
    return connection.getresponse().status


def test_a_client_that_hangs_up_is_no_fault_and_leaves_nothing(small, caplog):
    before = files_of(small)
    caplog.set_level("INFO", "faceforget.serve")
    connection = http.client.HTTPConnection(small.url.removeprefix("http://"), timeout=LONG)
    connection.putrequest("POST", "/v1/requests")
    connection.putheader("Authorization", f"Bearer {TOKEN}")
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(PERSON)
    connection.close()
    until(lambda: "hung up" in caplog.text)
    assert "fault" not in caplog.text
    assert files_of(small) == before
    assert list(small.service.inbox.incoming.iterdir()) == []


def test_an_answer_that_breaks_off_does_not_bring_its_message_into_the_servers_log():
    sent, scope = [], {"type": "http"}

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("Ada Lovelace")

    async def send(message):
        sent.append(message["type"])

    asyncio.run(Guard(app)(scope, None, send))
    assert sent == ["http.response.start"]


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data", b"", 400),
        ("multipart/form-data; boundary=b", b"", 400),
        ("multipart/form-data; boundary=b", b"--b\r\nno header", 400),
        ("multipart/form-data; boundary=" + "b" * 1000, b"--b--", 400),
        ("multipart/form-data; boundary=b", PERSON, 400),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"X: y\r\n" * 100 + b"\r\n\r\n--b--", 400),
    ],
)
def test_bodies_that_are_none(small, kind, body, status):
    answer = small.session.post(f"{small.url}/v1/requests", data=body, headers={"Content-Type": kind}, timeout=LONG)
    assert answer.status_code == status, answer.text


def test_too_many_open_requests_are_put_off(small):
    answers = [small.ask("Ada", [b"x"]) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[2].headers["Retry-After"] == "60"


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_of_files_are_never_paths(idle, name):
    answer = idle.ask("../../Ada", [b"one"], [b"two"], names=[name, name])
    assert answer.status_code == 202
    folder = idle.service.inbox.folder(answer.json()["id"])
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        "check/001", "meta.json", "photos/001", "request.json",
    ]  # fmt: skip
    listed = json.loads((folder / "request.json").read_text())["requests"]
    assert listed == [{"person": "../../Ada", "photos": ["photos/001"], "check": ["check/001"]}]
    assert (folder / "photos" / "001").read_bytes() == b"one"
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("request_id", ["..", "%2e%2e%2f%2e%2e", "0" * 16, "a/../b", "x" * 5000, "%00"])
def test_ids_that_are_none(idle, request_id):
    for path in ("", "/receipt", "/receipt.html", "/receipt.pdf"):
        answer = idle.get(f"/v1/requests/{request_id}{path}")
        assert answer.status_code == 404
        assert answer.json()["error"]["todo"]


def test_a_receipt_that_is_not_there_yet(idle):
    request = idle.ask("Ada", [b"x"]).json()
    for path in ("receipt", "receipt.html", "receipt.pdf"):
        answer = idle.get(f"/v1/requests/{request['id']}/{path}")
        assert (answer.status_code, answer.json()["error"]["kind"]) == (409, "not_closed")


def test_the_same_key_gives_the_same_request(idle):
    key = {"Idempotency-Key": "0123456789abcdef"}
    first, again = (idle.ask("Ada", [b"x"], headers=key) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert idle.ask("Ada", [b"x"]).json()["id"] != first.json()["id"]
    other = idle.ask("Ada", [b"y"], headers=key)
    assert (other.status_code, other.json()["error"]["kind"]) == (409, "idempotency_key_reused")
    assert idle.ask("Ada", [b"x"], headers={"Idempotency-Key": "short"}).status_code == 422


def test_a_fault_says_nothing_of_what_was_sent(idle, monkeypatch, caplog):
    def fail(upload, _):
        raise RuntimeError(upload.person)

    monkeypatch.setattr(idle.service.inbox, "accept", fail)
    answer = idle.ask("Ada Lovelace", [b"x"])
    assert (answer.status_code, answer.json()["error"]["kind"]) == (500, "fault")
    assert "RuntimeError" in caplog.text
    assert "Lovelace" not in caplog.text + answer.text


def test_a_full_disk_has_its_own_answer(idle, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(idle.service.inbox, "accept", fail)
    assert idle.ask("Ada", [b"x"]).status_code == 507


def test_what_is_said_to_others_than_the_bearer(idle):
    answer = Client(idle.url, "none").get("/v1/health")
    assert set(answer.json()) == {"status", "version"}
    assert idle.get("/docs").status_code == 404
