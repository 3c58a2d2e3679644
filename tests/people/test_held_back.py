"""Which photos are held back for the audit."""

import pytest

from faceforget.people.held_back import held_back


@pytest.mark.parametrize(
    ("photos", "one_of", "last", "back"),
    [
        ("abcdefg", 3, False, "cf"),
        ("abcdefg", 3, True, "fg"),
        ("abcdefgh", 4, False, "dh"),
        ("abc", 4, False, ""),
        ("abcdef", 2, True, "def"),
        ("abcde", 2, True, "de"),
        ("", 3, True, ""),
    ],
)
def test_of_so_many_photos_one_is_held_back(photos, one_of, last, back):
    read, kept = held_back(photos, one_of, last=last)
    assert "".join(kept) == back
    assert "".join(read) == "".join(letter for letter in photos if letter not in back)
    assert len(kept) == len(photos) // one_of
