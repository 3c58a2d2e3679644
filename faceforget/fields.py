"""What pydantic found wrong, in a line that can be shown."""

from pydantic import ValidationError

_MOST = 3


def problems(error: ValidationError) -> str:
    """The first problems, each with its field.

    pydantic's own text goes over several lines, repeats what was in the file and points to its documentation.
    """
    found = [f"{'.'.join(map(str, e['loc'])) or 'the whole'}: {e['msg']}" for e in error.errors()]
    more = [f"{len(found) - _MOST} more"] if len(found) > _MOST else []
    return "; ".join([*found[:_MOST], *more])
