"""The engine ray on a real local cluster: a worker dies in the middle, and nothing is lost."""

import json
import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceforget import api
from faceforget.api.audit_many import Audited, AuditTask, audit_all
from faceforget.compute.cluster import Cluster, engine_of
from faceforget.compute.engine import TRIES, LostWorkerError, Work
from faceforget.errors import UnknownPersonError, UsageError
from faceforget.files import sha256_file
from faceforget.people.folder import read_people
from faceforget.photos import intake
from faceforget.photos.cache import FaceCache
from faceforget.photos.engine_intake import EngineIntake
from faceforget.photos.intake import PhotoIntake
from faceforget.recognizer.backbones.mobile import SPEC as MOBILE
from faceforget.recognizer.storage import load_recognizer, save_recognizer
from faceforget.requests.batches import run_batches
from tests.requests.conftest import Firm

METHODS = ("delete", "", "delete")
SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "people"


@pytest.fixture(scope="module")
def cluster():
    ray = pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_memory_monitor_refresh_ms", "0")  # others' work that fills the machine ends no worker
        patch.setenv("RAY_worker_niceness", "0")  # nor does others' work keep it waiting for its turn
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import this file
        yield Cluster("auto")
        ray.shutdown()


class Killer:
    """Kills the process that calls it, once; ``mark`` tells that it has."""

    def __init__(self, mark):
        self.mark = mark

    def __call__(self):
        try:
            os.close(os.open(self.mark, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


class DeadlyCache(FaceCache):
    """The first worker that looks a certain photo up dies."""

    def __init__(self, folder, kill, at):
        super().__init__(folder)
        self.kill, self.at = kill, at

    def get(self, sha256, framing):
        if sha256 == self.at:
            self.kill()
        return super().get(sha256, framing)


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory, model_file, people, names, recognizer_with):
    """The firm's list, each row by its own method, carried out in this process."""
    firm = Firm(tmp_path_factory.mktemp("firm"), model_file, people, names, recognizer_with)
    firm.name_methods(*METHODS)
    assert run_batches(firm.list, firm.setting).all_erased
    return firm


def test_a_worker_is_killed_and_the_task_goes_on_elsewhere(firm, one_by_one, cluster):
    firm.name_methods(*METHODS)
    kill = Killer(firm.folder / "killed")

    def step(name):
        """The first worker that has written a candidate model kills itself."""
        if name == "candidate":
            kill()

    # The address of a cluster: the ledger changes to the journal that several machines can share.
    result = run_batches(firm.list, firm.setting, engine=cluster, step=step)
    assert kill.mark.exists()
    assert result.all_erased
    assert firm.hashes() == one_by_one.hashes()
    assert firm.states() == one_by_one.states()


@pytest.fixture(scope="module")
def sources(people, tmp_path_factory):
    """Photos, and what is none, by names that are relative to a folder; and what one process finds."""
    folder = tmp_path_factory.mktemp("intake")
    for place, own in enumerate(people.values()):
        shutil.copy(own[0], folder / f"{place}.jpg")
    (folder / "text.jpg").write_text("not a photo")
    names = [path.name for path in sorted(folder.iterdir())]
    photos = [*names, "none.jpg", (folder / "0.jpg").read_bytes(), b"junk", "0.jpg"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(intake, "_CHUNK", 4)
        events = []
        return folder, photos, PhotoIntake(MOBILE.framing).read(photos, progress=events.append), events


@pytest.fixture
def in_chunks(sources, monkeypatch):
    """Four chunks of these photos, and what one process finds in them."""
    monkeypatch.chdir(sources[0])
    monkeypatch.setattr(intake, "_CHUNK", 4)
    return sources[1:]


def same(found, expected):
    assert [photo.source for photo in found] == [photo.source for photo in expected]
    assert [photo.sha256 for photo in found] == [photo.sha256 for photo in expected]
    assert [(type(photo.error), str(photo.error)) for photo in found] == [
        (type(photo.error), str(photo.error)) for photo in expected
    ]
    for one, other in zip(found, expected, strict=True):
        # Another process may search with another number of threads, whose sums round otherwise.
        assert (one.crops is None) == (other.crops is None)
        if one.crops is not None and one.faces:
            assert np.abs(one.crops.astype(int) - other.crops).mean() < 1  # of 255
        for face, twin in zip(one.faces, other.faces, strict=True):
            assert np.abs(face.box - twin.box).max() < 0.5  # pixels


def test_a_cluster_finds_the_same_faces(cluster, in_chunks, tmp_path):
    photos, alone, events = in_chunks
    cache, told = FaceCache(tmp_path), []
    found = EngineIntake(MOBILE.framing, cluster, cache=cache).read(photos, progress=told.append)
    same(found, alone)
    assert told == events
    assert all(photo.crops.flags.writeable for photo in found if photo.error is None)  # not Ray's memory
    same(PhotoIntake(MOBILE.framing, cache=cache).read(photos), alone)  # the workers have filled the cache
    assert cache.count() == len({photo.sha256 for photo in alone if photo.searched != (0, 0)})


def test_a_worker_is_killed_and_its_photos_are_searched_by_another(cluster, in_chunks, tmp_path):
    photos, alone, events = in_chunks
    kill, told = Killer(tmp_path / "killed"), []
    cache = DeadlyCache(tmp_path / "faces", kill, alone[5].sha256)
    found = EngineIntake(MOBILE.framing, cluster, cache=cache).read(photos, progress=told.append)
    assert kill.mark.exists()
    same(found, alone)
    assert told == events


def test_photos_that_must_not_be_remembered_do_not_leave_the_process(in_chunks, monkeypatch):
    monkeypatch.setattr(Cluster, "carry", None)
    same(EngineIntake(MOBILE.framing, Cluster()).read(in_chunks[0][:4], remember=False), in_chunks[1][:4])


def test_work_that_kills_every_worker_is_given_up(cluster, tmp_path):
    def fatal(item):
        if item:
            (tmp_path / str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return "done"

    found = dict(cluster.carry(Work(fatal, name=str, todo="Say why."), [0, 1]))
    assert found[0] == "done"
    assert isinstance(found[1], LostWorkerError)
    assert found[1].todo == "Say why."
    assert len(list(tmp_path.iterdir())) == TRIES


def test_enroll_on_a_cluster_makes_the_same_model(cli, cluster, people, tmp_path):
    for name, photos in list(people.items())[:3]:
        (tmp_path / "people" / name).mkdir(parents=True)
        for photo in photos[:4]:
            shutil.copy(photo, tmp_path / "people" / name)
    options = [("--engine", "ray", "--address", "auto"), ()]
    models = [tmp_path / "ray.safetensors", tmp_path / "alone.safetensors"]
    for model, engine in zip(models, options, strict=True):
        code, _, message = cli("enroll", tmp_path / "people", "--out", model, "--train", "head", "--no-cache", *engine)
        assert code == 0, message
    one, other = map(load_recognizer, models)
    assert (one.labels, one.threshold) == (other.labels, other.threshold)
    assert one.classifier.head.weight.equal(other.classifier.head.weight)


def test_audits_are_the_same_and_a_lost_worker_loses_none(cluster, model_file, people, names, tmp_path):
    """Of two people erased together, one is audited; the other one does not count as one who stays."""
    after, kill, events = tmp_path / "after.safetensors", Killer(tmp_path / "killed"), []
    save_recognizer(load_recognizer(model_file).without(names[:2]), after)
    others = api.Others(
        {name: people[name][:3] for name in names[:5]},
        strangers={name: photos[:3] for name, photos in list(read_people(SHIPPED).items())[8:11]},
    )
    task = AuditTask(model_file, after, {names[1]: people[names[1]][:3]}, tmp_path / "alone", others=others)
    (alone,) = audit_all([task])
    cache = DeadlyCache(tmp_path / "faces", kill, sha256_file(people[names[4]][0]))
    task = replace(task, report=tmp_path / "ray", runtime=api.Runtime(cache=cache, progress=events.append))
    unknown = replace(task, photos={"Nobody": []}, report=tmp_path / "nobody")
    done, nobody = audit_all([task, unknown], engine=cluster)
    assert kill.mark.exists()
    assert [event.done for event in events] == [0, 1, 2, 2]
    assert isinstance(nobody.error, UnknownPersonError)
    assert done.error is None
    assert done.verdict == alone.verdict
    ours, theirs = (json.loads((tmp_path / f"{way}.json").read_text()) for way in ("ray", "alone"))
    assert ours | {"seconds": 0} == theirs | {"seconds": 0}
    assert ours["photos"]["retained"] == 9
    assert names[1].replace("_", " ") in (tmp_path / "ray.html").read_text()


def test_the_command_audits_each_alone(cli, cluster, model_file, people, names, monkeypatch, tmp_path):
    asked = []

    def audited(tasks, *, engine):
        asked.extend(tasks)
        assert engine == Cluster("auto")
        return tuple(Audited(task, None, UsageError("lost")) for task in tasks)

    monkeypatch.setattr("faceforget.api.audit_all", audited)
    monkeypatch.chdir(tmp_path)
    arguments = ["audit", model_file, model_file, "--person", names[0], "--person", names[1], "--photos", SHIPPED]
    code, text, message = cli(*arguments, "--each", "reports", "--engine", "ray", "--address", "auto")
    assert code == 1
    assert message.count("lost") == 2
    assert text.count("not measured") == 6
    assert [list(task.photos) for task in asked] == [names[:1], names[1:2]]
    assert [task.report for task in asked] == [tmp_path / "reports" / name for name in names[:2]]
    assert cli(*arguments, "--each", "reports", "--html", "a.html")[0] == 2


def test_without_ray_the_message_says_how_to_get_it(firm, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'faceforget\[ray\]'"):
        run_batches(firm.list, firm.setting, engine=Cluster())
    with pytest.raises(UsageError, match=r"pip install 'faceforget\[ray\]'"):
        EngineIntake(MOBILE.framing, Cluster()).read([b"junk"])


def test_engines_that_do_not_fit(cli, tmp_path):
    with pytest.raises(UsageError, match="Ray"):
        engine_of("local", "an address")
    for command in (
        ("batch", tmp_path, "--ledger", tmp_path / "l.db", "--out", tmp_path / "o"),
        ("enroll", tmp_path, "--out", tmp_path / "m"),
    ):
        code, _, message = cli(*command, "--engine", "steam")
        assert code == 2
        assert "Engines: local, ray" in message
    assert cli("enroll", tmp_path, "--out", tmp_path / "m", "--engine", "ray", "--processes", 2)[0] == 2
