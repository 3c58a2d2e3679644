"""A photo is opened, decoded and searched once, and a model is loaded once: from upload to receipt, by every way."""

import io
import shutil
import sys
import zipfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from app.session import KEY, Session
from benchmarks.screenshots import ROOT
from faceforget import api
from faceforget.photos import decode
from faceforget.photos.detect import FaceDetector
from faceforget.recognizer import storage
from tests.waiting import LONG

_SINK = SimpleNamespace(counts=None)


def _opened(event, arguments):
    counts = _SINK.counts
    if event == "open" and counts is not None and isinstance(arguments[0], str | Path):
        counts.opened[str(arguments[0])] += 1


sys.addaudithook(_opened)  # it cannot be taken back; without counts it does nothing


@pytest.fixture
def counting(monkeypatch):
    """``with counting() as counts``: opens by path, decoded and searched photos, loads by model file."""
    upright, search, load = decode._upright_rgb, FaceDetector._faces, storage._read

    def decoded(image):
        _SINK.counts.decoded[image.fp.getvalue() if isinstance(image.fp, io.BytesIO) else id(image)] += 1
        return upright(image)

    def searched(self, pixels):
        _SINK.counts.searched[pixels.tobytes()] += 1
        return search(self, pixels)

    def loaded(path):
        _SINK.counts.loaded[Path(path).read_bytes()] += 1
        return load(path)

    @contextmanager
    def count():
        with monkeypatch.context() as patch:
            patch.setattr(decode, "_upright_rgb", decoded)
            patch.setattr(FaceDetector, "_faces", searched)
            patch.setattr(storage, "_read", loaded)
            _SINK.counts = SimpleNamespace(opened=Counter(), decoded=Counter(), searched=Counter(), loaded=Counter())
            try:
                yield _SINK.counts
            finally:
                _SINK.counts = None

    return count


def opens(counts, folder):
    return [count for path, count in counts.opened.items() if path.startswith(str(folder)) and path.endswith(".jpg")]


@pytest.fixture(scope="module")
def folders(people_dir, names, tmp_path_factory):
    """Each person's photos: four to enrol and erase from, two that nothing reads; and a model of the first three."""
    folder = tmp_path_factory.mktemp("once")
    for name in names:
        for place, photo in enumerate(sorted((people_dir / name).iterdir())):
            target = folder / ("read" if place < 4 else "unseen") / name
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(photo, target)
    people = {name: sorted((folder / "read" / name).iterdir()) for name in names[:3]}
    api.save(api.enroll(people, plan=api.EnrolmentPlan("head")).recognizer, folder / "model.safetensors")
    return folder


def test_an_erasure_and_its_audit(folders, names, counting):
    """The photos that the erasure read are the audit's forget photos: they are handed on."""
    with counting() as counts:
        runtime = api.Runtime()
        before = runtime.load(folders / "model.safetensors")
        done = api.erase(before, {names[0]: sorted((folders / "read" / names[0]).iterdir())}, runtime=runtime)
        report = api.audit(
            before,
            done.recognizer,
            {names[0]: sorted((folders / "unseen" / names[0]).iterdir())},
            forget_photos=done.faces.photos,
            others=api.Others(retained=folders / "unseen"),
            runtime=runtime,
        )
    assert report.verdict.findings
    own = opens(counts, folders)
    assert len(own) == 4 + 2 + 2 * 2
    assert set(own) == {1}
    assert set(counts.decoded.values()) == set(counts.searched.values()) == {1}
    assert list(counts.loaded.values()) == [1]


@pytest.mark.parametrize("joint", [True, False])
def test_a_batch_of_two_requests(folders, names, counting, tmp_path, joint):
    """What is opened to plan is searched as it was opened. Each model file is read once."""
    model = shutil.copy(folders / "model.safetensors", tmp_path / "model.safetensors")
    setting = api.Setting(
        tmp_path / "out",
        tmp_path / "ledger.db",
        model,
        retained=folders / "unseen",
        configuration=api.Configuration(joint=joint, retained=True),
    )
    requests = tmp_path / "requests"
    for name in names[:2]:
        shutil.copytree(folders / "read" / name, requests / name)
    with counting() as counts:
        result = api.run_batches(requests, setting)
    assert result.all_erased
    assert set(opens(counts, requests)) == {1}
    assert set(opens(counts, folders)) == {1}
    assert set(counts.decoded.values()) == set(counts.searched.values()) == {1}
    # The one before, and one for each pass.
    assert list(counts.loaded.values()) == [1] * (2 if joint else 3)


@pytest.fixture
def walk():
    """A session of the app, and its pages by name."""
    app = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=LONG)
    app.session_state[KEY] = Session()
    app.run()
    return app


def button(app, label):
    return next(found for found in app.button if found.label == label)


def test_a_walk_in_the_app(walk, people_dir, names, counting):
    """Start, recognise, forget, proof: of people whose photos were uploaded in a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            for photo in sorted((people_dir / name).iterdir()):
                archive.write(photo, f"{name}/{photo.name}")
    other = io.BytesIO()
    Image.open(sorted((people_dir / names[0]).iterdir())[0]).crop((1, 1, 159, 159)).save(other, "PNG")
    with counting() as counts:
        walk.file_uploader[1].set_value(("people.zip", buffer.getvalue(), "application/zip")).run()
        button(walk, "Build the model").click().run()
        here = walk.session_state[KEY]
        assert here.opening.wait(LONG)
        walk.run()
        walk.switch_page("views/recognise.py").run()
        walk.file_uploader[0].set_value([("other.png", other.getvalue(), "image/png")]).run()
        walk.switch_page("views/forget.py").run()
        shown = names[0].replace("_", " ")
        button(walk, shown).click().run()
        button(walk, f"Erase {shown} …").click().run()
        button(walk, "Erase now").click().run()
        assert here.erasing.wait(LONG)
        assert here.erasing.error is None
    photos = {photo.read_bytes() for name in names for photo in (people_dir / name).iterdir()}
    assert {data: counts.decoded[data] for data in photos} == dict.fromkeys(photos, 1)
    assert counts.decoded[other.getvalue()] == 1
    assert set(counts.searched.values()) == {1}
    assert not counts.loaded  # it was made here
