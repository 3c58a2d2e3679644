"""Every page and its states, in Streamlit's own test harness."""

import time

import pytest

from app.jobs import Job
from app.people import model_file
from app.session import KEY, Session
from faceforget.errors import NotForgottenError
from tests.app.conftest import zipped


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
    job.wait(60)
    return app.run()


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
    assert "not a complete safetensors file" in texts(app)
    assert "/tmp" not in texts(app)


def test_a_model_is_built_from_a_zip(open_page, photos_of, names):
    members = {f"team/{n}/{p.name}": p.data for n in names[:2] for p in photos_of[n][:3]}
    app = open_page("start")
    app.file_uploader[1].set_value(("team.zip", zipped(members), "application/zip")).run()
    button(app, "Build the model").click().run()
    app = wait(app, app.session_state[KEY].opening or Job(lambda progress: True))
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


@pytest.mark.parametrize("name", ["recognise", "forget"])
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
    assert [radio.value for radio in app.radio] == ["forgotten"]
    assert "keeps something of the person" not in texts(app)
    app.radio[0].set_value("unrecognisable").run()
    assert "For this the model keeps something of the person." in texts(app)
    assert "a layer that tells this person from others" in texts(app)
    assert app.session_state[KEY].promise == "unrecognisable"


def erase(app, names):
    button(app, names[0].replace("_", " ")).click().run()
    button(app, f"Erase {names[0].replace('_', ' ')} …").click().run()
    button(app, "Erase now").click().run()
    return app


def test_an_erasure_ends_on_the_proof(open_page, model, names):
    app = erase(open_page("forget", Session(model=model)), names)
    assert not app.exception
    job = app.session_state[KEY].erasing
    app = wait(app, job)
    assert [t.value for t in app.title] == ["What is left of them?"]
    assert names[0] in model.recognizer.labels


def test_a_cancelled_erasure_leaves_the_model(open_page, model, names):
    slow = Job(lambda progress: time.sleep(3))  # keeps the erasure waiting for its turn
    app = erase(open_page("forget", Session(model=model)), names)
    job = app.session_state[KEY].erasing
    button(app, "Cancel").click().run()
    assert "The model is as it was." in texts(app)
    assert job.wait(60)
    assert (job.state, app.session_state[KEY].erased) == ("cancelled", None)
    assert slow.wait(60)


def test_a_failed_erasure_says_so(open_page, model):
    def work(progress):
        raise NotForgottenError("NOT ERASED.", "Nothing was written. Try --set max_steps=120.")

    job = Job(work)
    job.wait(60)
    app = open_page("forget", Session(model=model, erasing=job))
    assert "NOT ERASED." in texts(app)
    assert "Give more photos of them, or the other promise." in texts(app)
    assert "--set" not in texts(app)
    button(app, "Back to the photos").click().run()
    assert app.session_state[KEY].erasing is None


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
