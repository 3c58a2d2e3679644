import io
import os
import weakref
import zipfile

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from app.batches.data import LiveBatch, Terms
from app.batches.folder import Folder
from app.batches.work import run as run_batch
from app.check import look_at
from app.erasing import Request, run
from app.jobs import Job
from app.papers import papers
from app.people import OpenModel
from app.session import KEY, Session
from benchmarks.data import ROOT
from faceforget.api import Asked, Upload
from faceforget.audit.looking import Memory
from faceforget.people.faces import FaceSet
from faceforget.people.folder import read_people
from faceforget.recognizer.backbone import load_backbone
from faceforget.recognizer.enroll import EnrolmentPlan, enroll_faces
from tests.waiting import LONG

MAIN = str(ROOT / "app" / "main.py")


@pytest.fixture(autouse=True)
def nothing_runs_on(monkeypatch):
    """What a page has begun ends with its test: nobody else's files, turn or seconds are touched."""
    begun, make = [], Job.__init__

    def remember(job, *arguments, **options):
        make(job, *arguments, **options)
        begun.append(weakref.ref(job))  # what a session forgets must not live on here

    monkeypatch.setattr(Job, "__init__", remember)
    yield
    left = [job for job in (reference() for reference in begun) if job is not None]
    for job in left:
        job.cancel()
    assert all(job.wait(LONG) for job in left)


@pytest.fixture(scope="session")
def photos_of(people_dir):
    """Photos of each rendered person, as uploads."""
    return {
        name: [Upload(path.name, path.read_bytes()) for path in paths]
        for name, paths in read_people(people_dir).items()
    }


@pytest.fixture(scope="session")
def model(faces, names, photos_of):
    """Three people in the model, four photos each and two kept back; the fourth is a stranger."""
    known = names[:3]
    first = FaceSet({name: faces.photos[name][:4] for name in known})
    return OpenModel(
        enroll_faces(first, load_backbone("mobile"), EnrolmentPlan("head")),
        "a model for tests",
        photos={name: tuple(photos_of[name][:4]) for name in known},
        unseen={name: faces.crops(name)[4:] for name in known},
        enrolled={name: first.crops(name) for name in known},
        strangers={names[3]: faces.crops(names[3])},
    )


@pytest.fixture(scope="session")
def erased(model, names):
    seen = look_at(model.recognizer, model.photos[names[0]])
    return run(model, Request(names[0], seen, "forgotten"), memory=Memory())


@pytest.fixture(scope="session")
def written(erased):
    return papers(erased)


@pytest.fixture
def proven(model, erased, written):
    """A session after an erasure."""
    job = Job(lambda progress: written)
    assert job.wait(LONG)
    return Session(model=model, person=erased.person, erased=erased, papers=job)


@pytest.fixture
def open_page():
    """``open_page("forget", session)``: the page in a session of its own."""

    def open_(name, session=None):
        app = AppTest.from_file(MAIN, default_timeout=LONG)
        app.session_state[KEY] = session or Session()
        app.run()
        return app if name == "start" else app.switch_page(f"views/{name}.py").run()

    return open_


@pytest.fixture
def folder(tmp_path):
    """A session's folder."""
    made = Folder(tmp_path / "session")
    yield made
    made.close()


@pytest.fixture(scope="session")
def finished(model, names, photos_of, tmp_path_factory):
    """A batch that is through: one person erased, one not, one unknown; with its ledger and the requests."""
    folder = Folder(tmp_path_factory.mktemp("session"))
    asked = (
        Asked(names[0].replace("_", " "), tuple(photos_of[names[0]][:4])),
        Asked(names[1], tuple(photos_of[names[2]][:4])),
        Asked("Zoe Nobody", tuple(photos_of[names[3]][:2])),
    )
    ledger = tmp_path_factory.mktemp("books") / "ledger.db"
    yield run_batch(model, asked, Terms(), folder, ledger, {}, live=LiveBatch()), ledger, folder
    folder.close()


@pytest.fixture(scope="session")
def hostile(photo, people_dir, names):
    """Files that are no good photo of one person, by kind."""
    tiles = [np.asarray(Image.open(sorted((people_dir / name).iterdir())[0])) for name in names[:3]]
    return {
        "text": b"this is not a photo",
        "truncated": photo.read_bytes()[:2000],
        "60 megapixels": encoded(Image.new("RGB", (10_000, 6_000), "grey")),
        "no face": encoded(Image.fromarray(np.full((200, 200, 3), 127, np.uint8))),
        "three faces": encoded(Image.fromarray(np.concatenate(tiles, axis=1))),
    }


def encoded(image):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


os.environ.setdefault("STREAMLIT_BROWSER_GATHER_USAGE_STATS", "false")
