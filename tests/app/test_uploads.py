import zipfile

import pytest

from app import uploads
from app.uploads import ArchiveError, people_in_zip
from faceforget.errors import PeopleFolderError
from tests.app.conftest import zipped


def test_people_are_the_folders_right_above_the_photos():
    found = people_in_zip(zipped({"team/Ada/2.jpg": b"b", "team/Ada/1.jpg": b"a", "team/Bob/x.png": b"c"}))
    assert {name: [(p.name, p.data) for p in photos] for name, photos in found.items()} == {
        "Ada": [("1.jpg", b"a"), ("2.jpg", b"b")],
        "Bob": [("x.png", b"c")],
    }


def test_hidden_files_and_other_files_are_left_out():
    found = people_in_zip(
        zipped({"Ada/1.jpg": b"a", "Ada/.2.jpg": b"", "__MACOSX/Ada/1.jpg": b"", "Ada/notes.txt": b""})
    )
    assert [photo.name for photo in found["Ada"]] == ["1.jpg"]


@pytest.mark.parametrize(
    "path", ["../Ada/1.jpg", "Ada/../../1.jpg", "/etc/Ada/1.jpg", "C:/Ada/1.jpg", "..\\Ada\\1.jpg", "Ada/more.zip"]
)
def test_paths_that_lead_out_and_archives_within_are_refused(path):
    with pytest.raises(ArchiveError):
        people_in_zip(zipped({path: b"x"}))


def test_links_are_refused():
    link = zipfile.ZipInfo("Ada/1.jpg")
    link.external_attr = 0o120777 << 16
    with pytest.raises(ArchiveError, match="link"):
        people_in_zip(zipped({link: b"/etc/passwd"}))


def test_a_bomb_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Ada/1.jpg", bytes(2**20))
    with pytest.raises(ArchiveError, match="far more than its size"):
        people_in_zip((tmp_path / "bomb.zip").read_bytes())


def test_what_is_really_read_is_counted(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_TOTAL", 100)
    with pytest.raises(ArchiveError, match="holds more than"):
        people_in_zip(zipped({f"Ada/{number}.jpg": bytes(60) for number in range(2)}))


def test_too_many_entries_are_refused(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_MEMBERS", 1)
    with pytest.raises(ArchiveError, match="entries"):
        people_in_zip(zipped({"Ada/1.jpg": b"", "Ada/2.jpg": b""}))


@pytest.mark.parametrize("data", [b"", b"no zip", zipped({"Ada/1.jpg": b"x" * 500})[:300]])
def test_what_is_no_zip_is_refused(data):
    with pytest.raises(ArchiveError):
        people_in_zip(data)


@pytest.mark.parametrize("members", [{}, {"1.jpg": b"x"}])
def test_a_zip_without_folders_says_what_to_do(members):
    with pytest.raises(ArchiveError, match="folder for each person"):
        people_in_zip(zipped(members))


@pytest.mark.parametrize("folders", [("Ada", "ada"), ("unknown", "Bob"), ("x" * 200, "Bob"), ("A\u202eda", "Bob")])
def test_names_that_cannot_be_told_apart_or_shown_are_refused(folders):
    with pytest.raises(PeopleFolderError):
        people_in_zip(zipped({f"{folder}/1.jpg": b"x" for folder in folders}))
