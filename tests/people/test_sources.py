import builtins
import shutil
from urllib.error import URLError

import pytest
import sklearn.datasets

from faceforget.errors import PeopleFolderError, UsageError
from faceforget.people.dataset import render_people
from faceforget.people.folder import read_people
from faceforget.people.sources import SOURCES, PeopleFolder, check_people, make_people, people_source


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.jpg")}


@pytest.fixture
def original(people_dir, tmp_path):
    """Four people; the first has two photos only, and files lie about that are no photos."""
    folder = shutil.copytree(people_dir, tmp_path / "original")
    first = sorted(folder.iterdir())[0]
    for photo in sorted(first.iterdir())[2:]:
        photo.unlink()
    (folder / "pairs.txt").write_text("x")
    (first / ".DS_Store").write_text("x")
    return folder


def test_a_copy_holds_the_photos_and_nothing_else(original, tmp_path):
    made = make_people(people_source("folder", original), tmp_path / "new" / "copy")
    assert (made.people, made.photos) == (4, 20)
    assert contents(made.path) == contents(original)
    assert sum(path.is_file() for path in made.path.rglob("*")) == 20
    assert [path.name for path in made.path.parent.iterdir()] == ["copy"]


def test_people_with_few_photos_are_left_out(original, names, tmp_path):
    made = make_people(people_source("folder", original, min_photos=3), tmp_path / "copy")
    assert sorted(read_people(made.path)) == names[1:]
    assert check_people(original, 3) == PeopleFolder(original, people=3, photos=18)


def test_progress_counts_photos(original, tmp_path):
    events = []
    make_people(people_source("folder", original), tmp_path / "copy", progress=events.append)
    assert (events[0].done, events[-1].done, events[-1].total) == (0, 20, 20)
    assert events[-1].final


def test_rendered_people_are_the_renderers(tmp_path):
    source = people_source("rendered", people=2, photos=2, size=32, seed=3)
    made = make_people(source, tmp_path / "made")
    render_people(tmp_path / "direct", 2, 2, 32, 3)
    assert (made.people, made.photos) == (2, 4)
    assert contents(made.path) == contents(tmp_path / "direct")


def test_an_empty_folder_is_filled(original, tmp_path):
    (tmp_path / "copy").mkdir()
    assert make_people(people_source("folder", original), tmp_path / "copy").people == 4


@pytest.mark.parametrize("kind", ["file", "full", "broken link"])
def test_what_is_there_stays(original, tmp_path, kind):
    out = tmp_path / "out"
    if kind == "file":
        out.write_text("mine")
    elif kind == "full":
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    else:
        out.symlink_to(tmp_path / "nowhere")
    there = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="Give a"):
        make_people(people_source("folder", original), out)
    assert sorted(tmp_path.rglob("*")) == there


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError("the disk is full")])
def test_an_interrupted_job_leaves_nothing(original, tmp_path, stop):
    def interrupt(event):
        if event.done == 7:
            raise stop

    there = sorted(tmp_path.rglob("*"))
    with pytest.raises(type(stop) if isinstance(stop, OSError) else stop):
        make_people(people_source("folder", original), tmp_path / "copy", progress=interrupt)
    assert sorted(tmp_path.rglob("*")) == there


def test_a_copy_inside_the_original(original):
    there = sorted(original.rglob("*"))
    with pytest.raises(UsageError, match="inside"):
        make_people(people_source("folder", original), original / "copy")
    assert sorted(original.rglob("*")) == there


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (("celebrities",), {}, "Known sources: folder, lfw, rendered"),
        (("rendered",), {"persons": 3}, "people, photos, size, seed"),
        (("folder",), {}, "path, min_photos"),
    ],
)
def test_an_unknown_source_or_setting_lists_the_known_ones(arguments, settings, words):
    with pytest.raises(UsageError, match=words):
        people_source(*arguments, **settings)


@pytest.mark.parametrize("settings", [{"people": 0}, {"size": 8}, {"seed": -1}])
def test_values_that_cannot_be_rendered(tmp_path, settings):
    with pytest.raises(UsageError, match="Cannot render: expected"):
        make_people(people_source("rendered", **{"people": 1, "photos": 1, **settings}), tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def lfw_home(original, tmp_path, monkeypatch):
    """A data home with a fetcher that fills it as scikit-learn's does, and its calls."""
    calls = []

    def fetch(*, data_home, **options):
        calls.append(options)
        shutil.copytree(original, f"{data_home}/lfw_home/lfw_funneled")

    monkeypatch.setattr(sklearn.datasets, "fetch_lfw_people", fetch)
    return tmp_path / "data", calls


def test_lfw_is_fetched_once_and_copied(lfw_home, original, names, tmp_path):
    home, calls = lfw_home
    made = make_people(people_source("lfw", home, min_photos=3), tmp_path / "lfw")
    assert sorted(read_people(made.path)) == names[1:]
    assert made.photos == 18
    again = make_people(people_source("lfw", home), tmp_path / "again")
    assert contents(again.path) == contents(original)
    assert len(calls) == 1


def test_lfw_offline_says_what_to_do(lfw_home, tmp_path, monkeypatch):
    def offline(**options):
        raise URLError("no route to host")

    monkeypatch.setattr(sklearn.datasets, "fetch_lfw_people", offline)
    with pytest.raises(PeopleFolderError, match=r"no route to host.*lfw-funneled\.tgz.*folder"):
        make_people(people_source("lfw", lfw_home[0]), tmp_path / "lfw")
    assert not (tmp_path / "lfw").exists()


def test_lfw_that_was_not_unpacked_to_its_end(lfw_home, tmp_path):
    folder = lfw_home[0] / "lfw_home"
    (folder / "lfw_funneled" / "Somebody").mkdir(parents=True)
    (folder / "lfw-funneled.tgz").write_bytes(b"")
    with pytest.raises(PeopleFolderError, match="not unpacked to its end"):
        make_people(people_source("lfw", lfw_home[0]), tmp_path / "lfw")


def test_lfw_without_scikit_learn(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PeopleFolderError, match=r"pip install scikit-learn"):
        make_people(people_source("lfw"), tmp_path / "lfw")


def test_every_source_is_a_command(cli):
    for name in SOURCES:
        assert cli("people", name, "--help")[0] == 0
