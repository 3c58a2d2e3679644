"""What is known of an open request: kept beside the ledger, and gone once the request is closed."""

import hashlib
import hmac

import pytest

from faceforget.requests.canonical import TamperedError
from faceforget.requests.open_requests import OpenRequests, PhotoFile, new_request


@pytest.fixture
def store(tmp_path):
    return OpenRequests(tmp_path / "ledger.db")


def test_the_subject_is_an_hmac_under_the_requests_own_key():
    request = new_request("Ada_Lovelace", ())
    expected = hmac.new(bytes.fromhex(request.key), b"ada lovelace", hashlib.sha256).hexdigest()
    assert request.subject == expected
    assert new_request("Ada_Lovelace", ()).subject != expected


def test_a_request_is_kept_until_it_is_destroyed(store):
    request = new_request("Ada", (PhotoFile("/photos/ada.jpg", "ab"),))
    store.put(request)
    assert store.get(request.id) == request
    store.destroy(request.id)
    store.destroy(request.id)
    assert store.get(request.id) is None
    assert list(store.folder.iterdir()) == []


def test_what_a_crash_left_behind_is_destroyed(store):
    kept, orphan = new_request("Ada", ()), new_request("Eve", ())
    store.put(kept)
    store.put(orphan)
    (store.folder / ".x.json.part").write_text("Eve")
    store.destroy_all_but({kept.id})
    assert [path.name for path in store.folder.iterdir()] == [f"{kept.id}.json"]


def test_a_crash_between_overwriting_and_removing_leaves_nothing_to_stumble_over(store):
    request = new_request("Ada", (PhotoFile("/photos/ada.jpg", "ab"),))
    store.put(request)
    path = store.folder / f"{request.id}.json"
    path.write_bytes(bytes(path.stat().st_size))
    assert store.get(request.id) is None
    store.destroy(request.id)
    assert list(store.folder.iterdir()) == []


def test_a_damaged_file_is_named(store):
    request = new_request("Ada", ())
    store.put(request)
    path = store.folder / f"{request.id}.json"
    path.write_bytes(path.read_bytes().replace(b"Ada", b"Eve ") + b" ")
    with pytest.raises(TamperedError, match="open request"):
        store.get(request.id)
