import re
import shutil
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from faceforget.api import EnrolmentPlan, demo, run_demo
from faceforget.api.demo_told import demo_report, headline
from faceforget.api.methods_beside import BESIDE, RETRAINED
from faceforget.audit.estimates import Sides
from faceforget.cli import app
from faceforget.cli import demo as command
from faceforget.cli.console import run
from faceforget.errors import UnknownPersonError
from faceforget.recognizer.enroll import TooFewPhotosError
from faceforget.resources import MissingResourceError


@pytest.fixture(scope="module")
def result(people_dir):
    return demo(people=people_dir, plan=EnrolmentPlan("head"))


class References(HTMLParser):
    """Everything that a page could fetch, and its text."""

    def __init__(self, page):
        super().__init__()
        self.found, self.tags, self.text = [], set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.found += [v for k, v in attributes if k in ("src", "href", "action", "data", "srcset")]

    def handle_data(self, data):
        self.text += data


def test_the_first_person_is_erased_and_the_others_stay(result, names):
    assert result.person == names[0]
    assert result.erasure.recognizer.labels == tuple(names[1:])
    assert result.audit.accuracy.after.forgotten_train.hits == 0
    assert result.audit.rows_removed


def test_what_is_shown_was_read_by_neither_training_nor_erasure(result):
    used = {photo.source for photo in result.erasure.faces.photos[result.person]}
    shown = {photo.source for photo in result.forgotten}
    assert len(used) == len(shown) == 3
    assert not used & shown
    assert result.photos == {"enrolment": 12, "erasure": 3, "unseen": 12}


def test_retained_people_are_shown_once_each(result, names):
    assert sorted(photo.person for photo in result.retained) == names[1:]


@pytest.mark.parametrize("spelling", [str, str.lower, lambda name: name.replace("_", " ")])
def test_a_person_may_be_spelt_as_people_write(names, spelling):
    assert run_demo._find(spelling(names[2]), tuple(names)) == names[2]


def test_nobody_of_that_name(people_dir, backbone_file):
    with pytest.raises(UnknownPersonError, match="It has: "):
        demo("Nobody", people=people_dir, backbone=backbone_file)


def test_an_installation_without_the_people_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr("faceforget.api.shipped.SHIPPED_PEOPLE", tmp_path / "absent")
    with pytest.raises(MissingResourceError, match=r"is not there.*git checkout"):
        demo()


def test_too_few_photos_to_keep_some_back(people_dir, names, backbone_file, tmp_path):
    people = shutil.copytree(people_dir, tmp_path / "people")
    for photo in sorted((people / names[1]).iterdir())[2:]:
        photo.unlink()
    with pytest.raises(TooFewPhotosError, match=names[1]):
        demo(people=people, backbone=backbone_file, plan=EnrolmentPlan("head"))


def test_the_report_needs_nothing_but_itself(result):
    page = demo_report(result)
    references = References(page)
    assert references.found
    assert all(value.startswith("data:image/jpeg;base64,") for value in references.found)
    assert not {"script", "link", "iframe", "object"} & references.tags
    assert not re.search(r"https?:|url\(|@import", page)


def test_the_report_says_what_was_found(result, names):
    text = " ".join(References(demo_report(result)).text.split())
    assert headline(result) in text
    assert "What this does not prove" in text
    assert "faceforget enroll" in text
    assert "all traces" not in text
    for name in names:
        assert name.replace("_", " ") in text


def test_delete_is_shown_with_both_curves(result):
    steps = result.erasure.erasure.steps
    assert result.erasure.record["method"] == "delete"
    assert steps[-1].forgetting < steps[0].forgetting
    text = " ".join(References(demo_report(result)).text.split())
    assert "Forgetting term" in text
    assert "Retention term" in text
    assert f", step {len(steps)}" in demo_report(result)


def test_the_same_person_is_erased_in_other_ways(result):
    rows = {row.method: row for row in result.beside}
    assert list(rows) == ["delete", *BESIDE, RETRAINED]
    assert rows["delete"].row_back.hits == 0
    assert rows["drop_row"].row_back.hits == rows["drop_row"].row_back.photos == 3
    assert rows["delete"].others.photos == rows[RETRAINED].others.photos == 9
    page = demo_report(result)
    assert all(f"<b>{method}</b>" in page for method in rows)
    assert [row["method"] for row in result.to_dict()["beside"]] == list(rows)


def test_only_the_shipped_people_are_said_not_to_exist(result):
    assert "do not exist" not in demo_report(result)
    assert "do not exist" in demo_report(replace(result, rendered=True))


def test_a_person_who_is_still_named_is_said_to_be(result):
    before = result.audit.accuracy.before
    failed = replace(result, audit=replace(result.audit, accuracy=Sides(before, before)))
    assert f"still names {result.person.replace('_', ' ')} on {before.forgotten.hits}" in headline(failed)


def test_names_cannot_write_html(result):
    evil = "<img src=http://x onerror=alert(1)>&\"'"
    item = result.forgotten[0]
    answer = replace(item.before, name=evil, candidates=(replace(item.before.candidates[0], name=evil),))
    shown = replace(item, person=evil, before=answer, after=answer)
    sides = result.audit.accuracy
    report = replace(result.audit, accuracy=replace(sides, after=replace(sides.after, absorbed_by={evil: 1.0})))
    page = demo_report(replace(result, person=evil, forgotten=(shown,), retained=(shown,), audit=report))
    assert "<img src=http" not in page
    assert "&lt;img" in page
    assert all(value.startswith("data:") for value in References(page).found)


def exit_code(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["faceforget", "demo", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        run(app)
    return stop.value.code or 0


def test_exit_codes(result, people_dir, tmp_path, monkeypatch):
    report = tmp_path / "demo.html"
    given = "--people", people_dir, "--out", report
    assert exit_code(monkeypatch, *given, "--person", "Nobody") == 2
    assert exit_code(monkeypatch, *given, "--backbone", tmp_path / "absent.safetensors") == 2
    assert exit_code(monkeypatch, "--people", tmp_path / "absent", "--out", report) == 2
    assert exit_code(monkeypatch, "--people", people_dir, "--out", tmp_path) == 2
    assert not report.exists()
    monkeypatch.setattr("faceforget.api.demo", lambda *arguments, **options: result)
    assert exit_code(monkeypatch, *given) == 0
    assert report.is_file()


@pytest.fixture
def cli(result, monkeypatch):
    """The command with the work done already."""
    monkeypatch.setattr("faceforget.api.demo", lambda *arguments, **options: result)
    return command.demo


def test_the_command_writes_the_report_and_says_where(cli, result, tmp_path, capsys):
    cli(report=tmp_path / "out" / "demo.html", json=tmp_path / "demo.json", backbone="mobile")
    text = capsys.readouterr().out
    assert (tmp_path / "out" / "demo.html").read_text("utf-8") == demo_report(result)
    assert (tmp_path / "out" / "demo.html").as_uri() in text
    assert "The person is named" in text
    assert (tmp_path / "demo.json").is_file()


def test_open_shows_the_report(cli, tmp_path, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(command.webbrowser, "open", lambda address: opened.append(address))
    cli(report=tmp_path / "demo.html", open_report=True)
    assert opened == [(tmp_path / "demo.html").as_uri()]
    assert "No browser" in capsys.readouterr().err


def test_a_name_cannot_inject_markup(result):
    nasty = "<script>alert(1)</script> & \"'<b>"
    forgotten, retained = (
        tuple(replace(photo, person=nasty) for photo in photos) for photos in (result.forgotten, result.retained)
    )
    page = demo_report(replace(result, person=nasty, forgotten=forgotten, retained=retained))
    assert "script" not in References(page).tags
    assert References(page).text.count(nasty) > 10
