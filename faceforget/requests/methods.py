"""Which method carries out a request: the one of the promise, or another that the request names."""

import difflib
from collections.abc import Iterable

from faceforget.api.method_words import METHOD_OF_PROMISE
from faceforget.errors import MethodError
from faceforget.requests.request_lines import Asked
from faceforget.unlearn.registry import METHODS

# What a method may read: nobody is asked for others' photos because of a request.
_READS = ("forget photos",)


def methods_for(promise: str) -> tuple[str, ...]:
    """Methods that a request may name, the promise's own first.

    For *forgotten* those that read the photos of the person and nothing else; *unrecognisable* only its own keeps.

    Args:
        promise: A key of ``METHOD_OF_PROMISE``.
    """
    own = METHOD_OF_PROMISE[promise]
    if promise != "forgotten":
        return (own,)
    return (own, *(name for name, method in METHODS.items() if method.reads == _READS and name != own))


def check_method(name: str, promise: str, person: str = "") -> None:
    """Check that a request may name this method.

    Args:
        name: As it was given; empty for the method of the promise.
        promise: What is promised.
        person: Who asks, for the message; empty where nobody in particular does.

    Raises:
        MethodError: There is no such method, it reads more than the person's photos, or it does not keep the promise.
    """
    allowed = methods_for(promise)
    if not name or name in allowed:
        return
    whose = f" for {person}" if person else ""
    raise MethodError(
        f"Expected as method{whose}, with the promise {promise}, {_any_of(allowed)}; got {name!r}, "
        f"{_why_not(name, allowed)}.",
        "Name one of these, or none for the one of the promise.",
        code="method-not-allowed",
    )


def check_methods(asked: Iterable[Asked], default: str, promise: str) -> None:
    """Check the methods of a list, before anything is done.

    Args:
        asked: The requests.
        default: The method of those that name none; empty for the one of the promise.
        promise: What is promised.

    Raises:
        MethodError: One of them may not be named.
    """
    check_method(default, promise)
    for line in asked:
        check_method(line.method, promise, line.person)


def _any_of(allowed: tuple[str, ...]) -> str:
    return f"one of {', '.join(allowed)}" if len(allowed) > 1 else allowed[0]


def _why_not(name: str, allowed: tuple[str, ...]) -> str:
    if name not in METHODS:
        close = difflib.get_close_matches(name.strip().lower(), allowed, n=1, cutoff=0.5)
        return "which is no method" + (f" (did you mean {close[0]!r}?)" if close else "")
    others = [kind for kind in METHODS[name].reads if kind not in _READS]
    if len(allowed) == 1 or not others:
        return "which does not keep that promise"
    return f"which reads {' and '.join(others)}"
