"""A batch: everybody in one pass, a verdict each, and a model that goes live only after its audit."""

from dataclasses import replace

import pytest
from filelock import FileLock

from faceforget.errors import DestroyedModelError, NotForgottenError, UsageError
from faceforget.files import sha256_file
from faceforget.recognizer.storage import load_recognizer
from faceforget.requests.batch import ModelBusyError, check_batch, look_at_batch
from faceforget.requests.ledger import Ledger
from faceforget.requests.receipt import read_receipt
from faceforget.requests.steps import carry_out, trial


def states(work, request):
    with Ledger(work.ledger) as ledger:
        ledger.verify()
        return [entry.state for entry in ledger.of(request)]


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def failing(monkeypatch, persons):
    """Let the audit of these people fail."""
    judge = carry_out.judge_members

    def judge_members(before, after, members, *rest):
        judged = judge(before, after, members, *rest)
        bad = {member.request for member in members if member.person in persons}
        return {r: unkept(found) if r in bad else found for r, found in judged.items()}

    monkeypatch.setattr(carry_out, "judge_members", judge_members)


def unkept(found):
    """An audit that shows the person still named."""
    verdicts = {**found.body["verdicts"], "forgotten": "failed"}
    return replace(found, passed=False, kept=False, body={**found.body, "passed": False, "verdicts": verdicts})


def test_people_are_erased_in_one_pass_and_one_failure_does_not_sink_the_rest(finished, names, model_file):
    assert [outcome.erased for outcome in finished.result.outcomes] == [True, True, False]
    live = load_recognizer(finished.place.live)
    assert live.labels == tuple(names[2:])
    assert [entry["people"] for entry in live.history if entry["event"] == "erased"] == [2]
    assert sha256_file(finished.place.live) == finished.result.model
    assert finished.place.model.read_bytes() == model_file.read_bytes()
    assert "Zoe_Nobody" in finished.result.outcomes[2].error.message
    assert "Zoe" not in finished.result.outcomes[2].reason


def test_the_ledger_tells_the_way_of_each_request(finished):
    one, _, failed = (outcome.request for outcome in finished.result.outcomes)
    assert states(finished, one) == ["planned", "running", "erased", "audited", "purged", "closed"]
    assert states(finished, failed) == ["planned", "failed", "closed"]


def test_each_in_a_pass_of_their_own_if_so_wished(work, names):
    assert work.run(joint=False).all_erased
    live = load_recognizer(work.place.live)
    assert live.labels == tuple(names[2:])
    assert [entry["people"] for entry in live.history if entry["event"] == "erased"] == [1, 1]


def test_others_are_compared_with_the_model_before_the_whole_list(work, names, monkeypatch):
    """Not with what the last step left, or ten steps of two points each would pass; also once that model is gone."""
    judge, compared = carry_out.judge_members, []

    def judge_members(before, after, members, others, promise, runtime, origin):
        compared.append((before.labels, origin.labels))
        (lost,) = judge(before, after, members, others, promise, runtime, None).values()
        assert lost.body["not_proven"][0].startswith("The model before the list was no longer there")
        return judge(before, after, members, others, promise, runtime, origin)

    monkeypatch.setattr(carry_out, "judge_members", judge_members)
    assert work.run(joint=False, delete_model=True).all_erased
    assert compared == [(tuple(names), tuple(names)), (tuple(names[1:]), tuple(names))]
    assert not work.place.model.exists()


def test_an_erasure_that_would_destroy_the_model_fails_only_its_request(work, names, monkeypatch):
    erase = carry_out.erase

    def erase_one(before, photos, **options):
        if names[0] in photos:
            raise DestroyedModelError("NOT ERASED: it would have destroyed the model.")
        return erase(before, photos, **options)

    monkeypatch.setattr(carry_out, "erase", erase_one)
    result = work.run()
    assert [outcome.erased for outcome in result.outcomes] == [False, True]
    assert result.outcomes[0].reason.startswith("The erasure would have destroyed the model")


def test_whose_audit_fails_is_taken_out_and_fails_alone_once_the_others_are_live(work, names, monkeypatch):
    failing(monkeypatch, {names[0]})
    result = work.run()
    assert [outcome.erased for outcome in result.outcomes] == [False, True]
    assert load_recognizer(work.place.live).labels == (names[0], *names[2:])
    failed, erased = (outcome.request for outcome in result.outcomes)
    again = ["running", "running", "erased"]  # to be tried alone, and on the model that the others left
    assert states(work, failed) == ["planned", "running", "erased", *again, "failed", "closed"]
    assert states(work, erased).count("running") == 2


def test_whose_audit_fails_only_among_others_is_erased_alone(work, names, monkeypatch):
    judge = carry_out.judge_members

    def judge_members(before, after, members, *rest):
        judged = judge(before, after, members, *rest)
        first = next(member.request for member in members)
        return judged | ({first: replace(judged[first], passed=False, kept=False)} if len(members) > 1 else {})

    monkeypatch.setattr(carry_out, "judge_members", judge_members)
    result = work.run()
    assert result.all_erased
    assert load_recognizer(work.place.live).labels == tuple(names[2:])
    late, early = (outcome.request for outcome in result.outcomes)
    with Ledger(work.ledger) as ledger:
        closed = [entry.request for entry in ledger.entries() if entry.state == "closed"]
    assert closed == [early, late]


def test_the_pass_that_is_redone_is_a_joint_one_of_all_who_are_left(make_work, people, names, tmp_path, monkeypatch):
    work = make_work(tmp_path, {name: people[name] for name in names[:3]})
    failing(monkeypatch, {names[1]})
    work.result = work.run()
    assert [outcome.erased for outcome in work.result.outcomes] == [True, False, True]
    live = load_recognizer(work.place.live)
    assert live.labels == (names[1], *names[3:])
    assert [entry["people"] for entry in live.history if entry["event"] == "erased"] == [2]
    first, failed, third = (outcome.request for outcome in work.result.outcomes)
    with Ledger(work.ledger) as ledger:
        members = [entry.body["members"] for entry in ledger.of(first) if entry.state == "running"]
    assert members == [[first, failed, third], [first, third]]
    contents = [read_receipt(work.receipt(index)).content for index in range(3)]
    assert [content["erased_together"] for content in contents] == [2, 0, 2]
    after = {content["model_sha256"]["after"] for content in contents}
    assert after == {work.result.model, None}
    assert contents[1]["reason"] == work.result.outcomes[1].reason
    assert "Forgotten: failed. Submit the request again" in contents[1]["reason"]


def test_if_others_pay_too_much_for_all_together_each_gets_a_pass_of_their_own(work, names, monkeypatch):
    judge = carry_out.judge_members

    def judge_members(before, after, members, *rest):
        judged = judge(before, after, members, *rest)
        broken = len(members) > 1 or members[0].person == names[1]
        return {r: others_pay(found) if broken else found for r, found in judged.items()}

    monkeypatch.setattr(carry_out, "judge_members", judge_members)
    work.result = work.run()
    assert [outcome.erased for outcome in work.result.outcomes] == [True, False]
    assert load_recognizer(work.place.live).labels == tuple(names[1:])
    assert "Others kept: failed. Others would no longer be recognised" in work.result.outcomes[1].reason
    erased, failed = (outcome.request for outcome in work.result.outcomes)
    way = ["planned", "running", "erased", "running", "erased"]
    assert states(work, erased) == [*way, "audited", "purged", "closed"]
    assert states(work, failed) == [*way, "failed", "closed"]
    assert read_receipt(work.receipt(0)).content["erased_together"] == 1


def others_pay(found):
    """An audit that shows the promise kept, and others no longer recognised."""
    verdicts = {**found.body["verdicts"], "others_kept": "failed"}
    return replace(found, passed=False, kept=True, body={**found.body, "passed": False, "verdicts": verdicts})


def test_nothing_goes_live_if_nobody_passes(work, names, monkeypatch):
    failing(monkeypatch, set(names))
    result = work.run()
    assert not any(outcome.erased for outcome in result.outcomes)
    assert result.model is None
    assert not work.place.live.exists()
    assert not work.place.work.exists()


def test_if_the_joint_pass_fails_each_gets_a_pass_of_their_own(work, names, monkeypatch):
    erase = carry_out.erase

    def erase_one(before, photos, **options):
        if len(photos) > 1:
            raise NotForgottenError("NOT ERASED: a person is still named.")
        return erase(before, photos, **options)

    monkeypatch.setattr(carry_out, "erase", erase_one)
    result = work.run()
    assert result.all_erased
    assert load_recognizer(work.place.live).labels == tuple(names[2:])
    assert states(work, result.outcomes[0].request).count("running") == 2


def test_photos_of_somebody_else_fail_only_the_one_they_are_given_for(work, people, names):
    work.ask(names[3], people[names[4]])
    result = work.run()
    assert [outcome.erased for outcome in result.outcomes] == [True, True, False]
    assert "somebody else" in result.outcomes[2].reason


def test_a_photo_that_is_given_for_two_people_fails_both(work, people, names):
    work.ask(names[3], [*people[names[3]], people[names[0]][0]])
    result = work.run(allow_mismatch=True)
    shared = "One photo was given for another request of the batch, too."
    assert [outcome.erased for outcome in result.outcomes] == [False, True, False]
    assert [outcome.reason for outcome in result.outcomes] == [shared, "", shared]


def test_a_batch_is_not_begun_twice_in_one_folder(finished):
    with pytest.raises(UsageError, match="resume=True"):
        finished.run()


def test_resuming_a_finished_batch_changes_nothing(finished):
    before = files(finished.folder)
    again = finished.run(resume=True)
    assert [outcome.erased for outcome in again.outcomes] == [True, True, False]
    assert files(finished.folder) == before


def test_a_batch_is_resumed_as_it_was_begun(finished):
    with pytest.raises(UsageError, match="seed was 0, now 1"):
        finished.run(resume=True, seed=1)


def test_an_open_request_is_not_planned_again_elsewhere(work):
    class StopError(Exception):
        pass

    def stop(step):
        if step == "planned":
            raise StopError

    with pytest.raises(StopError):
        work.run(step=stop)
    work.place = replace(work.place, out=work.folder / "elsewhere")
    with pytest.raises(UsageError, match="open already"):
        work.run()


def test_a_model_is_one_batchs_at_a_time(work):
    with FileLock(f"{work.place.model}.lock"), pytest.raises(ModelBusyError, match="Another batch"):
        work.run()
    assert not work.out.exists()


def test_a_dry_run_finds_the_problems_and_changes_nothing(work, people, names):
    work.ask("Zoe_Nobody", people[names[2]])
    before = files(work.folder)
    checked = check_batch(work.requests, work.place)
    assert [(line.person, line.photos, line.error is None) for line in checked] == [
        (names[0], (5, 1), True),
        (names[1], (5, 1), True),
        ("Zoe_Nobody", (0, 0), False),
    ]
    assert files(work.folder) == before


def test_a_dry_run_whose_trial_fails_says_so_instead_of_how_long_it_takes(work, monkeypatch):
    def fail(*_, **__):
        raise NotForgottenError("NOT ERASED: a person is still named.")

    monkeypatch.setattr(trial, "erase", fail)
    checked, estimate = look_at_batch(work.requests, work.place)
    assert [line.error for line in checked] == [None, None]
    assert (estimate.seconds, estimate.per_person) == (None, None)
    assert estimate.to_dict()["seconds"] is None


def test_a_model_is_never_written_over(work, tmp_path):
    work.place = replace(work.place, out=work.place.model.parent)
    with pytest.raises(UsageError, match="never overwritten"):
        work.run()
    work.place = replace(work.place, out=tmp_path / "other")
    work.place.out.mkdir()
    work.place.live.write_bytes(b"somebody's")
    with pytest.raises(UsageError, match="never overwritten"):
        work.run()
    assert work.place.live.read_bytes() == b"somebody's"
