"""Lists of requests as they are uploaded."""

import json

import pytest

from app.batches.asked import EXAMPLE, MOST, method_problem, read_asked, replaced, without_method
from faceforget.api import Asked, Upload
from faceforget.errors import FaceForgetError
from tests.app.conftest import zipped


def asked(*files):
    return {
        a.person: ([p.data for p in a.photos], [p.data for p in a.check], a.missing)
        for a in read_asked([Upload(name, data) for name, data in files])
    }


PHOTOS = zipped({"team/ada/1.jpg": b"1", "team/ada/2.jpg": b"2", "team/bob/1.jpg": b"3", "team/bob/check/9.jpg": b"4"})


def test_a_zip_with_a_folder_for_each_person_is_a_list():
    assert asked(("team.zip", PHOTOS)) == {"ada": ([b"1", b"2"], [], ()), "bob": ([b"3"], [b"4"], ())}


LIST = [{"person": " Ada ", "photos": "ada"}, {"person": "Bob", "photos": ["bob"], "check": "bob/check"}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.csv", "person,photos,check\nAda,ada/1.jpg,\nAda,ada/2.jpg,\nBob,bob,bob/check\n"),
        ("r.csv", "\ufeffPerson;Photos;Check\r\nAda;ada;\r\nBob;team\\bob;team/bob/check\r\n;;\r\n"),
        ("r.json", json.dumps(LIST)),
        ("r.json", json.dumps({"requests": LIST})),
    ],
)  # fmt: skip
def test_a_list_names_photos_in_the_zip(name, text):
    found = asked((name, text.encode()), ("team.zip", PHOTOS))
    assert found == {"Ada": ([b"1", b"2"], [], ()), "Bob": ([b"3"], [b"4"], ())}


def test_the_list_may_be_in_the_zip_and_photos_beside_it():
    inside = zipped({"x/r.csv": b"person,photos\nAda,a.jpg\n", "x/a.jpg": b"1"})
    assert asked(("x.zip", inside)) == {"Ada": ([b"1"], [], ())}
    assert asked(("r.csv", b"person,photos\nAda,a.jpg\n"), ("a.jpg", b"1")) == {"Ada": ([b"1"], [], ())}


def test_paths_are_never_looked_up_on_the_disk(tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    places = [str(tmp_path / "secret.jpg"), str(tmp_path), "../../etc/passwd", "/etc", "a\0b"]
    data = json.dumps([{"person": "Ada", "photos": places}]).encode()
    assert asked(("r.json", data), ("a.jpg", b"1")) == {"Ada": ([], [], tuple(places))}


def test_the_example_is_a_list():
    assert [a.person for a in read_asked([Upload("requests.csv", EXAMPLE.encode())])] == ["Ada Example", "Bob Example"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.csv", "person,photos,method\nAda,ada/1.jpg,delete\nAda,ada/2.jpg,\nBob,bob,\n"),
        ("r.csv", "Person;Method;Photos\r\nAda; delete ;ada\r\nBob;;bob\r\n"),
        (
            "r.json",
            json.dumps([{"person": "Ada", "photos": "ada", "method": "delete"}, {"person": "Bob", "photos": "bob"}]),
        ),
    ],
)
def test_a_list_says_how(name, text):
    found = read_asked([Upload(name, text.encode()), Upload("team.zip", PHOTOS)])
    assert [a.method for a in found] == ["delete", ""]
    again = replaced(found, "Ada", [Upload("new.jpg", b"9")])
    assert [a.method for a in again] == ["delete", ""]
    assert [a.method for a in without_method(again, "Ada")] == ["", ""]


@pytest.mark.parametrize(
    ("method", "promise", "words"),
    [
        ("", "unrecognisable", None),
        ("delete", "forgotten", None),
        ("delete", "unrecognisable", "does not keep that promise"),
        ("delet", "forgotten", "did you mean 'delete'"),
        ("scrub", "forgotten", "reads retained photos"),
    ],
)
def test_a_method_that_may_not_be_named_is_a_problem_of_its_request(method, promise, words):
    problem = method_problem(Asked("Ada", (), method=method), promise)
    assert problem is None if words is None else words in problem.message


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("r.csv", b"name,file\nAda,1.jpg\n")], "the first row is name, file"),
        ([("r.csv", b"person,photos\nAda,1.jpg,2.jpg\n")], "row 2 has more cells"),
        ([("r.csv", b"person,photos\n,1.jpg\n")], "row 2 names no person"),
        ([("r.csv", b"")], "the first row is empty"),
        ([("r.csv", b"person,photos\n")], "asks for nobody"),
        ([("r.csv", b"\xff\xfe\x00")], "not text in UTF-8"),
        ([("r.csv", b"\x00\x01\x02")], "cannot be read"),
        ([("r.json", b"{")], "cannot be read"),
        ([("r.json", b"{}")], "no list of requests"),
        ([("r.json", b"[" * 100_000)], "cannot be read"),
        ([("r.json", b'[{"person": "Ada", "photos": 7}]')], "are no paths"),
        ([("r.json", b'[{"person": 7, "photos": "a"}]')], "names no person"),
        ([("r.json", b'[{"person": "Ada", "photos": "a", "method": 7}]')], "the method of request 1 is no name"),
        ([("r.csv", b"person,photos,method\nAda,1,delete\nAda,2,pour\n")], "two methods for 'Ada'"),
        ([("r.json", b'[{"who": "Ada"}]')], "has other fields"),
        ([("r.csv", b"person,photos\nAda,1\nada,2\n")], "twice"),
        ([("r.csv", b"person,photos\nunknown,1\n")], "cannot be a person"),
        ([("a.csv", b"person,photos\n"), ("b.json", b"[]")], "Expected one list, got 2"),
        ([("a.jpg", b"1")], "nothing of whose it is"),
        ([("a.jpg", b"1"), ("a.jpg", b"2")], "Two different files"),
        ([("x.zip", b"no zip")], "not a zip"),
        ([("x.zip", zipped({"../Ada/1.jpg": b"1"}))], "leads out of it"),
        ([("r.csv", "\n".join(["person,photos", *(f"P{i},x" for i in range(MOST + 1))]).encode())], "people, the app"),
    ],
)
def test_what_is_no_list_says_what_was_expected(files, words):
    with pytest.raises(FaceForgetError, match=words):
        asked(*files)


def test_photos_of_one_person_are_replaced():
    first = read_asked([Upload("team.zip", PHOTOS)])
    again = replaced(first, "bob", [Upload("new.jpg", b"9")])
    assert again[0] == first[0]
    assert ([p.data for p in again[1].photos], again[1].check) == ([b"9"], ())
