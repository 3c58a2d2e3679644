"""Requests that name their method: what may be named, passes by method, and what is said of it."""

import json
from dataclasses import replace

import pytest

from faceforget.compute.engine import Local
from faceforget.errors import MethodError, NotForgottenError, UsageError
from faceforget.files import sha256_file
from faceforget.recognizer.storage import load_recognizer
from faceforget.requests.batch import look_at_batch
from faceforget.requests.batches import check_batches, run_batches
from faceforget.requests.canonical import canonical
from faceforget.requests.ledger import Ledger
from faceforget.requests.methods import check_method, methods_for
from faceforget.requests.plan import Configuration, plan_path, read_plan
from faceforget.requests.receipt import read_receipt
from faceforget.requests.receipt_page import receipt_page
from faceforget.requests.request_list import read_requests
from faceforget.requests.steps import carry_out
from faceforget.unlearn.base import DivergedError
from faceforget.unlearn.registry import METHODS
from tests.requests.conftest import Firm


@pytest.fixture(scope="session")
def listing(people):
    """``listing(work, {person: method})`` lets a batch read a list of these people, each with a method."""

    def write(work, methods, photos=()):
        lines = [
            {"person": name, "photos": [str(path) for path in (*people[name], *dict(photos).get(name, ()))]}
            | ({"method": method} if method else {})
            for name, method in methods.items()
        ]
        work.requests = work.folder / "list.json"
        work.requests.write_text(json.dumps(lines))
        return work

    return write


@pytest.fixture(scope="module")
def mixed(make_work, listing, names, tmp_path_factory):
    """Three requests that are through: the second by the method of the promise, the others by DELETE."""
    work = make_work(tmp_path_factory.mktemp("mixed"), {})
    listing(work, {names[0]: "delete", names[1]: "", names[2]: "delete"})
    work.result = work.run()
    return work


def erasing(monkeypatch, fail=lambda people, method: None):
    """Note each pass with its method; ``fail`` may give an error to raise."""
    erase, passes = carry_out.erase, []

    def noted(before, photos, **options):
        passes.append((tuple(photos), options["method"]))
        error = fail(*passes[-1])
        if error is not None:
            raise error
        return erase(before, photos, **options)

    monkeypatch.setattr(carry_out, "erase", noted)
    return passes


def erased_by(model):
    return [(entry["method"], entry["people"]) for entry in model.history if entry["event"] == "erased"]


def test_methods_that_read_the_photos_of_the_person_alone_may_be_named():
    forgotten = methods_for("forgotten")
    assert forgotten[0] == "anchored"
    assert {"delete", "pour", "influence"} < set(forgotten)
    assert {METHODS[name].reads for name in forgotten} == {("forget photos",)}
    assert len(set(forgotten)) == len(forgotten)
    assert methods_for("unrecognisable") == ("dispersed",)


@pytest.mark.parametrize(
    ("method", "promise"),
    [("", "forgotten"), ("delete", "forgotten"), ("", "unrecognisable"), ("dispersed", "unrecognisable")],
)
def test_what_may_be_named(method, promise):
    check_method(method, promise)


REFUSED = [
    ("delet", "forgotten", "one of anchored, delete.*got 'delet', which is no method .did you mean 'delete'"),
    ("Delete", "forgotten", "did you mean 'delete'"),
    ("magic", "forgotten", "got 'magic', which is no method[.]"),
    ("scrub", "forgotten", "got 'scrub', which reads retained photos"),
    ("retrain", "forgotten", "which reads retained photos and training recipe"),
    ("dispersed", "forgotten", "which reads anchors"),
    ("drop_row", "forgotten", "which reads nothing"),
    ("delete", "unrecognisable", "promise unrecognisable, dispersed; got 'delete', which does not keep that promise"),
    ("anchored", "unrecognisable", "which does not keep that promise"),
]


@pytest.mark.parametrize(("method", "promise", "words"), REFUSED, ids=[f"{m}-{p}" for m, p, _ in REFUSED])
def test_what_may_not_is_refused_with_what_may(method, promise, words):
    with pytest.raises(MethodError, match=words) as caught:
        check_method(method, promise, "Ada")
    assert "for Ada" in caught.value.message
    assert caught.value.code == "method-not-allowed"


@pytest.mark.parametrize(
    ("text", "methods"),
    [
        ("person,photos,method\nAda,a,delete\nEve,e,\n", ["delete", ""]),
        ("method,person,photos\r\n delete ,Ada,a\r\n,Ada,b\r\n,Eve,e\r\n", ["delete", ""]),
        ("person,photos\nAda,a\nEve,e\n", ["", ""]),
        ('[{"person": "Ada", "photos": "a", "method": "delete"}, {"person": "Eve", "photos": "e"}]', ["delete", ""]),
    ],
)
def test_a_list_says_how(tmp_path, text, methods):
    path = tmp_path / ("list.json" if text[0] == "[" else "list.csv")
    path.write_text(text)
    assert [line.method for line in read_requests(path)] == methods


def test_rows_of_one_person_do_not_name_two(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("person,photos,method\nAda,a,delete\nAda,b,pour\n")
    with pytest.raises(UsageError, match="two methods for 'Ada': 'delete' and 'pour'"):
        read_requests(path)
    path.write_text("person,photos,method,model\nAda,a,delete,a.st\nAda,b,pour,b.st\n")
    assert [line.method for line in read_requests(path)] == ["delete", "pour"]


@pytest.mark.parametrize(
    ("method", "promise"), [("scrub", "forgotten"), ("delet", "forgotten"), ("delete", "unrecognisable")]
)
def test_a_list_with_a_wrong_one_starts_nothing(make_work, listing, names, tmp_path, method, promise):
    work = listing(make_work(tmp_path, {}), {names[0]: "", names[1]: method})
    with pytest.raises(MethodError, match=f"for {names[1]}"):
        work.run(promise=promise)
    with pytest.raises(MethodError, match=f"for {names[1]}"):
        look_at_batch(work.requests, work.place, configuration=Configuration(promise=promise))
    listing(work, {names[0]: ""})
    with pytest.raises(MethodError, match="Expected as method, with"):
        work.run(promise=promise, method=method)
    assert not work.out.exists()
    with Ledger(work.ledger) as ledger:
        assert ledger.entries() == ()


def test_nor_does_it_on_any_other_model(firm):
    firm.list.write_text(firm.list.read_text().replace("model\n", "model,method\n", 1)[:-1] + ",scrub\n")
    for attempt in (run_batches, check_batches):
        with pytest.raises(MethodError, match=f"for {firm.names[1]}"):
            attempt(firm.list, firm.setting)
    assert not any(live.parent.exists() for live in firm.live)


def test_requests_of_one_method_share_a_pass_and_the_next_starts_from_its_model(mixed, names):
    assert mixed.result.all_erased
    live = load_recognizer(mixed.place.live)
    assert live.labels == tuple(names[3:])
    assert erased_by(live) == [("delete", 2), ("anchored", 1)]
    receipts = [read_receipt(mixed.receipt(index)).content for index in range(3)]
    assert [content["erased_together"] for content in receipts] == [2, 1, 2]
    assert receipts[0]["model_sha256"] == receipts[2]["model_sha256"]
    assert receipts[1]["model_sha256"]["before"] == receipts[0]["model_sha256"]["after"]
    assert receipts[1]["model_sha256"]["after"] == sha256_file(mixed.place.live)


def test_plan_ledger_and_receipts_name_the_method_and_its_settings(mixed):
    plan = read_plan(mixed.out)
    assert [plan.methods[request] for request in plan.requests] == ["delete", "anchored", "delete"]
    with Ledger(mixed.ledger) as ledger:
        planned, records = (
            [next(entry for entry in ledger.of(request) if entry.state == state).body for request in plan.requests]
            for state in ("planned", "erased")
        )
    assert [body["settings"]["method"] for body in planned] == ["delete", "anchored", "delete"]
    assert [body["record"]["method"] for body in records] == ["delete", "anchored", "delete"]
    assert planned[0]["configuration"] == planned[2]["configuration"] != planned[1]["configuration"]
    assert records[0]["record"]["settings"]["moves"] == "embedding"
    for index, method in enumerate(("delete", "anchored", "delete")):
        receipt = read_receipt(mixed.receipt(index))
        assert receipt.content["configuration"]["method"] == receipt.content["erasure"]["method"] == method
        page = receipt_page(receipt.content, receipt.public_key)
        assert f"<dd>{method} (" in page
        assert ("moves embedding" in page) == (method == "delete")


def test_it_comes_to_the_same_model_again(mixed, make_work, listing, names, tmp_path):
    again = listing(make_work(tmp_path, {}), {names[0]: "delete", names[1]: "anchored", names[2]: "delete"})
    assert again.run().model == mixed.result.model


def test_a_default_is_for_those_who_name_none(make_work, listing, names, tmp_path, monkeypatch):
    passes = erasing(monkeypatch)
    work = listing(make_work(tmp_path, {}), {names[0]: "", names[1]: "anchored"})
    assert work.run(method="delete").all_erased
    assert passes == [((names[0],), "delete"), ((names[1],), "anchored")]
    with pytest.raises(UsageError, match="method was delete, now not given"):
        work.run(resume=True)


def test_one_after_the_other_goes_by_the_list(make_work, listing, names, tmp_path, monkeypatch):
    passes = erasing(monkeypatch)
    work = listing(make_work(tmp_path, {}), {names[0]: "delete", names[1]: "", names[2]: "delete"})
    assert work.run(joint=False).all_erased
    assert passes == [((names[0],), "delete"), ((names[1],), "anchored"), ((names[2],), "delete")]


def test_whose_audit_fails_is_tried_alone_by_their_own_method(make_work, listing, names, tmp_path, monkeypatch):
    judge, passes = carry_out.judge_members, erasing(monkeypatch)

    def judge_members(before, after, members, *rest):
        judged = judge(before, after, members, *rest)
        bad = [m.request for m in members if m.person == names[0] and len(members) > 1]
        return judged | {request: replace(judged[request], passed=False, kept=False) for request in bad}

    monkeypatch.setattr(carry_out, "judge_members", judge_members)
    work = listing(make_work(tmp_path, {}), {names[0]: "delete", names[1]: "", names[2]: "delete"})
    assert work.run().all_erased
    assert passes == [
        ((names[0], names[2]), "delete"), ((names[2],), "delete"), ((names[1],), "anchored"), ((names[0],), "delete"),
    ]  # fmt: skip


@pytest.mark.parametrize("error", [NotForgottenError("No."), DivergedError("It grew.")], ids=lambda e: e.kind)
def test_a_method_that_fails_fails_its_requests_alone(make_work, listing, names, tmp_path, monkeypatch, error):
    passes = erasing(monkeypatch, lambda people, method: error if method == "delete" else None)
    work = listing(make_work(tmp_path, {}), {names[0]: "delete", names[1]: "", names[2]: "delete"})
    result = work.run()
    assert [outcome.erased for outcome in result.outcomes] == [False, True, False]
    assert [outcome.kind for outcome in result.outcomes] == [error.kind, "", error.kind]
    assert "The kind of the error" not in result.outcomes[0].reason
    delete = [((names[0], names[2]), "delete"), ((names[0],), "delete"), ((names[2],), "delete")]
    assert passes == [*delete, ((names[1],), "anchored")]


def test_a_photo_given_for_two_people_of_two_methods_fails_both(make_work, listing, people, names, tmp_path):
    shared = {names[2]: [people[names[0]][0]]}
    work = listing(make_work(tmp_path, {}), {names[0]: "delete", names[1]: "", names[2]: ""}, shared)
    result = work.run(allow_mismatch=True)
    assert [outcome.kind for outcome in result.outcomes] == ["shared_photo", "", "shared_photo"]
    checked, _ = look_at_batch(
        work.requests, replace(work.place, out=tmp_path / "new"), configuration=Configuration(allow_mismatch=True)
    )
    assert [line.error and line.error.kind for line in checked] == ["shared_photo", None, "shared_photo"]


def test_a_dry_run_says_the_settings_that_are_used(mixed, names, tmp_path):
    checked, estimate = look_at_batch(mixed.requests, replace(mixed.place, out=tmp_path / "new"))
    assert [line.method for line in checked] == ["delete", "anchored", "delete"]
    assert estimate.seconds > 0
    with Ledger(mixed.ledger) as ledger:
        for line, outcome in zip(checked, mixed.result.outcomes, strict=True):
            record = next(entry.body for entry in ledger.of(outcome.request) if entry.state == "erased")["record"]
            assert json.loads(json.dumps(record["settings"])) == line.settings


def test_a_plan_of_before_methods_is_read(mixed, tmp_path):
    content = json.loads(plan_path(mixed.out).read_text())
    old = {key: value for key, value in content.items() if key != "methods"} | {"version": 1}
    old["configuration"].pop("method")
    plan_path(tmp_path).write_bytes(canonical(old))
    plan = read_plan(tmp_path)
    assert [plan.method_of(request) for request in plan.requests] == ["anchored"] * 3
    assert plan.by_method() == (plan.requests,)


def test_processes_side_by_side_come_to_the_same_models(tmp_path, model_file, people, names, recognizer_with):
    firms = [Firm(tmp_path / kind, model_file, people, names, recognizer_with) for kind in ("one", "two")]
    for firm, jobs in zip(firms, (1, 2), strict=True):
        firm.name_methods("delete", "", "delete")
        assert run_batches(firm.list, firm.setting, engine=Local(jobs)).all_erased
    assert firms[0].hashes() == firms[1].hashes()
    assert erased_by(load_recognizer(firms[1].live[1])) == [("anchored", 1), ("delete", 1)]
