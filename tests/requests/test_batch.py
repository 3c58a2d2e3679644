"""A batch: everybody in one pass, a verdict each, and a model that goes live only after its audit."""

from faceforget.files import sha256_file
from faceforget.recognizer.storage import load_recognizer


def test_two_people_in_one_pass(work, names):
    before = sha256_file(work.place.model)
    result = work.run()
    assert result.all_erased, result
    assert load_recognizer(work.place.live).labels == tuple(names[2:])
    assert sha256_file(work.place.model) == before
    assert sha256_file(work.place.live) == result.model
