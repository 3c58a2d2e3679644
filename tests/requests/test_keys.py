"""Keys: made once, never overwritten, readable by their owner alone."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from faceforget.errors import UsageError
from faceforget.requests.canonical import TamperedError
from faceforget.requests.keys import (
    KeyFileError,
    check_signature,
    ensure_key,
    load_key,
    load_public_key,
    new_key,
    public_path,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "operator.key"


def test_what_one_key_signs_its_public_half_confirms(path):
    new_key(path)
    key, public = load_key(path), load_public_key(public_path(path))
    assert key.public == public
    check_signature(public, key.sign(b"words"), b"words", "a text")
    with pytest.raises(TamperedError):
        check_signature(public, key.sign(b"words"), b"Words", "a text")


def test_batches_that_begin_at_once_make_one_key(path):
    with ThreadPoolExecutor(8) as threads:
        keys = {key.public for key in threads.map(lambda _: ensure_key(path), range(8))}
    assert keys == {load_public_key(public_path(path))}


def test_a_signature_has_one_spelling(path):
    key = new_key(path)
    with pytest.raises(TamperedError):
        check_signature(key.public, key.sign(b"words").upper(), b"words", "a text")


def test_only_its_owner_can_read_the_private_half(path):
    new_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_is_never_overwritten(path):
    new_key(path)
    before = path.read_bytes()
    with pytest.raises(UsageError, match="never overwritten"):
        new_key(path)
    assert path.read_bytes() == before


def test_files_that_hold_no_such_key(path):
    with pytest.raises(KeyFileError, match="Cannot read"):
        load_key(path)
    path.write_text("words")
    with pytest.raises(KeyFileError, match="not a private key"):
        load_key(path)
    with pytest.raises(KeyFileError, match="not a public key"):
        load_public_key(path)
    other = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(
        other.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    with pytest.raises(KeyFileError, match="Ed25519"):
        load_key(path)
