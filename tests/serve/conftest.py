"""Services on 127.0.0.1, with the model and the people of the requests' tests."""

import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
import requests
import uvicorn

from faceforget.serve.app import make_app
from faceforget.serve.service import Service
from faceforget.serve.settings import ServeSettings
from tests.requests.conftest import model_file, names, people

__all__ = ["model_file", "names", "people"]

TOKEN = "0123456789abcdef-for-tests"


class Client:
    """Calls a service, bearing the token."""

    def __init__(self, url, token=TOKEN):
        self.url = url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path, **options):
        return self.session.get(f"{self.url}{path}", timeout=30, **options)

    def ask(self, person, photos, check=(), promise=None, names=None, **options):
        """POST a request; photos are bytes, their file names ``names``."""
        names = iter(names or [f"{number}.jpg" for number in range(len(photos) + len(check))])
        files = [(kind, (next(names), data)) for kind, own in (("photos", photos), ("check", check)) for data in own]
        fields = {"person": person} | ({"promise": promise} if promise else {})
        return self.session.post(f"{self.url}/v1/requests", data=fields, files=files, timeout=60, **options)

    def closed(self, request, seconds=60):
        """The state of a request once it is closed."""
        return self.until(request, ("closed",), seconds)

    def until(self, request, states, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            state = self.get(f"/v1/requests/{request}").json()
            if state["state"] in states:
                return state
            time.sleep(0.05)
        raise AssertionError(f"still {state}")


@contextmanager
def serving(settings):
    """A client of a service with these settings, in a thread of this process."""
    service = Service(settings)
    config = uvicorn.Config(make_app(service), port=0, access_log=False, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    client = Client(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")
    client.service = service
    try:
        yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def settings_in(model_file):
    """``settings_in(folder, **changed)``: an operator's folders with a model."""

    def make(folder, **changed):
        model = folder / "models" / "team.safetensors"
        model.parent.mkdir(parents=True)
        shutil.copy(model_file, model)
        settings = ServeSettings(model, folder / "books" / "ledger.db", folder / "served", TOKEN, device="cpu")
        return replace(settings, **changed)

    return make


@pytest.fixture(scope="session")
def photos(people):
    """Bytes of each person's photos."""
    return {name: [path.read_bytes() for path in paths] for name, paths in people.items()}


@pytest.fixture(scope="module")
def idle(settings_in, tmp_path_factory):
    """A service that takes requests and carries none out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("faceforget.serve.worker.Worker.carry_out", lambda worker, record: worker._stop_asked.wait())
        with serving(settings_in(tmp_path_factory.mktemp("idle"))) as client:
            yield client
