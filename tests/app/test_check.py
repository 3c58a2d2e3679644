from dataclasses import replace

import pytest

from app.check import check, look_at, who_is_it
from app.erasing import LiveErasure, Request, enrol_again, run
from app.promises import caveat, title, words
from faceforget.api import Upload
from faceforget.api.method_words import METHOD_OF_PROMISE, caveat_of
from faceforget.audit.looking import Memory
from faceforget.errors import UsageError


def test_every_photo_gets_its_own_reason(model, names, photos_of, hostile):
    photos = [
        photos_of[names[0]][0],
        photos_of[names[0]][0],
        photos_of[names[1]][0],
        *(Upload(f"{kind}.jpg", data) for kind, data in hostile.items()),
    ]
    found = check(model.recognizer, names[0], look_at(model.recognizer, photos))
    assert [item.kind for item in found[:3]] == ["good", "repeated", "somebody else"]
    by_name = {item.photo.source: item for item in found[3:]}
    for kind in ("text", "truncated", "60 megapixels", "no face"):
        assert by_name[f"{kind}.jpg"].kind == "unusable"
        assert not by_name[f"{kind}.jpg"].possible
    assert "60 megapixels" in by_name["60 megapixels.jpg"].reason
    assert by_name["three faces.jpg"].kind in ("several", "somebody else")
    assert [item.trusted for item in found[:3]] == [True, False, False]


def test_the_model_says_who_it_is(model, names, photos_of):
    found = who_is_it(model.recognizer, look_at(model.recognizer, photos_of[names[1]][:3]))
    assert found[0] == (names[1], 3)


def test_nobody_is_named_without_a_usable_photo(model, hostile):
    assert who_is_it(model.recognizer, look_at(model.recognizer, [Upload("x", hostile["text"])])) == []


def test_an_erasure_leaves_the_model_as_it_is_and_is_checked_on_unseen_photos(model, erased, names):
    assert names[0] in model.recognizer.labels
    assert erased.outcome.record["weights_before"] == model.recognizer.weights_hash()
    assert names[0] not in erased.outcome.recognizer.labels
    assert len(erased.report.photos) == len(model.unseen[names[0]])
    assert erased.report.check.accuracy.after.forgotten.value == 0
    assert {photo.person for photo in erased.retained} == set(names[1:3])


def test_with_a_model_from_a_file_photos_are_kept_back_from_the_erasure(model, names, photos_of):
    bare = replace(model, photos={}, unseen={}, enrolled={})
    seen = look_at(model.recognizer, photos_of[names[0]][:3])
    pairs = seen
    found = run(bare, Request(names[0], pairs, "forgotten"), memory=Memory())
    assert (found.read, len(found.report.photos)) == (2, 1)
    with pytest.raises(UsageError, match="at least 3"):
        run(bare, Request(names[0], pairs[:2], "forgotten"), memory=Memory())


def test_enrolling_again_is_tried_beside_strangers(erased):
    found = enrol_again(erased, 2)
    assert len(found.answers) == 2
    assert 0 <= found.named <= 2
    assert 0 <= found.strangers <= 1


def test_the_papers_are_whole(written, erased):
    assert written.page.startswith(b"<!doctype html>")
    assert written.pdf.startswith(b"%PDF")
    assert erased.person.encode() not in written.model


@pytest.mark.parametrize("promise", METHOD_OF_PROMISE)
def test_every_promise_of_the_registry_has_its_words(promise):
    assert title(promise)
    assert words(promise)
    assert caveat(promise) == caveat_of(METHOD_OF_PROMISE[promise])


def test_the_names_of_the_photos_can_be_watched(model, erased, names):
    seen = look_at(model.recognizer, model.photos[names[0]])
    live, told = LiveErasure(), []

    def hear(event):
        told.append([(n.before.name, n.after and n.after.name) for n in live.named])

    run(model, Request(names[0], seen, "forgotten"), hear, live=live, memory=Memory())
    assert (names[0], None) in told[0]
    assert len(live.named) == len(seen)
    assert all(name.after is not None and name.after.name != names[0] for name in live.named)
