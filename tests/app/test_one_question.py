"""A question that only this file knows is asked, judged and shown everywhere; a nasty name is text everywhere."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import unescape
from typing import ClassVar

import pytest
from pypdf import PdfReader

from app.check import look_at
from app.erasing import Request, run
from app.jobs import Job
from app.papers import papers
from app.session import Session
from faceforget.audit.estimates import Rate, Sides
from faceforget.audit.looking import Memory
from faceforget.audit.question import Criteria, Question
from faceforget.audit.registry import questions, register_question, unregister_question
from faceforget.audit.shown.rows import number, table
from faceforget.audit.shown.section import Chart, Glance, PicturePair, Pictures, Ranges, Row, Section
from faceforget.audit.thresholds import thresholds
from faceforget.audit.verdict import Criterion, Figure
from faceforget.errors import UsageError
from tests.app.test_pages import texts
from tests.waiting import LONG

NASTY = "<script>alert(1)</script> & \"'<b>"
VIEWS = ["Photos", "Spots", "Where it looks", "Enrol again", "Freckled", "Map", "Every question"]


@dataclass(frozen=True)
class Freckles:
    freckles: Sides[Rate]


class HasFreckles(Question[Freckles]):
    name = "freckles"
    place = 45
    asks = "Does the person have freckles?"
    criteria: ClassVar[Criteria] = {
        "others_kept": {
            "freckled": Criterion(
                words="photos with freckles", reference="zero", compare="difference", at="most", passed=0.5, partial=0.6
            )
        }
    }

    def ask(self, material):
        photos = sum(map(len, material.faces.forgotten.values()))
        return Freckles(Sides(Rate(photos, photos), Rate(0, photos)))

    def numbers(self, answer) -> Mapping[str, object]:
        return {"freckles": answer and answer.freckles}

    def figures(self, material):
        sides = material.answer(self).freckles
        return {"freckled": Figure(sides.after, sides.before)}

    def headline(self, report, answer):
        return ("Their freckles are gone.",)

    def first_numbers(self, report, answer):
        return (number("Freckles", answer.freckles.before, answer.freckles.after),)

    def glance(self, report, answer):
        photo = report.photos[0]
        pair = PicturePair(photo.crop, photo.crop, photo.person)
        pictures = (Pictures("Where the freckles were", [pair]),)
        return Glance("Spots", "Look closely.", pictures, "Freckles", ("few", photo.crop, "many"))

    def section(self, report, answer):
        row = Row("Freckled photos", answer.freckles.before, answer.freckles.after)
        chart = Chart(Ranges([row]), "Share of freckled photos.")
        rows = (table(report, "All freckles", [row]),)
        return Section(self.asks, "They had some.", (chart,), method="By eye.", basis="All photos.", tables=rows)


class Unfolded(HasFreckles):
    """The same with a view of its own in the app."""

    name = "unfolded"
    place = 46
    asks = "And how many?"
    criteria: ClassVar[Criteria] = {}
    view = "Freckled"

    def numbers(self, answer):
        return {}

    def figures(self, material):
        return {}

    def glance(self, report, answer):
        return None


@pytest.fixture(scope="module")
def asked():
    for question in (HasFreckles(), Unfolded()):
        register_question(question)
    yield
    for name in ("freckles", "unfolded"):
        unregister_question(name)
    assert "freckles" not in {question.name for question in questions()}


@pytest.fixture(scope="module")
def done(asked, model, names):
    """Somebody with a nasty name is erased."""
    labels = (NASTY, *names[1:3])
    named = dict(zip(names[:3], labels, strict=True))
    groups = {
        group: {named[name]: own for name, own in getattr(model, group).items()}
        for group in ("photos", "unseen", "enrolled")
    }
    renamed = replace(model, recognizer=replace(model.recognizer, labels=labels), **groups)
    seen = look_at(renamed.recognizer, renamed.photos[NASTY])
    erased = run(renamed, Request(NASTY, seen, "forgotten"), memory=Memory())
    return renamed, erased, papers(erased)


@pytest.fixture
def session(done):
    model, erased, written = done
    job = Job(lambda progress: written)
    assert job.wait(LONG)
    return Session(model=model, person=erased.person, erased=erased, papers=job)


def test_it_is_judged(done):
    verdict = done[1].report.verdict
    assert list(thresholds()["others_kept"])[-1] == "freckled"
    (found,) = (finding for finding in verdict.findings["others_kept"] if finding.name == "freckled")
    assert found.value == 0


def test_it_is_in_the_json(done):
    audit = json.loads(done[2].numbers)["audit"]
    assert audit["freckles"] == {"before": 1.0, "after": 0.0, "reference": None}
    assert audit["details"]["freckles"]["after"]["photos"] == len(done[1].report.photos)
    assert "freckles" in audit["seconds"]


@pytest.mark.parametrize("form", ["page", "pdf"])
def test_it_is_on_the_page_and_in_print_in_its_place(done, form):
    printed = "".join(page.extract_text() for page in PdfReader(io.BytesIO(done[2].pdf)).pages)
    text = " ".join((done[2].page.decode() if form == "page" else printed).split())
    order = ["Their freckles are gone.", "photos with freckles", "What do the features still know?"]
    order += ["Does the person have freckles?", "They had some.", "By eye.", "All freckles", "And how many?"]
    order += ["Can it be told that these photos were enrolled?"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)


@pytest.mark.parametrize("view", VIEWS)
def test_it_is_on_the_proof_and_a_nasty_name_is_text_there(open_page, session, view):
    app = open_page("proof", session)
    choice = app.get("button_group")[0]
    assert [option.content for option in choice.proto.options] == VIEWS
    choice.set_value(view).run()
    assert not app.exception
    found = texts(app)
    assert "Their freckles are gone." in found
    assert ("They had some." in found) == (view in ("Freckled", "Every question"))
    assert ("Where the freckles were" in found) == (view == "Spots")
    assert "<script" not in found
    assert NASTY in unescape(found)


def test_a_nasty_name_is_text_in_the_report_and_beside_the_downloads(open_page, session, done):
    for page in (done[2].page.decode(), texts(open_page("receipt", session))):
        assert "<script" not in page
        assert NASTY in unescape(page)


def test_there_is_one_question_of_a_name(asked):
    with pytest.raises(UsageError, match="There is a question 'freckles' already"):
        register_question(HasFreckles())
