"""Lists of requests: a folder per person, a CSV, a JSON file."""

import json

import pytest

from faceforget.errors import UsageError
from faceforget.requests.request_lines import Asked
from faceforget.requests.request_list import hashed, read_requests


@pytest.fixture
def folder(tmp_path):
    """Photos of Ada (two, and one for the check) and of Eve (one)."""
    for name in ("Ada/1.jpg", "Ada/2.jpg", "Ada/check/3.jpg", "Eve/4.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "photos"


@pytest.fixture
def expected(folder):
    ada = Asked("Ada", (folder / "Ada/1.jpg", folder / "Ada/2.jpg"), (folder / "Ada/check/3.jpg",))
    return (ada, Asked("Eve", (folder / "Eve/4.jpg",)))


def test_a_folder_per_person(folder, expected):
    assert read_requests(folder) == expected


@pytest.mark.parametrize(
    "text",
    [
        "person,photos,check\nAda,photos/Ada,photos/Ada/check\nEve,photos/Eve/4.jpg,\n",
        "person,photos,check\nAda,photos/Ada/1.jpg,photos/Ada/check\nAda,photos/Ada/2.jpg,\nEve,photos/Eve\n",
        "\ufeffcheck,person,photos\r\nphotos/Ada/check/3.jpg, Ada ,photos/Ada\r\n,Eve,photos/Eve\r\n",
    ],
    ids=["folders", "a row per photo", "as a spreadsheet writes it"],
)
def test_a_csv(folder, expected, text):
    path = folder.parent / "list.csv"
    path.write_text(text, encoding="utf-8")
    assert read_requests(path) == expected


def test_json(folder, expected):
    path = folder.parent / "list.json"
    lines = [
        {"person": "Ada", "photos": ["photos/Ada/1.jpg", "photos/Ada/2.jpg"], "check": "photos/Ada/check"},
        {"person": "Eve", "photos": str(folder / "Eve")},
    ]
    for content in ({"requests": lines}, lines):
        path.write_text(json.dumps(content))
        assert read_requests(path) == expected


def test_each_request_may_name_its_model(folder):
    path = folder.parent / "list.csv"
    path.write_text("person,photos,model\nAda,photos/Ada,a.st\nAda,photos/Eve,sub/../a.st\nAda,photos/Ada,b.st\n")
    asked = read_requests(path)
    assert [(line.model.name, len(line.photos)) for line in asked] == [("a.st", 3), ("b.st", 2)]
    path.write_text("person,photos,model\nAda,photos/Ada,a.st\nada,photos/Ada,b.st\nADA,photos/Ada,a.st\n")
    with pytest.raises(UsageError, match="same person twice"):
        read_requests(path)


def test_a_photo_that_is_not_there_is_that_persons_problem(folder):
    path = folder.parent / "list.csv"
    path.write_text("person,photos\nAda,photos/absent.jpg\nEve,photos/Eve\n")
    absent, _ = read_requests(path)
    assert [photo.sha256 for photo in hashed(absent.photos)] == [""]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("absent.csv", None, "no list"),
        ("list.txt", "Ada", "folder, a .csv or a .json"),
        ("list.csv", "", "asks for nobody"),
        ("list.csv", "person,photos\n", "asks for nobody"),
        ("list.csv", "name,photos\nAda,photos\n", "person"),
        ("list.csv", "person,photos\n,photos\n", "person"),
        ("list.csv", "person,photos\nAda,a,b\n", "row 2 has more cells"),
        ("list.csv", 'person,photos\n"Ada,a\n', "cannot be read"),
        ("list.csv", "person,photos\nAda_L,a\nada l,b\n", "same person twice"),
        ("list.json", "{", "cannot be read"),
        ("list.json", '{"requests": [{"person": "Ada"}]}', "photos"),
        ("list.json", '{"requests": [{"person": "Ada", "photos": "a", "backup": "b"}]}', "backup"),
        ("list.json", "[" * 100_000, "cannot be read"),
    ],
)
def test_lists_that_cannot_be_read(tmp_path, name, text, words):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=words):
        read_requests(tmp_path / name)


def test_text_of_no_encoding(tmp_path):
    (tmp_path / "list.csv").write_bytes(b"person,photos\n\xff\xfe,a\n")
    with pytest.raises(UsageError, match="cannot be read"):
        read_requests(tmp_path / "list.csv")
