"""One list about several models: a batch each, one ledger, the same results in whatever way it is carried out."""

from dataclasses import replace

import pytest

from faceforget.compute.engine import Local
from faceforget.errors import UsageError
from faceforget.files import sha256_file
from faceforget.recognizer.storage import load_recognizer
from faceforget.requests.batches import check_batches, run_batches
from faceforget.requests.begin import TooManyRequestsError
from faceforget.requests.ledger import Ledger
from faceforget.requests.plan import Configuration


def test_each_model_is_erased_from_and_all_are_in_one_ledger(one_by_one):
    labels = [load_recognizer(live).labels for live in one_by_one.live]
    assert labels == [tuple(one_by_one.names[1:]), (*one_by_one.names[2:7], "Someone_Else")]
    assert [states[-1][0] for states in one_by_one.states()] == ["closed"] * 3


def test_processes_give_the_same_bytes(firm, one_by_one):
    result = run_batches(firm.list, firm.setting, engine=Local(2))
    assert result.all_erased
    assert [done.place.model for done in result.models] == firm.models
    assert firm.hashes() == one_by_one.hashes()
    assert firm.states() == one_by_one.states()


def test_a_model_that_fails_does_not_sink_the_other(firm, one_by_one):
    firm.models[0].write_bytes(b"no model")
    result = run_batches(firm.list, firm.setting)
    assert not result.all_erased
    assert [done.error is None for done in result.models] == [False, True]
    assert sha256_file(firm.live[1]) == one_by_one.hashes()[1]
    assert result.to_dict()["models"][0]["error"] == "model_file"


def test_it_goes_on_over_all_models(firm, one_by_one):
    class StopError(Exception):
        pass

    seen = []

    def stop(step):
        seen.append(step)
        if seen.count("closed") == 1:
            raise StopError

    with pytest.raises(StopError):
        run_batches(firm.list, firm.setting, step=stop)
    with pytest.raises(UsageError, match="resume=True"):
        run_batches(firm.list, firm.setting)
    firm.list.unlink()  # all of it is in the ledger
    assert run_batches(firm.list, firm.setting, resume=True).all_erased
    assert firm.hashes() == one_by_one.hashes()
    assert firm.states() == one_by_one.states()


def test_photos_that_another_model_still_needs_stay_until_then(firm):
    setting = replace(firm.setting, configuration=Configuration(delete_photos=True))
    assert run_batches(firm.list, setting).all_erased
    assert not [path for name in firm.names[:2] for path in (firm.folder / name).rglob("*")]


def test_a_dry_run_measures_what_it_would_take_and_changes_nothing(firm):
    before = sorted(firm.folder.rglob("*"))
    checked = check_batches(firm.list, firm.setting)
    assert [[line.error for line in model.lines] for model in checked] == [[None], [None, None]]
    for model in checked:
        assert 0 < model.estimate.per_photo < model.estimate.seconds
        assert model.estimate.disk > 3 * model.place.model.stat().st_size
    assert sorted(firm.folder.rglob("*")) == before


def test_too_many_requests_in_a_day_start_nothing(firm):
    with pytest.raises(TooManyRequestsError, match="at most 2 requests in 24 hours, got 0 so far and 3"):
        run_batches(firm.list, replace(firm.setting, limit=2))
    assert not firm.live[0].parent.exists()
    with Ledger(firm.setting.ledger) as ledger:
        assert ledger.entries() == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("person,photos\nAda,a\n", "names no model"),
        ("person,photos,model\nAda,a,m.st\n ada ,a,./m.st\n", "twice"),
    ],
)
def test_lists_that_do_not_say_what_to_do(firm, text, words):
    firm.list.write_text(text)
    with pytest.raises(UsageError, match=words):
        run_batches(firm.list, firm.setting)
