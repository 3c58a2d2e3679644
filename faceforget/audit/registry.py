"""The questions of the audit, in the order in which a reader asks them."""

import pkgutil
from functools import cache
from importlib import import_module
from typing import Any

from faceforget.audit import questions as folder
from faceforget.audit.question import Question
from faceforget.errors import UsageError

_added: dict[str, Question[Any]] = {}


def questions() -> tuple[Question[Any], ...]:
    """All of them: the ``QUESTION`` of each file in ``audit/questions/``, and those that were registered."""
    return tuple(sorted((*_shipped(), *_added.values()), key=lambda question: question.place))


def asked(deep: bool, layers: bool) -> tuple[Question[Any], ...]:
    """Those that an audit asks.

    Args:
        deep: The slow ones too.
        layers: Those too that look inside the backbone.
    """
    lacks = {need for need, there in (("deep", deep), ("layers", layers)) if not there}
    return tuple(question for question in questions() if not lacks & question.needs)


def register_question(question: Question[Any]) -> None:
    """Ask one more question in every audit from now on.

    Raises:
        UsageError: There is one of that name.
    """
    if question.name in {known.name for known in questions()}:
        raise UsageError(f"There is a question {question.name!r} already.", "Give it another name.")
    _added[question.name] = question


def unregister_question(name: str) -> None:
    """Ask a question no longer that was registered."""
    del _added[name]


@cache
def _shipped() -> tuple[Question[Any], ...]:
    names = [module.name for module in pkgutil.iter_modules(folder.__path__)]
    return tuple(import_module(f"{folder.__name__}.{name}").QUESTION for name in names)
