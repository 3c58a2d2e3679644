import hashlib
import inspect
import random
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from facenet_pytorch.models import inception_resnet_v1

from faceforget.api import enroll
from faceforget.cli.advice import advice
from faceforget.compute.ports import held_port
from faceforget.errors import BackboneError
from faceforget.recognizer.backbone import load_backbone
from faceforget.recognizer.backbones import facenet
from faceforget.recognizer.backbones.facenet import FACENET_FILES, facenet_path, facenet_source
from faceforget.recognizer.backbones.facenet import SPEC as FACENET
from faceforget.recognizer.download import download
from faceforget.recognizer.transfer import Source
from tests.waiting import LONG

CONTENT = random.Random(0).randbytes(2_500_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves one file; ``behaviours`` says how each request in turn is answered, then all well."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.etag, self.behaviours, self.ranges = CONTENT, '"v1"', [], []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def source(self, **options):
        return Source("weights", f"{self.url}/weights.pt", **options)


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        server, asked = self.server, self.headers.get("Range")
        server.ranges.append(asked)
        behaviour = server.behaviours.pop(0) if server.behaviours else "well"
        if isinstance(behaviour, int):
            self.send_error(behaviour)
        elif behaviour.startswith("to "):
            self.send_response(302)
            self.send_header("Location", behaviour.removeprefix("to "))
            self.end_headers()
        else:
            self.answer(behaviour, server.content, asked)

    def answer(self, behaviour, content, asked):
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if behaviour == "no ranges" or self.headers.get("If-Range", self.server.etag) != self.server.etag:
            start = 0
        if start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if self.server.etag:
            self.send_header("ETag", self.server.etag)
        if behaviour != "no length":
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        body = content[start:]
        with suppress(ConnectionError):  # who does not want the file hangs up
            self.wfile.write(body[: len(body) // 2] if behaviour == "cut" else body)


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetch(source, folder, **options):
    return download(source, folder, pause=0.001, timeout=LONG, **options)


def left_in(folder):
    """Names in the folder but for the lock's, which holds nothing."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_a_whole_download_is_fetched_once_and_remembered(server, tmp_path):
    path = fetch(server.source(), tmp_path)
    assert path.read_bytes() == CONTENT
    assert (tmp_path / "weights.pt.sha256").read_text() == f"{SHA256}  weights.pt\n"
    assert fetch(server.source(), tmp_path) == path
    assert server.ranges == [None]
    assert left_in(tmp_path) == ["weights.pt", "weights.pt.sha256"]


def test_a_published_hash_and_size_are_enough(server, tmp_path):
    fetch(server.source(sha256=SHA256, size=len(CONTENT)), tmp_path)
    assert left_in(tmp_path) == ["weights.pt"]


def test_progress_counts_megabytes(server, tmp_path):
    events = []
    fetch(server.source(), tmp_path, progress=events.append)
    assert [(event.stage, event.done, event.total) for event in events] == [
        ("downloading weights", done, 3) for done in (0, 1, 2, 3)
    ]
    assert [event.final for event in events] == [False, False, False, True]


def test_a_cut_connection_is_resumed_where_it_broke(server, tmp_path):
    server.behaviours = ["cut", "cut"]
    assert fetch(server.source(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1250000-", "bytes=1875000-"]


def test_a_later_run_resumes_too(server, tmp_path):
    server.behaviours = ["cut"]
    with pytest.raises(BackboneError, match="ended after 1250000 of 2500000 bytes"):
        fetch(server.source(), tmp_path, attempts=1)
    assert not (tmp_path / "weights.pt").exists()
    assert fetch(server.source(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1250000-"]


def test_a_server_without_ranges_starts_again(server, tmp_path):
    server.behaviours = ["cut", "no ranges"]
    assert fetch(server.source(), tmp_path).read_bytes() == CONTENT


def test_without_a_version_or_a_hash_nothing_is_resumed(server, tmp_path):
    server.etag, server.behaviours = "", ["cut"]
    assert fetch(server.source(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, None]


def test_a_hash_makes_resuming_safe_without_a_version(server, tmp_path):
    server.etag, server.behaviours = "", ["cut"]
    assert fetch(server.source(sha256=SHA256), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1250000-"]


def test_two_versions_are_never_mixed(server, tmp_path):
    server.behaviours = ["cut"]
    with pytest.raises(BackboneError):
        fetch(server.source(), tmp_path, attempts=1)
    server.content, server.etag = CONTENT[::-1], '"v2"'
    assert fetch(server.source(), tmp_path).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize(("part", "version"), [(CONTENT, '"v1"'), (CONTENT + b"more", '"v1"'), (b"x", '"v0"')])
def test_a_part_left_by_a_killed_run(server, tmp_path, part, version):
    (tmp_path / "weights.pt.part").write_bytes(part)
    (tmp_path / "weights.pt.part.version").write_text(version)
    assert fetch(server.source(), tmp_path).read_bytes() == CONTENT
    assert left_in(tmp_path) == ["weights.pt", "weights.pt.sha256"]


def test_a_busy_server_is_asked_again(server, tmp_path):
    server.behaviours = [503, 429, 500]
    assert fetch(server.source(), tmp_path).read_bytes() == CONTENT


def test_attempts_end_when_nothing_comes(server, tmp_path):
    server.behaviours = [503] * 9
    with pytest.raises(BackboneError, match=r"503.*3 attempts"):
        fetch(server.source(), tmp_path, attempts=3)
    assert len(server.ranges) == 3


def test_a_server_that_always_cuts_and_starts_again_is_given_up(server, tmp_path):
    server.etag, server.behaviours = "", ["cut"] * 9
    with pytest.raises(BackboneError, match="3 attempts"):
        fetch(server.source(), tmp_path, attempts=3)


def test_a_missing_file_is_not_asked_for_twice(server, tmp_path):
    server.behaviours = [404]
    with pytest.raises(BackboneError, match=r"404.*another machine.*as backbone"):
        fetch(server.source(), tmp_path)
    assert len(server.ranges) == 1
    assert left_in(tmp_path) == []


def refuse(path):
    raise BackboneError(f"{path.name} is a login page.")


@pytest.mark.parametrize(
    ("source", "options", "behaviour", "words"),
    [
        ({"sha256": "0" * 64}, {}, "well", f"expected the SHA-256 {'0' * 64}, got {SHA256}"),
        ({"size": 7}, {}, "well", "expected 7 bytes, the server offers 2500000"),
        ({}, {"check": refuse}, "well", "something else.*login page"),
        ({}, {}, "no length", "does not say how long"),
        ({}, {}, "to http://example.invalid/weights.pt", "expected an https address"),
        ({}, {}, "to ftp://127.0.0.1/weights.pt", "expected an https address"),
    ],
)
def test_what_is_not_the_file_is_not_kept(server, tmp_path, source, options, behaviour, words):
    server.behaviours = [behaviour]
    with pytest.raises(BackboneError, match=words):
        fetch(server.source(**source), tmp_path, **options)
    assert left_in(tmp_path) == []


def test_an_unencrypted_address_needs_a_hash(tmp_path):
    with pytest.raises(BackboneError, match="expected an https address"):
        fetch(Source("weights", "http://example.invalid/weights.pt"), tmp_path)


def test_offline_says_what_to_fetch_and_where_to_put_it(tmp_path):
    with held_port() as port:
        url = f"http://127.0.0.1:{port}/weights.pt"
        with pytest.raises(BackboneError) as caught:
            fetch(Source("weights", url), tmp_path)
    assert "refused" in caught.value.message
    for words in (url, str(tmp_path / "weights.pt"), "another machine"):
        assert words in caught.value.todo
        assert words in advice(caught.value)
    assert "--backbone FILE.pt" in advice(caught.value)


def test_a_file_that_changed_since_its_first_use_is_refused(server, tmp_path):
    path = fetch(server.source(), tmp_path)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(BackboneError, match=r"changed.*weights\.pt\.sha256") as caught:
        fetch(server.source(), tmp_path)
    assert caught.value.values["expected"] == SHA256


def test_a_file_fetched_again_must_be_the_one_of_the_first_use(server, tmp_path):
    fetch(server.source(), tmp_path).unlink()
    server.content = CONTENT[::-1]
    with pytest.raises(BackboneError, match=rf"expected the SHA-256 {SHA256} \(from "):
        fetch(server.source(), tmp_path)
    assert left_in(tmp_path) == ["weights.pt.sha256"]


def test_an_emptied_record_is_a_change_too(server, tmp_path):
    fetch(server.source(), tmp_path)
    (tmp_path / "weights.pt.sha256").write_text("")
    with pytest.raises(BackboneError, match="changed"):
        fetch(server.source(), tmp_path)


def test_a_file_put_there_by_hand_is_checked_and_remembered(server, tmp_path):
    (tmp_path / "weights.pt").write_bytes(CONTENT)
    with pytest.raises(BackboneError, match="login page"):
        fetch(server.source(), tmp_path, check=refuse)
    assert left_in(tmp_path) == ["weights.pt"]
    fetch(server.source(), tmp_path)
    assert SHA256 in (tmp_path / "weights.pt.sha256").read_text()
    assert server.ranges == []


def test_a_folder_that_is_a_file(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BackboneError, match="Cannot write"):
        fetch(server.source(), tmp_path / "file" / "checkpoints")


def test_two_at_once_fetch_one_file(server, tmp_path):
    threads = [threading.Thread(target=fetch, args=(server.source(), tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "weights.pt").read_bytes() == CONTENT
    assert server.ranges == [None]


@pytest.mark.parametrize("variant", FACENET_FILES)
def test_addresses_are_those_of_facenet_pytorch(variant):
    assert facenet_source(variant).url in inspect.getsource(inception_resnet_v1.load_weights)


@pytest.fixture(scope="session")
def facenet_content(tmp_path_factory):
    """A file as facenet-pytorch publishes them, in torch's format of 2018, with random weights."""
    network = inception_resnet_v1.InceptionResnetV1(classify=True, num_classes=8631)
    path = tmp_path_factory.mktemp("facenet") / "weights.pt"
    torch.save(network.state_dict(), path, _use_new_zipfile_serialization=False)
    return path.read_bytes()


@pytest.fixture
def facenet_server(server, monkeypatch, tmp_path):
    monkeypatch.setattr(facenet, "RELEASE", server.url)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return server


def test_facenet_by_name(facenet_server, facenet_content, tmp_path):
    facenet_server.content, facenet_server.behaviours = facenet_content, ["cut"]
    events = []
    loaded = load_backbone("facenet:vggface2", progress=events.append)
    path = tmp_path / "torch" / "checkpoints" / "20180402-114759-vggface2.pt"
    sha256 = hashlib.sha256(facenet_content).hexdigest()
    assert loaded.spec is FACENET
    assert loaded.origin == f"facenet:vggface2 sha256:{sha256}"
    assert not loaded.network.training
    assert path == facenet_path("vggface2")
    assert path.read_bytes() == facenet_content
    assert {event.stage for event in events} == {"downloading facenet vggface2"}
    assert events[-1].final

    assert load_backbone("facenet").origin == loaded.origin
    assert len(facenet_server.ranges) == 2
    # facenet-pytorch itself finds the same file.
    theirs = inception_resnet_v1.InceptionResnetV1(pretrained="vggface2").state_dict()
    assert all(torch.equal(theirs[key], value) for key, value in loaded.network.state_dict().items())

    path.write_bytes(facenet_content[:-1] + b"x")
    with pytest.raises(BackboneError, match="changed"):
        load_backbone("facenet")


def test_other_weights_under_facenets_name_are_not_kept(facenet_server, backbone_file, tmp_path):
    from safetensors.torch import load_file

    torch.save(load_file(backbone_file), tmp_path / "mobile.pt")
    facenet_server.content = (tmp_path / "mobile.pt").read_bytes()
    with pytest.raises(BackboneError, match="not an InceptionResnetV1"):
        load_backbone("facenet:casia-webface")
    assert left_in(tmp_path / "torch" / "checkpoints") == []


def test_a_failed_download_never_gives_random_weights(facenet_server, people_dir):
    facenet_server.behaviours = [404]
    with pytest.raises(BackboneError, match=r"404.*as backbone"):
        enroll(people_dir, backbone="facenet")
