"""Bytes between a hash and a search."""

import pickle

import pytest

from faceforget.photos import opened
from faceforget.photos.opened import OpenedFiles


@pytest.fixture
def paths(tmp_path):
    """Three files of four bytes."""
    files = [tmp_path / name for name in "abc"]
    for path in files:
        path.write_bytes(path.name.encode() * 4)
    return files


def test_what_was_read_is_handed_out_once(paths):
    files = OpenedFiles()
    assert files.read(paths[0]) == b"aaaa"
    paths[0].write_bytes(b"other")
    assert files.take(paths[0]) == b"aaaa"
    assert files.take(paths[0]) is None


def test_beyond_the_limit_nothing_is_kept_until_there_is_room(paths):
    files = OpenedFiles(most=8)
    assert [files.read(path) for path in paths] == [b"aaaa", b"bbbb", b"cccc"]
    assert files.take(paths[2]) is None
    assert files.take(paths[0]) == b"aaaa"
    files.read(paths[2])
    assert files.take(paths[2]) == b"cccc"


def test_a_file_that_is_no_photo_is_not_kept(paths, monkeypatch):
    monkeypatch.setattr(opened, "MAX_BYTES", 3)
    files = OpenedFiles()
    assert files.read(paths[0]) is None
    assert files.take(paths[0]) is None


def test_nothing_is_kept_at_the_end_nor_in_another_process(paths):
    files = OpenedFiles()
    with files:
        files.read(paths[0])
        assert pickle.loads(pickle.dumps(files)).take(paths[0]) is None
    assert files.take(paths[0]) is None
