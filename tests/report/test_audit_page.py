"""The audit's report says what was found, in a page that fetches nothing and in a PDF."""

import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from made_reports import NOTE, TAUGHT, alone, report, with_answers, without_answer

from faceforget.audit.estimates import Estimate, Sides
from faceforget.audit.measures.relearning import Relearning
from faceforget.audit.questions.relearning import Retaught
from faceforget.audit.verdict import Criterion, Finding
from faceforget.report import audit_front
from faceforget.report.audit_document import audit_document
from faceforget.report.audit_front import cards, headline, limits
from faceforget.report.audit_page import audit_page, drawn, html, sections_html
from faceforget.report.audit_pdf import audit_pdf, pdf

NASTY = "</title><script>alert('$x^2$')</script>_&\"'<b>"


@pytest.fixture(scope="module")
def page():
    return audit_page(report())


class Reader(HTMLParser):
    """Collects tags, ids and addresses; void tags aside, every tag must be closed in order."""

    VOID = ("meta", "img", "br")

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.tags, self.words = [], [], [], set(), []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href", "xlink:href", "action", "data"):
                self.links.append(value)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


def test_it_refers_to_nothing_outside(page):
    reader = read(page)
    assert all(link.startswith(("data:image/jpeg;base64,", "#")) for link in reader.links)
    outside = re.findall(r"url\((?!#)|@import|https?://(?!www\.w3\.org/)[^\s<]*", page)
    assert outside == []
    assert "default-src 'none'" in page
    assert "script" not in reader.tags


def test_no_id_occurs_twice_and_every_reference_is_answered(page):
    reader = read(page)
    assert len(set(reader.ids)) == len(reader.ids)
    used = {link[1:] for link in reader.links if link.startswith("#")} | set(re.findall(r"url\(#([^)]+)\)", page))
    assert used <= set(reader.ids)


def test_the_first_screen_comes_first_and_the_limits_last(page):
    order = ["no longer names Ada Lovelace on 8 unseen photos", "Unrecognisable", "In numbers", "The photos, before"]
    order += ["Is the person still named?", "enrolled again?", "same person?", "features still know?", "were enrolled?"]
    order += ["small change", "cost everybody", "Where does the model look?", "Where are the faces", "How soon"]
    places = [page.index(words) for words in [*order, "What this does not prove"]]
    assert places == sorted(places)


def test_every_section_says_how_on_what_and_beside_what():
    sections = audit_document(report()).sections
    assert len(sections) == 10
    for section in sections:
        assert section.sentence.endswith(".")
        assert section.method
        assert "photo" in section.basis
        assert section.reference
        assert section.charts


def test_a_name_cannot_inject_markup():
    text = audit_page(report(NASTY))
    assert "<script" not in text
    words = " ".join(read(text).words)
    assert "alert('$x^2$')" in words


def test_names_in_any_script_are_kept():
    document = audit_document(report("王小_Ж"))
    assert "王小 Ж" in without_sections(document)
    text = words_of(pdf(replace(document, sections=())))
    assert "[U+738B][U+5C0F] Ж" in text


@pytest.mark.parametrize(
    ("made", "outcomes"),
    [
        (report(count=40), ["passed", "passed", "passed"]),
        (report(), ["too few photos to say", "passed", "passed"]),
        (report(again=0.45, others=0.96), ["too few photos to say", "partial", "partial"]),
        (report(after=1.0, again=1.0, others=0.5), ["failed", "failed", "failed"]),
        (alone(), ["too few photos to say", "not measured", "not measured"]),
    ],
)
def test_each_verdict_shows(made, outcomes):
    assert [card.outcome for card in cards(made)] == outcomes
    page = without_sections(audit_document(made))
    for outcome in outcomes:
        assert f'verdict {outcome.replace(" ", "-")}"' in page


def test_a_card_has_number_threshold_and_reference():
    card = cards(report(again=1.0))[1]
    assert card.number == "100\u00a0%"
    assert card.rule == "passes at 19.6\u00a0% or less (20\u00a0% of the reference)"
    assert card.reference == "reference: strangers in their place, 98\u00a0%"
    assert card.basis == "8 photos, 95 % interval 90 to 100 %: too few to be sure"


def test_a_card_says_why_no_more_can_be_said():
    few, unmeasured = cards(report())[0], cards(alone())[2]
    assert few.reason.startswith("8 photos: the 95 % interval reaches 32 %")
    assert unmeasured.reason == "no unseen photos of people who stay were given"
    text, printed = without_sections(audit_document(alone())), words_of(audit_pdf(alone()))
    assert unmeasured.reason in text
    assert unmeasured.reason in " ".join(printed.split())


def test_the_headline_says_when_the_features_still_know():
    again = "enrolled again from five photos they are recognised in 100\u00a0% of photos."
    known = f"The features still know this person: {again}"
    assert headline(report(again=1.0))[1] == known
    assert headline(replace(report(again=1.0, reference=0.2), only_head=True))[1] == known
    assert "still know" not in " ".join(headline(report()))
    assert headline(report(after=1.0)) == ("The classifier still names Ada Lovelace on 8 of 8 unseen photos.",)


def test_a_retrained_model_is_not_said_to_know_somebody_whom_it_never_saw():
    made = report(again=1.0)
    retrained = replace(made, check=replace(made.check, derived=False), reference="a model enrolled without the person")
    assert "as by the retrained model in 98" in headline(retrained)[1]
    assert "still know" not in " ".join(headline(retrained))


def test_the_old_row_put_back_is_in_the_headline():
    assert headline(report(after=0.5))[1] == "With the old row put back, it names them on 4 of 8 photos."


def test_what_could_not_be_measured_says_why():
    made = alone()
    page, text = audit_page(made), words_of(audit_pdf(made))
    for words in (page, " ".join(text.split())):
        assert NOTE in words
        assert "could not be measured" in words
    assert ">nan<" not in page.lower()
    assert "None" not in " ".join(read(page).words)


def test_the_limits_own_up():
    made = replace(alone(), stand_ins=("strangers",))
    made = replace(made, check=replace(made.check, derived=False, rows_removed=False))
    text = " ".join(limits(made))
    for words in (
        "Too few photos: 1 photo",
        "Rendered people",
        "does not say in its history",
        "still holds the person's",
    ):
        assert words in text
    assert "No photos of people who stay" in text
    assert "Rendered people" not in " ".join(limits(report()))


def test_without_a_deep_audit_there_is_no_relearning():
    sections = audit_document(without_answer(report(), "relearning")).sections
    assert "How soon is the person learnt again?" not in [section.title for section in sections]


def test_relearning_says_what_never_happened_and_what_a_layer_hid():
    never = Relearning(
        Estimate(None, 8, note="not within 200 steps from 3 of 3 starts"),
        (None,) * 3,
        200,
        5,
        120,
        ((0, 0.0), (9, 0.1)),
    )
    made = with_answers(report(), relearning=Retaught(Sides(TAUGHT, never, TAUGHT), Sides(TAUGHT, TAUGHT, TAUGHT)))
    (section,) = (found for found in audit_document(made).sections if "learnt again" in found.title)
    assert (
        "not learnt again within 200 steps; strangers in their place: 9. With the layer taken off: 9."
        in section.sentence
    )
    assert section.missing == ()
    rows = {row[0]: row[1:] for row in section.tables[0].rows}
    assert rows["after"] == ("not within 200", "—")
    assert rows["after, layer taken off"] == ("9", "7 to 12")
    assert "120 photos of strangers, of which 1 may be accepted" in section.basis


def test_without_a_reference_there_is_none_beside_the_numbers():
    made = report()
    again = made.answers["reenrolment"]
    alone = replace(again, reenrolment=Sides(again.reenrolment.before, again.reenrolment.after))
    without = audit_document(replace(with_answers(made, reenrolment=alone), reference="nothing: none"))
    assert "There is no reference: none." in without.lead
    assert without.sections[1].reference.startswith("Nothing: none.")


def test_a_retrained_model_stands_beside_everything():
    made = report()
    looked, features = made.answers["heatmaps"], made.answers["features"]
    made = with_answers(
        replace(made, reference="a model enrolled without the person"),
        accuracy=replace(made.check.accuracy, reference=made.check.accuracy.after),
        heatmaps=replace(looked, energy=replace(looked.energy, reference=looked.energy.after)),
        features=replace(features, cka_reference=features.cka),
    )
    document = replace(audit_document(made), sections=audit_document(made).sections[:4])
    page = html(document, sections_html(document, drawn(document)))
    assert "retrained model" in page
    assert "strangers in their place" not in page


def test_several_people_are_all_named():
    made = report()
    made = replace(made, check=replace(made.check, people=("Ada_Lovelace", "Bo", "Cy")))
    document = audit_document(made)
    assert document.headline[0] == "The classifier no longer names Ada Lovelace, Bo and Cy on 8 unseen photos."


def without_sections(document):
    return html(document, ())


def test_the_same_report_gives_the_same_page(page):
    assert audit_page(report()) == page


def test_the_pdf_has_the_same_text_in_the_same_order():
    text = " ".join(words_of(audit_pdf(report())).split())
    document = audit_document(report())
    order = [document.headline[0], "Every criterion", *(section.title for section in document.sections)]
    places = [text.index(words) for words in [*order, "What this does not prove"]]
    assert places == sorted(places)
    for section in document.sections:
        assert section.sentence.replace("\u00a0", " ")[:40] in text.replace("\u00a0", " ")


def words_of(content):
    """Text of a PDF: what is shown by each font's own code, by the font's map back to Unicode."""
    pypdf = pytest.importorskip("pypdf")
    from io import BytesIO

    assert content.startswith(b"%PDF-")
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(content)).pages)


def test_a_figure_that_is_no_share_and_its_thresholds_are_in_their_own_unit():
    rule = Criterion(
        words="sharpness", reference="zero", compare="difference", at="least", passed=2, partial=1, unit="grey levels"
    )
    finding = Finding("sharp", rule, "passed", "passed", 293.0, 0.0, 12, (233.0, 353.0))
    assert audit_front.value_of(finding) == "293 grey levels"
    assert audit_front.rule_of(finding) == "passes at 2 grey levels or more"
    assert audit_front.compared_with(report(), finding) == "no reference"
    assert "%" not in audit_front.basis_of(finding)
