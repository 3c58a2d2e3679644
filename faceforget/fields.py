"""What pydantic found wrong, in a line that can be shown."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_MOST = 3


def problems(error: ValidationError) -> str:
    """The first problems, each with its field.

    pydantic's own text goes over several lines, repeats what was in the file and points to its documentation.
    """
    found = [f"{'.'.join(map(str, e['loc'])) or 'the whole'}: {_said(e)}" for e in error.errors()]
    more = [f"{len(found) - _MOST} more"] if len(found) > _MOST else []
    return "; ".join([*found[:_MOST], *more])


def _said(error: ErrorDetails) -> str:
    return "there is no such field" if error["type"] == "extra_forbidden" else error["msg"]
