"""Which photos of a person are held back, so that the audit has some that nothing has read: the one rule for it.

Of so many photos one is held back. How many that is differs with what there is to lose, and is said here and nowhere
else.
"""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

# From a request: with fewer than this there would be too few to erase from, and the check is on the same photos.
OF_A_REQUEST = 4
# From photos that one person of an open model is erased from: two to erase from, one to check on.
OF_AN_ERASURE = 3
# From the photos of people who are enrolled here, so that whoever is erased later has some.
OF_AN_ENROLMENT = 3
# From people who do not exist, of whom there are enough.
OF_RENDERED = 2


def held_back(photos: Sequence[T], one_of: int, *, last: bool = False) -> tuple[tuple[T, ...], tuple[T, ...]]:
    """The photos to be read, and those that are held back; none where there are fewer than ``one_of``.

    Args:
        photos: Of one person.
        one_of: Of so many one is held back.
        last: The last ones, as many; otherwise every ``one_of``-th, so that a series of shots is on both sides.
    """
    count = len(photos)
    back = range(count - count // one_of, count) if last else range(one_of - 1, count, one_of)
    return (
        tuple(photo for place, photo in enumerate(photos) if place not in back),
        tuple(photos[place] for place in back),
    )
