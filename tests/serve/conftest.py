"""Services on 127.0.0.1, with the model and the people of the requests' tests."""

import shutil
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest
import requests
import uvicorn

from faceforget.serve.app import make_app
from faceforget.serve.service import Service
from faceforget.serve.settings import ServeSettings
from tests.requests.conftest import model_file, names, people
from tests.waiting import LONG, until

__all__ = ["model_file", "names", "people"]

TOKEN = "0123456789abcdef-for-tests"


class Client:
    """Calls a service, bearing the token."""

    def __init__(self, url, token=TOKEN):
        self.url = url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path, **options):
        return self.session.get(f"{self.url}{path}", timeout=LONG, **options)

    def ask(self, person, photos, check=(), promise=None, names=None, method=None, **options):
        """POST a request; photos are bytes, their file names ``names``."""
        names = iter(names or [f"{number}.jpg" for number in range(len(photos) + len(check))])
        files = [(kind, (next(names), data)) for kind, own in (("photos", photos), ("check", check)) for data in own]
        said = {"person": person, "promise": promise, "method": method}
        fields = {field: value for field, value in said.items() if value}
        return self.session.post(f"{self.url}/v1/requests", data=fields, files=files, timeout=LONG, **options)

    def state(self, request):
        """Where a request is."""
        return self.get(f"/v1/requests/{request}").json()

    def closed(self, request):
        """The state of a request once it is closed."""
        return self.when(request, lambda state: state["state"] == "closed")

    def when(self, request, wanted):
        """The first state of a request that is wanted."""
        return until(lambda: next(filter(wanted, [self.state(request)]), None))


@contextmanager
def serving(settings):
    """A client of a service with these settings, in a thread of this process."""
    service = Service(settings)
    config = uvicorn.Config(make_app(service), port=0, access_log=False, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started or not thread.is_alive())
    assert server.started
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


@contextmanager
def serving_nobody(settings):
    """A client of a service that takes requests and carries none out."""
    with serving(settings) as client:
        worker = client.service.worker
        worker.carry_out = lambda record: worker._stop_asked.wait()
        yield client


@pytest.fixture(scope="module")
def idle(settings_in, tmp_path_factory):
    """A service that carries nothing out."""
    with serving_nobody(settings_in(tmp_path_factory.mktemp("idle"))) as client:
        yield client
