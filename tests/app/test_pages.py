"""Every page and its states, in Streamlit's own test harness."""

import io
import re
import shutil
import sqlite3
import threading
import zipfile
from contextlib import contextmanager

import pytest

from app.batches.data import Line
from app.books import LEDGER_VARIABLE
from app.curves import curves, points_of
from app.erasing import LiveErasure
from app.jobs import Job
from app.people import model_file
from app.session import KEY, BatchState, Session
from faceforget.api import Asked
from faceforget.errors import NotForgottenError
from faceforget.progress import Event
from tests.app.conftest import zipped
from tests.waiting import LONG


def texts(app):
    """All HTML and headings of a page."""
    return " ".join(
        [*(t.value for t in app.title), *(h.proto.body for h in app.get("html") if "<style>" not in h.proto.body)]
    )


def button(app, label):
    return next(b for b in app.button if b.label.replace("\\", "") == label)


def labels(app):
    return [b.label.replace("\\", "") for b in app.button]


def wait(app, job):
    """The page after the end of a job; None is one whose result the page has taken over already."""
    assert job is None or job.wait(LONG)
    return app.run()


@contextmanager
def busy():
    """Somebody else's work has the turn: what is begun meanwhile waits."""
    begun, over = threading.Event(), threading.Event()
    other = Job(lambda progress: begun.set() or over.wait(LONG))
    try:
        assert begun.wait(LONG)
        yield
    finally:
        over.set()
    assert other.wait(LONG)


def test_start_offers_three_ways(open_page):
    app = open_page("start")
    assert not app.exception
    assert "Try it with the embedded people" in labels(app)
    assert {u.label for u in app.file_uploader} >= {"Model file", "Zip of folders"}


def test_a_model_file_is_opened(open_page, model):
    app = open_page("start")
    app.file_uploader[0].set_value(("team.safetensors", model_file(model.recognizer), "application/octet-stream")).run()
    assert "3 people are in the model" in [s.value for s in app.subheader]


def test_a_file_that_is_no_model_is_a_designed_error(open_page):
    app = open_page("start")
    app.file_uploader[0].set_value(("<b>x.safetensors", b"garbage", "application/octet-stream")).run()
    assert not app.exception
    assert "&lt;b&gt;x.safetensors" in texts(app)
    assert "no complete safetensors file. It looks like text." in texts(app)
    assert "Give a model that FaceForget made" in texts(app)
    assert "/tmp" not in texts(app)


def test_a_model_is_built_from_a_zip(open_page, photos_of, names):
    members = {f"team/{n}/{p.name}": p.data for n in names[:2] for p in photos_of[n][:3]}
    app = open_page("start")
    app.file_uploader[1].set_value(("team.zip", zipped(members), "application/zip")).run()
    button(app, "Build the model").click().run()
    app = wait(app, app.session_state[KEY].opening)
    assert "2 people are in the model" in [s.value for s in app.subheader]
    assert "No photos were kept back" in texts(app)


def test_a_hostile_zip_is_a_designed_error(open_page):
    app = open_page("start")
    app.file_uploader[1].set_value(("x.zip", zipped({"../../etc/passwd.jpg": b""}), "application/zip")).run()
    button(app, "Build the model").click().run()
    assert not app.exception
    assert "leads out of it" in texts(app)


def test_people_without_photos_enough_are_a_designed_error(open_page, photos_of, names):
    app = open_page("start")
    members = {f"{names[0]}/1.jpg": photos_of[names[0]][0].data}
    app.file_uploader[1].set_value(("x.zip", zipped(members), "application/zip")).run()
    button(app, "Build the model").click().run()
    app = wait(app, app.session_state[KEY].opening)
    assert "Expected at least 2 people" in texts(app)
    button(app, "Back").click().run()
    assert "Try it with the embedded people" in labels(app)


@pytest.mark.parametrize("name", ["recognise", "forget", "batch"])
def test_without_a_model_a_page_says_what_to_do(open_page, name):
    app = open_page(name)
    assert "No model is open." in texts(app)
    assert labels(app) == ["Go to Start"]


def test_proof_before_an_erasure_says_what_to_do(open_page, model):
    app = open_page("proof", Session(model=model))
    assert "Nobody has been erased yet." in texts(app)


def test_receipt_before_an_erasure_still_deletes(open_page, model):
    app = open_page("receipt", Session(model=model, person="Ada"))
    assert "Nobody has been erased yet." in texts(app)
    app.checkbox[0].check().run()
    button(app, "Delete everything I uploaded").click().run()
    assert not app.exception
    assert app.session_state[KEY].model is None
    assert "is gone from this session" in texts(app)


def test_recognise_names_a_face_and_explains_what_cannot_be_used(open_page, model, photos_of, names, hostile):
    app = open_page("recognise", Session(model=model))
    photo = photos_of[names[0]][0]
    files = [("<script>alert(1)</script>.jpg", photo.data), *((f"{kind}.jpg", data) for kind, data in hostile.items())]
    app.file_uploader[0].set_value([(name, data, "image/jpeg") for name, data in files]).run()
    assert not app.exception
    found = texts(app)
    assert names[0].replace("_", " ") in found
    assert "&lt;script&gt;alert(1)&lt;/script&gt;.jpg" in found
    assert "<script>" not in found
    for words in ("not an image", "60 megapixels", "No face was found", "is damaged"):
        assert words in found
    assert [r.label for r in app.radio] == ["3 faces"]
    app.radio[0].set_value(2).run()
    assert "box known chosen" in texts(app) or "box unknown chosen" in texts(app)
    button(app, "Clear these photos").click().run()
    assert "No photo yet." in texts(app)


def test_the_gallery_is_searched(open_page, model, names):
    app = open_page("forget", Session(model=model))
    shown = [name.replace("_", " ") for name in names[:3]]
    assert [label for label in labels(app) if label in shown] == shown
    app.text_input[0].set_value(shown[1][:6].lower()).run()
    assert shown[1] in labels(app)
    app.text_input[0].set_value("nobody at all").run()
    assert "Nobody in the model is called like that." in texts(app)


def test_names_show_as_they_are(open_page, model):
    from dataclasses import replace

    odd = ("*bold* :red[x]", "<img src=x onerror=alert(1)>", "Bob")
    named = replace(model, recognizer=replace(model.recognizer, labels=odd), photos={}, unseen={}, enrolled={})
    app = open_page("forget", Session(model=named))
    assert not app.exception
    assert r"\*bold\* \:red\[x\]" in [b.label for b in app.button]
    assert "<img src=x" not in texts(app)


def test_photos_say_who_it_is(open_page, model, photos_of, names):
    app = open_page("forget", Session(model=model))
    way = app.get("button_group")[0]
    way.set_value("Start from photos of them").run()
    files = [(p.name, p.data, "image/jpeg") for p in photos_of[names[1]][:3]]
    app.file_uploader[0].set_value(files).run()
    label = f"Forget {names[1].replace('_', ' ')}"
    assert "on 3 of 3 photos" in texts(app)
    button(app, label).click().run()
    assert app.session_state[KEY].person == names[1]
    assert texts(app).count("shows them") == 3


def test_the_photo_check_leaves_out_and_lets_in(open_page, model, photos_of, names):
    app = open_page("forget", Session(model=model))
    button(app, names[0].replace("_", " ")).click().run()
    assert texts(app).count("shows them") == 4
    other = photos_of[names[1]][0]
    app.file_uploader[0].set_value([(other.name, other.data, "image/jpeg"), ("x.jpg", b"text", "image/jpeg")]).run()
    assert f"Looks like {names[1].replace('_', ' ')}" in texts(app)
    assert "not an image" in texts(app)
    assert [box.value for box in app.checkbox] == [True, True, True, True, False]
    app.checkbox[4].check().run()
    assert "will be used, as you asked" in texts(app)


def test_what_the_stronger_promise_costs_is_said_when_it_is_chosen(open_page, model, names):
    app = open_page("forget", Session(model=model))
    button(app, names[0].replace("_", " ")).click().run()
    assert [radio.value for radio in app.radio] == ["forgotten", ""]
    assert "keeps something of the person" not in texts(app)
    app.radio[0].set_value("unrecognisable").run()
    assert "For this the model keeps something of the person." in texts(app)
    assert "a layer that tells this person from others" in texts(app)
    assert app.session_state[KEY].promise == "unrecognisable"
    assert app.radio[1].options[:2] == ["Chosen for you", "DELETE"]
    app.radio[0].set_value("forgotten").run()
    assert "keeps something of the person" not in texts(app)


def test_a_method_is_chosen_by_name_and_keeps_no_promise_that_is_not_its_own(open_page, model, names):
    app = open_page("forget", Session(model=model))
    button(app, names[0].replace("_", " ")).click().run()
    app.radio[1].set_value("delete").run()
    assert app.session_state[KEY].method == "delete"
    assert "DELETE turns a person away from their row" in texts(app)
    assert "is not made to keep this promise" not in texts(app)
    app.radio[0].set_value("unrecognisable").run()
    assert app.session_state[KEY].method == "delete"
    assert "DELETE is not made to keep this promise." in texts(app)
    button(app, f"Erase {names[0].replace('_', ' ')} …").click().run()
    assert "the method is <b>DELETE</b>. DELETE is not made to keep this promise." in texts(app)
    app.radio[1].set_value("").run()
    assert app.session_state[KEY].method is None
    assert "is not made to keep this promise" not in texts(app)


def erase(app, names):
    button(app, names[0].replace("_", " ")).click().run()
    button(app, f"Erase {names[0].replace('_', ' ')} …").click().run()
    button(app, "Erase now").click().run()
    return app


def test_an_erasure_ends_on_the_proof(open_page, model, names):
    app = erase(open_page("forget", Session(model=model)), names)
    assert not app.exception
    app = wait(app, app.session_state[KEY].erasing)
    assert [t.value for t in app.title] == ["What is left of them?"]
    assert names[0] in model.recognizer.labels


def test_a_cancelled_erasure_leaves_the_model(open_page, model, names):
    with busy():
        app = erase(open_page("forget", Session(model=model)), names)
        job = app.session_state[KEY].erasing
        button(app, "Cancel").click().run()
        assert "The model is as it was." in texts(app)
        assert job.wait(LONG)
    assert (job.state, app.session_state[KEY].erased) == ("cancelled", None)


def test_a_failed_erasure_says_so(open_page, model):
    def work(progress):
        raise NotForgottenError("NOT ERASED.", "Try --set max_steps=120.", code="not-forgotten", advice="")

    job = Job(work)
    assert job.wait(LONG)
    app = open_page("forget", Session(model=model, erasing=job, live=LiveErasure("boundary_shrink")))
    assert "Boundary shrink did not make the model forget them, so nothing was erased." in texts(app)
    assert "Choose another method, or give more photos of them." in texts(app)
    assert "--set" not in texts(app)
    button(app, "Back to the photos").click().run()
    assert app.session_state[KEY].erasing is None


def test_a_method_that_would_destroy_the_model_is_refused_and_another_can_be_chosen(open_page, model, names):
    app = erase(open_page("forget", Session(model=model, method="random_label")), names)
    app = wait(app, app.session_state[KEY].erasing)
    assert "Random label would have destroyed the model, so nothing was erased." in texts(app)
    assert "Choose another method." in texts(app)
    assert "allow_damage" not in texts(app)
    assert 'class="curves"' in texts(app)  # how far it came
    button(app, "Back to the photos").click().run()
    assert app.radio[1].value == "random_label"


def test_the_curves_stay_while_what_was_erased_is_checked(open_page, model, names):
    checking, over = threading.Event(), threading.Event()

    def work(progress):
        for step, term in ((1, 5.0), (2, 0.25)):
            values = {"forgetting": term, "retention": 1 / term, "probability_left": term / 10}
            progress(Event("erasing", step, 600, values))
        progress(Event("asking", 1, 12))
        checking.set()
        over.wait(LONG)

    job = Job(work)
    try:
        assert checking.wait(LONG)
        app = open_page("forget", Session(model=model, person=names[0], erasing=job, live=LiveErasure("delete")))
        found = texts(app)
        assert "DELETE is done, in 2 steps. Now it is checked." in found
        assert '5<span class="arrow">→</span>0.25' in found
        assert '0.2<span class="arrow">→</span>4' in found
        assert '50\u00a0%<span class="arrow">→</span>2.5\u00a0%' in found
    finally:
        over.set()


def test_delete_shows_its_course_on_the_proof(open_page, model, names):
    app = erase(open_page("forget", Session(model=model, method="delete")), names)
    app = wait(app, app.session_state[KEY].erasing)
    app = open_page("proof", app.session_state[KEY])
    steps = app.session_state[KEY].erased.outcome.erasure.steps
    assert f"Erased with DELETE in {len(steps)} steps (" in texts(app)
    app.get("button_group")[0].set_value("How it went").run()
    assert not app.exception
    assert curves(points_of(steps), len(steps)) in texts(app)
    assert steps[-1].forgetting < steps[0].forgetting


def test_the_heatmaps_of_both_kinds_of_people_stand_side_by_side(open_page, proven, names):
    app = open_page("proof", proven)
    app.get("button_group")[0].set_value("Where it looks").run()
    pairs = re.findall(r'<figure class="heat card">.*?</figure>', texts(app))
    assert all(pair.count("<img") == 2 and ">before<" in pair and ">after<" in pair for pair in pairs)
    people = {re.search("Heatmap of (.*?), before", pair)[1] for pair in pairs}
    assert people == {name.replace("_", " ") for name in names[:3]}
    assert len(pairs) == len(proven.erased.report.answers["heatmaps"].faces)


def test_a_method_without_steps_has_no_course_to_show(open_page, proven):
    app = open_page("proof", proven)
    assert "Erased with Anchored without training (" in texts(app)
    assert "How it went" not in [option.content for option in app.get("button_group")[0].proto.options]


@pytest.mark.parametrize("view", ["Photos", "Where it looks", "Enrol again", "Map", "Every question"])
def test_proof_shows_verdicts_and_every_view(open_page, proven, view):
    app = open_page("proof", proven)
    app.get("button_group")[0].set_value(view).run()
    assert not app.exception
    found = texts(app)
    assert "What this does not prove" in found
    assert found.count('class="card verdict') == 3
    assert "did not foresee" not in found


def test_receipt_offers_the_model_and_the_report(open_page, proven):
    app = open_page("receipt", proven)
    assert not app.exception
    assert [b.proto.label for b in app.get("download_button")] == ["Download the model", "HTML", "PDF", "JSON"]
    assert proven.erased.outcome.record["id"] in texts(app)


def test_an_unforeseen_error_shows_no_trace(open_page, model, monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("app.pieces.face", broken)
    app = open_page("forget", Session(model=model))
    assert not app.exception
    assert "did not foresee" in texts(app)
    assert "secret" not in texts(app)


def test_two_sessions_do_not_mix(open_page, model, proven):
    one, other = open_page("forget", Session(model=model)), open_page("start")
    assert other.session_state[KEY].model is None
    assert one.session_state[KEY] is not other.session_state[KEY]
    assert "Try it with the embedded people" in labels(other)


def test_the_map_is_shown_with_its_sentence(open_page, proven):
    app = open_page("proof", proven)
    app.get("button_group")[0].set_value("Map").run()
    assert 'class="plot"' in texts(app)


@pytest.fixture
def batch_page(open_page, model, folder):
    """``batch_page(**batch)``: the page Batch in a session with a folder for the test alone."""
    return lambda **batch: open_page("batch", Session(model=model, folder=folder, batch=BatchState(**batch)))


def upload(app, *files):
    app.file_uploader[0].set_value([(name, data, "application/octet-stream") for name, data in files]).run()
    return button(app, "Check the requests").click().run()


@pytest.fixture
def checked(batch_page, names, photos_of):
    """A list of one person as it should be, and one with photos of somebody else, after the dry run."""
    members = {f"{names[0]}/{p.name}": p.data for p in photos_of[names[0]][:4]}
    members |= {f"{names[1]}/{p.name}": p.data for p in photos_of[names[2]][:4]}
    members |= {f"{names[1]}/<i>.jpg": b"no photo"}
    app = upload(batch_page(), ("x.zip", zipped(members)))
    return wait(app, app.session_state[KEY].batch.checking)


def test_batch_takes_a_list_and_says_how_it_looks(batch_page):
    app = batch_page()
    assert not app.exception
    assert button(app, "Check the requests").disabled
    assert [b.proto.label for b in app.get("download_button")] == ["Example of a list"]
    assert "Nothing is erased before you confirm" in texts(app)


def test_a_list_that_is_none_says_what_was_expected(batch_page):
    app = upload(batch_page(), ("r.csv", b"<b>name</b>,file\nAda,1.jpg\n"))
    assert not app.exception
    assert "the first row is &lt;b&gt;name&lt;/b&gt;, file" in texts(app)
    assert "Expected are person, photos" in texts(app)
    app = upload(batch_page(), ("x.zip", zipped({"../../etc/Ada/1.jpg": b""})))
    assert "leads out of it" in texts(app)


def test_the_dry_run_shows_each_person_and_the_problems(checked, names):
    found = texts(checked)
    assert not checked.exception
    assert "1 of 2 people can be erased." in found
    assert "4 of 4 photos can be used: 3 to erase from, 1 to check on." in found
    assert "4 of 5 photos can be used" in found
    assert "seem to show somebody else" in found
    assert "&lt;i&gt;.jpg" in found
    assert "--allow" not in found
    assert "/tmp" not in found
    checked.checkbox[0].check().run()
    job = checked.session_state[KEY].batch.checking
    assert "2 people can be erased." in texts(wait(checked, job))


def test_a_request_with_a_problem_gets_other_photos(checked, names, photos_of):
    files = [(p.name, p.data, "image/jpeg") for p in photos_of[names[1]][:4]]
    checked.file_uploader[0].set_value(files).run()
    button(checked, "Use these instead").click().run()
    app = wait(checked, checked.session_state[KEY].batch.checking)
    assert "2 people can be erased." in texts(app)
    assert "Erase 2 people …" in labels(app)


def test_whoever_is_left_out_is_not_asked_for(checked, names):
    button(checked, f"Leave {names[1].replace('_', ' ')} out").click().run()
    app = wait(checked, checked.session_state[KEY].batch.checking)
    assert "1 person can be erased." in texts(app)


def test_a_batch_ends_with_outcomes_and_the_new_model(checked, names, model):
    button(checked, "Erase 1 person …").click().run()
    assert "takes the place of the open one" in texts(checked)
    with busy():
        button(checked, "Erase now").click().run()
        assert not checked.exception
        assert "<th>Now</th>" in texts(checked)
    app = wait(checked, checked.session_state[KEY].batch.running)
    assert "1 of 2 people erased." in texts(app)
    assert names[0] not in app.session_state[KEY].model.recognizer.labels
    assert names[0] in model.recognizer.labels
    shown = [b.proto.label for b in app.get("download_button")]
    assert shown == ["Download the new model", "Download the receipts"]
    history = app.switch_page("views/history.py").run()
    assert "NOT ERASED" in texts(history)
    assert names[0].replace("_", " ") not in texts(history)
    button(history, "Verify").click().run()
    assert "The ledger is intact: 9 entries." in texts(history)


def test_outcomes_can_be_tried_again(batch_page, finished, names):
    done, _, _ = finished
    app = batch_page(done=done)
    assert "1 of 3 people erased." in texts(app)
    assert "The model does not know the person." in texts(app)
    button(app, "Try 2 people again").click().run()
    assert not app.exception
    assert [a.person for a in app.session_state[KEY].batch.asked] == [names[1], "Zoe Nobody"]
    wait(app, app.session_state[KEY].batch.checking)


def test_a_batch_that_is_cancelled_before_it_began_leaves_the_model(batch_page, names, photos_of, model):
    asked = (Asked(names[0], tuple(photos_of[names[0]][:4])),)
    with busy():
        app = batch_page(asked=asked, running=Job(lambda progress: None))
        button(app, "Cancel").click().run()
        app = wait(app, app.session_state[KEY].batch.running)
    assert "Cancelled. The model is as it was." in texts(app)
    button(app, "Back to the requests").click().run()
    assert app.session_state[KEY].model is model


def test_a_batch_never_takes_everybody(batch_page, names, photos_of):
    lines = tuple(Line(Asked(name, tuple(photos_of[name][:4])), 4, 3, None) for name in names[:3])
    app = batch_page(asked=tuple(line.asked for line in lines), lines=lines)
    assert "Nobody would be left in the model." in texts(app)
    assert button(app, "Erase 3 people …").disabled


def test_history_is_empty_at_first_and_says_what_to_do(open_page):
    app = open_page("history")
    assert not app.exception
    assert "No request yet." in texts(app)
    assert "Go to Batch" in labels(app)


@pytest.fixture
def kept(finished, monkeypatch):
    """The app with a ledger that stays."""
    monkeypatch.setenv(LEDGER_VARIABLE, str(finished[1]))
    return finished


def test_history_shows_requests_without_names_and_makes_an_export(kept, open_page, names):
    app = open_page("history")
    found = texts(app)
    assert not app.exception
    assert "ledger.db" in found
    assert found.count("NOT ERASED") == 2
    for name in (names[0], "Zoe"):
        assert name.replace("_", " ") not in found
    app.text_input[0].set_value(kept[0].outcomes[0].request[:9]).run()
    assert "Its entries" in texts(app)
    app.text_input[0].set_value("nothing").run()
    assert "No request begins like that." in texts(app)
    button(app, "Make a signed export").click().run()
    assert [b.proto.label for b in app.get("download_button")] == ["Download the export"]


def test_a_ledger_that_was_changed_is_found_out(kept, open_page, tmp_path, monkeypatch):
    copy = tmp_path / "copy.db"
    shutil.copy(kept[1], copy)
    with sqlite3.connect(copy) as database:
        (trigger,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'no_change'").fetchone()
        database.execute("DROP TRIGGER no_change")
        database.execute("UPDATE entries SET at = '1999-01-01' WHERE seq = 2")
        database.execute(trigger)
    monkeypatch.setenv(LEDGER_VARIABLE, str(copy))
    app = open_page("history")
    button(app, "Verify").click().run()
    assert not app.exception
    assert "The ledger is not intact. Entry 2 is not as it was written." in texts(app)


def test_a_ledger_that_is_none_is_a_designed_error(open_page, tmp_path, monkeypatch):
    (tmp_path / "l.db").write_bytes(b"something else, and more of it" * 99)
    monkeypatch.setenv(LEDGER_VARIABLE, str(tmp_path / "l.db"))
    app = open_page("history")
    assert not app.exception
    assert "is not a ledger" in texts(app)


def test_a_receipt_is_checked(kept, open_page):
    with zipfile.ZipFile(io.BytesIO(kept[0].receipts)) as archive:
        name = f"{kept[0].outcomes[0].request}.json"
        data, key = archive.read(name), archive.read("signed-with.pub")
    app = open_page("history")
    app.file_uploader[0].set_value([(name, data, "application/json"), ("k.pub", key, "text/plain")]).run()
    assert "The receipt is as it was signed: erased." in texts(app)
    assert "the key that you gave. The ledger recorded this very receipt." in texts(app)
    for files, words in (
        ([(name, data.replace(b"ERASED", b"erased"), "application/json")], "This receipt does not hold."),
        ([("x.json", b"{}", "application/json")], "This receipt does not hold."),
        ([(name, data, "application/json"), ("k.pub", b"?", "text/plain")], "not a public key"),
        ([(name, data, "application/json"), ("y.json", data, "application/json")], "One receipt and one key"),
        ([("big.json", b" " * 2**21, "application/json")], "more than 1 MB"),
    ):
        app.file_uploader[0].set_value(files).run()
        assert not app.exception
        assert words in texts(app)
