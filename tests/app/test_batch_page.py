"""A batch in the app, from uploads to receipts, and what it leaves."""

import gc
import io
import os
import weakref
import zipfile
from dataclasses import replace

import pytest
import torch

from app.batches.data import Line, LiveBatch, Terms
from app.batches.ending import close_orphans
from app.batches.work import check, run
from app.books import LEDGER_VARIABLE, check_receipt, clear_up, new_folder, read_records, signed_export, verify
from app.jobs import CancelledError
from app.opening import carry_out_batch, look_at_batch, settle
from app.session import KEY, BatchState, Session
from faceforget.api import Asked, Upload
from faceforget.errors import FaceForgetError, WrongPersonError
from faceforget.progress import silent
from faceforget.requests.canonical import TamperedError
from faceforget.requests.export import read_export
from faceforget.requests.receipt import read_receipt
from tests.waiting import LONG

CANARY = b"canary-41d7 in the photo's own bytes"


def requests(names, photos_of):
    """Two people as they should be, one unlike what the list says, one whom the model does not know."""
    return (
        Asked(names[0].replace("_", " "), tuple(photos_of[names[0]][:4])),
        Asked(names[1], tuple(photos_of[names[2]][:4]), missing=("gone.jpg",)),
        Asked("Zoe Nobody", (Upload("<b>.jpg", b"no photo"),)),
    )


def test_a_dry_run_says_what_is_wrong_with_whom_and_leaves_nothing(model, names, photos_of, folder):
    lines = check(model, requests(names, photos_of), Terms(), folder, {}, silent)
    assert [(line.given, line.usable, line.read, line.error is None) for line in lines] == [
        (4, 4, 3, True),
        (5, 4, 0, False),
        (1, 0, 0, False),
    ]
    assert isinstance(lines[1].error, WrongPersonError)
    assert f"“{photos_of[names[2]][0].name}”" in lines[1].error.message
    assert str(folder.path) not in " ".join(str(line.error) for line in lines)
    assert lines[1].refused == (("gone.jpg", "It is not among the files."),)
    assert lines[2].refused[0][0] == "<b>.jpg"
    assert [path.name for path in folder.path.iterdir()] == ["in-use"]


def test_a_batch_erases_and_says_why_not(finished, model, names, folder):
    done, ledger, _ = finished
    assert [(o.erased, bool(o.reason)) for o in done.outcomes] == [(True, False), (False, True), (False, True)]
    assert "Zoe" in done.outcomes[2].error.message
    assert names[0] not in done.model.recognizer.labels
    assert names[0] in model.recognizer.labels
    for of in (done.model.photos, done.model.unseen, done.model.enrolled, done.model.kept_back):
        assert names[0] not in of
    assert [a.person for a in done.failed] == [names[1], "Zoe Nobody"]
    with zipfile.ZipFile(io.BytesIO(done.receipts)) as archive:
        ids = {o.request for o in done.outcomes}
        assert {name.partition(".")[0] for name in archive.namelist()} == ids | {"signed-with"}
        assert not [n for n in archive.namelist() if b"Zoe" in archive.read(n) or names[0].encode() in archive.read(n)]
    assert not list(ledger.with_name(f"{ledger.name}.open").iterdir())


def test_the_books_tell_it_without_names(finished):
    done, ledger, _ = finished
    records = read_records(ledger)
    assert [r.request for r in records] == [o.request for o in reversed(done.outcomes)]
    assert [r.outcome for r in records] == ["NOT ERASED", "NOT ERASED", "ERASED"]
    assert records[2].verdicts["forgotten"] == "too few photos to say"
    assert verify(ledger) == sum(len(r.entries) for r in records)
    assert len(read_export(signed_export(ledger)).entries) == verify(ledger)
    assert read_records(None) == ()


def test_a_receipt_is_known_again(finished, tmp_path):
    done, ledger, _ = finished
    with zipfile.ZipFile(io.BytesIO(done.receipts)) as archive:
        data, key = archive.read(f"{done.outcomes[0].request}.json"), archive.read("signed-with.pub")
    found = check_receipt(data, ledger)
    assert (found.signer, found.recorded) == ("ours", True)
    assert check_receipt(data, ledger, key).signer == "given"
    elsewhere = check_receipt(data, None)
    assert (elsewhere.signer, elsewhere.recorded) == ("any", False)
    with pytest.raises(TamperedError):
        check_receipt(data.replace(b"ERASED", b"NOT ERASED", 1), ledger, key)
    with pytest.raises(FaceForgetError, match="not a public key"):
        check_receipt(data, ledger, b"-----")


def test_a_list_says_how_and_receipts_say_it_too(model, names, photos_of, folder):
    asked = tuple(
        Asked(name, tuple(photos_of[name][:4]), method=method)
        for name, method in zip(names[:2], ("delete", ""), strict=True)
    )
    done = run(model, asked, Terms(), folder, folder.path / "ledger.db", {}, live=LiveBatch())
    assert done.erased == tuple(names[:2])
    with zipfile.ZipFile(io.BytesIO(done.receipts)) as archive:
        receipts = [read_receipt(archive.read(f"{o.request}.json")).content for o in done.outcomes]
    assert [receipt["erasure"]["method"] for receipt in receipts] == ["delete", "anchored"]


def test_the_page_shows_methods_and_explains_a_wrong_one(open_page, model, names, photos_of, folder):
    lines = tuple(
        Line(Asked(name, tuple(photos_of[name][:4]), method=method), 4, 3, None)
        for name, method in zip(names[:2], ("delete", "scrub"), strict=True)
    )
    batch = BatchState(asked=tuple(line.asked for line in lines), lines=lines)
    app = open_page("batch", Session(model=model, folder=folder, batch=batch))
    found = shown(app)
    assert not app.exception
    assert "Method: <code>delete</code>" in found
    assert "1 of 2 people can be erased." in found
    assert "&#x27;scrub&#x27;, which reads retained photos. Name one of these in the column method" in found
    assert "--method" not in found
    assert named(app, "Erase 1 person …").disabled
    app.radio[0].set_value("unrecognisable").run()
    assert "0 of 2 people can be erased." in shown(app)
    app.radio[0].set_value("forgotten").run()
    named(app, "Use the method of the promise").click().run()
    job = app.session_state[KEY].batch.checking
    assert job is None or job.wait(LONG)
    app.run()
    assert "2 people can be erased." in shown(app)
    assert not named(app, "Erase 2 people …").disabled


def shown(app):
    return " ".join(html.proto.body for html in app.get("html"))


def named(app, label):
    return next(button for button in app.button if button.label == label)


def cancel_at(stage):
    """Progress that cancels at a stage."""

    def hear(event):
        if event.stage == stage:
            raise CancelledError

    return hear


def test_whoever_was_not_erased_when_it_is_cancelled_is_closed_as_not_erased(model, names, photos_of, folder):
    ledger = folder.path / "ledger.db"
    asked = requests(names, photos_of)[:1]
    done = run(model, asked, Terms(), folder, ledger, {}, cancel_at("auditing"), live=LiveBatch())
    assert (done.cancelled, done.model, done.outcomes[0].erased) == (True, None, False)
    assert done.outcomes[0].reason == "The operator cancelled the batch before this request was through."
    assert [(r.outcome, r.reason) for r in read_records(ledger)] == [("NOT ERASED", done.outcomes[0].reason)]
    with zipfile.ZipFile(io.BytesIO(done.receipts)) as archive:
        receipt = read_receipt(archive.read(f"{done.outcomes[0].request}.json"))
    assert receipt.content["reason"] == done.outcomes[0].reason
    verify(ledger)
    again = run(model, asked, Terms(), folder, ledger, {}, cancel_at("finding faces"), live=LiveBatch())
    assert not again.outcomes[0].erased  # and nothing was in the way of asking for the same person again


def test_what_passed_before_stays_erased_one_after_the_other(model, names, photos_of, folder):
    asked = tuple(Asked(name, tuple(photos_of[name][:4])) for name in names[:2])
    seen = []

    def second(event):
        if event.stage == "auditing" and event.done == 0:
            seen.append(event)
            if len(seen) == 2:
                raise CancelledError

    live = LiveBatch()
    terms = Terms(joint=False)
    done = run(model, asked, terms, folder, folder.path / "ledger.db", {}, second, live=live)
    assert [o.erased for o in done.outcomes] == [True, False]
    assert done.cancelled
    assert set(done.model.recognizer.labels) == set(names[1:3])
    assert live.states[0] == "closed"


def test_an_error_in_between_leaves_nothing_open(model, names, photos_of, folder, monkeypatch):
    def broken(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr("app.batches.work.run_batch", lambda *a, **k: _begun(a, k, broken))
    ledger = folder.path / "ledger.db"
    with pytest.raises(OSError, match="disk full"):
        run(model, requests(names, photos_of)[:1], Terms(), folder, ledger, {}, live=LiveBatch())
    (record,) = read_records(ledger)
    assert (record.outcome, "Its kind: OSError." in record.reason) == ("NOT ERASED", True)
    assert not [path for path in folder.path.iterdir() if path.is_dir() and path.name.startswith("tmp")]


def _begun(args, options, broken):
    from faceforget.requests.batch import run_batch

    def step(name):
        if name == "planned":
            broken()

    return run_batch(*args, **options, step=step)


def test_what_a_killed_server_left_open_is_closed_at_the_next_start(model, names, photos_of, tmp_path, monkeypatch):
    monkeypatch.setenv(LEDGER_VARIABLE, str(tmp_path / "l.db"))
    process = os.fork()
    if not process:
        try:
            torch.set_num_threads(1)  # others of OpenMP do not survive a fork
            asked = requests(names, photos_of)[:1]
            die = lambda event: os._exit(9) if event.stage == "auditing" else None  # noqa: E731
            run(model, asked, Terms(), new_folder(), tmp_path / "l.db", {}, die, live=LiveBatch())
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 9
    assert list((tmp_path / "l.db.open").iterdir())
    assert [r.state for r in read_records(tmp_path / "l.db")] == ["erased"]
    assert clear_up() == 1
    assert [(r.outcome, "ended" in r.reason) for r in read_records(tmp_path / "l.db")] == [("NOT ERASED", True)]
    assert not list((tmp_path / "l.db.open").iterdir())
    assert not list((tmp_path / "l.db.app").iterdir())
    assert close_orphans(tmp_path, tmp_path / "l.db") is None


def test_nothing_of_a_batch_is_left_once_everything_is_forgotten(model, names, photos_of, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    photos = [Upload(f"canary-{i}.jpg", p.data + CANARY) for i, p in enumerate(photos_of[names[0]][:4])]
    session = Session(model=replace(model))
    look_at_batch(session, [Asked(names[0], tuple(photos))])
    assert session.batch.checking.wait(LONG)
    settle(session)
    assert session.batch.lines[0].error is None
    carry_out_batch(session)
    assert session.batch.running.wait(LONG)
    settle(session)
    assert names[0] not in session.model.recognizer.labels
    assert session.batch.done.erased == (names[0],)
    on_disk = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert on_disk  # ledger and key
    assert not [path for path in on_disk if CANARY in path.read_bytes() or names[0].encode() in path.read_bytes()]
    seen = next(iter(session.batch.photos.values()))
    kept = [weakref.ref(thing) for thing in (session.batch.done, seen, session.folder)]
    del photos, seen
    session.forget_everything()
    gc.collect()
    assert [reference() for reference in kept] == [None, None, None]
    assert not any(type(thing) is Upload and CANARY in thing.data for thing in gc.get_objects())
    assert list(tmp_path.iterdir()) == []


def test_a_batch_that_is_under_way_when_the_session_ends_leaves_nothing(model, names, photos_of, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    session = Session(model=model)
    session.batch.asked = requests(names, photos_of)[:1]
    carry_out_batch(session)
    job = session.batch.job
    session.forget_everything()
    assert job.wait(LONG)
    assert list(tmp_path.iterdir()) == []
