import shutil

import pytest
import sklearn.datasets

from faceforget.people.folder import read_people


def one_line(text):
    return text.replace("\n", " ")


@pytest.mark.parametrize("command", [("render",), ("people", "rendered")])
def test_render_writes_people_and_counts_them(cli, tmp_path, command):
    code, text, message = cli(
        *command, "--people", 2, "--photos", 3, "--size", 32, "--seed", 1, "--out", tmp_path / "made"
    )
    assert code == 0
    assert "2 people who do not exist, 6 photos" in one_line(text)
    assert "rendering photos" in message
    assert [len(photos) for photos in read_people(tmp_path / "made").values()] == [3, 3]


def test_rendering_into_a_folder_that_is_not_empty(cli, people_dir, names):
    code, _, message = cli("render", "--people", 1, "--photos", 1, "--size", 32, "--out", people_dir)
    assert code == 2
    assert "not empty" in message
    assert sorted(path.name for path in people_dir.iterdir()) == names


@pytest.mark.parametrize("option", [("--people", 0), ("--photos", 0), ("--size", 31), ("--seed", -1)])
def test_rendering_what_cannot_be(cli, tmp_path, option):
    assert cli("render", "--out", tmp_path / "made", *option)[0] == 2
    assert not list(tmp_path.iterdir())


def test_a_folder_is_checked_or_copied(cli, people_dir, tmp_path):
    assert "4 people, 24 photos" in one_line(cli("people", "folder", people_dir)[1])
    code, text, _ = cli("people", "folder", people_dir, "--out", tmp_path / "copy", "--min-photos", 2)
    assert code == 0
    assert "4 people, 24 photos" in one_line(text)
    assert read_people(tmp_path / "copy").keys() == read_people(people_dir).keys()


def test_a_folder_in_which_nobody_has_enough(cli, people_dir, tmp_path):
    for out in ((), ("--out", tmp_path / "copy")):
        code, _, message = cli("people", "folder", people_dir, "--min-photos", 7, *out)
        assert code == 2
        assert "Nobody" in message
    assert not list(tmp_path.iterdir())


def test_lfw_into_a_folder(cli, people_dir, tmp_path, monkeypatch):
    def fetch(*, data_home, **options):
        shutil.copytree(people_dir, f"{data_home}/lfw_home/lfw_funneled")

    monkeypatch.setattr(sklearn.datasets, "fetch_lfw_people", fetch)
    code, text, message = cli(
        "people", "lfw", "--out", tmp_path / "lfw", "--data-home", tmp_path / "data", "--min-photos", 4
    )
    assert code == 0
    assert "4 people, 24 photos" in one_line(text)
    assert "fetching LFW" in message
