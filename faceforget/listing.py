"""A package whose names are listed in its ``__init__.pyi``, and imported when one is first asked for.

So whoever asks for one thing does not wait for all: the help of a command loads no torch. The list is for readers and
type checkers alike, and the only one.
"""

import re
from collections.abc import Callable
from importlib import import_module
from importlib.resources import files
from sys import modules

_LIST = "__init__.pyi"
_IMPORT = re.compile(r"^from (\S+) import (\w+) as (\w+)$", re.MULTILINE)
_RENAMED = re.compile(r"^(\w+) = (\w+)$", re.MULTILINE)


def listing(package: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The functions ``__getattr__`` and ``__dir__`` of a package.

    Args:
        package: Its name; beside it lies the list, of ``from module import name as name`` and ``name = other``.
    """
    text = files(package).joinpath(_LIST).read_text("utf-8")
    listed = {shown: (place, name) for place, name, shown in _IMPORT.findall(text)}
    listed |= {shown: listed[name] for shown, name in _RENAMED.findall(text)}

    def get(name: str) -> object:
        if name not in listed:
            raise AttributeError(f"{package} has no {name!r}; what it has is listed in {_LIST}.")
        place, original = listed[name]
        found = getattr(import_module(place), original, None)
        if found is None:  # a module itself
            found = import_module(f"{place}.{original}")
        setattr(modules[package], name, found)
        return found

    return get, lambda: sorted(listed)
