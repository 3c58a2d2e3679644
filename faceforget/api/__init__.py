"""The whole tasks, from photos to result, and what goes with them: all that front ends see of the library.

The command line, the app, the service and Python users call ``faceforget.api``, with ``faceforget.errors`` and
``faceforget.progress``, and nothing beneath it. What is here, and where it comes from, is listed in ``__init__.pyi``
beside this file, for readers, type checkers and for the lookup below. A name is imported when it is first asked for,
so that whoever asks for a folder's photos does not wait for torch.
"""

import ast
from importlib import import_module
from importlib.resources import files

_LIST = "__init__.pyi"


def _listed() -> dict[str, tuple[str, str]]:
    """Module and name there, of each name in ``__init__.pyi``."""
    found: dict[str, tuple[str, str]] = {}
    for line in ast.parse(files(__name__).joinpath(_LIST).read_text("utf-8")).body:
        if isinstance(line, ast.ImportFrom) and line.module:
            found |= {name.asname or name.name: (line.module, name.name) for name in line.names}
        elif isinstance(line, ast.Assign):
            found[ast.unparse(line.targets[0])] = found[ast.unparse(line.value)]
    return found


_LISTED = _listed()


def __getattr__(name: str) -> object:
    if name not in _LISTED:
        raise AttributeError(f"faceforget.api has no {name!r}; what it has is listed in {_LIST}.")
    place, original = _LISTED[name]
    module = import_module(place)
    found = getattr(module, original, None)
    if found is None:  # a module itself
        found = import_module(f"{place}.{original}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(_LISTED)
