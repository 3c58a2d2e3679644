"""What the service answers when it cannot do as asked: what was expected, what came, what to do.

Nothing that a client sent is repeated in it: an answer is logged on the way more often than a body.
"""

from typing import Any

from pydantic import BaseModel

from faceforget.errors import FaceForgetError


class Problem(BaseModel):
    """Why not.

    Attributes:
        kind: Stable name for programs.
        expected: What would have been right.
        came: What there was instead.
        todo: What to do.
    """

    kind: str
    expected: str
    came: str
    todo: str


class ProblemBody(BaseModel):
    """The body of every answer from 400 on."""

    error: Problem


class RefusedError(FaceForgetError):
    """A call that is answered with a problem.

    Attributes:
        status: Of HTTP.
        problem: The body.
        headers: Beside it.
    """

    def __init__(self, status: int, problem: Problem, **headers: str) -> None:
        super().__init__(f"Expected {problem.expected}, got {problem.came}.", problem.todo)
        self.status = status
        self.problem = problem
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


_MEANINGS = {
    400: "The body is not what its type says.",
    401: "No token, or a wrong one.",
    404: "There is no such request.",
    405: "The path knows other methods.",
    408: "The body took too long.",
    409: "Not in this state.",
    413: "Too many bytes.",
    415: "Another type of body is needed.",
    422: "A field is missing or cannot be used.",
    429: "Too many requests are open.",
    500: "A fault of the service.",
    503: "Requests are not carried out at present.",
    507: "The disk is full.",
}


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These answers for OpenAPI."""
    return {status: {"model": ProblemBody, "description": _MEANINGS[status]} for status in statuses}


def unknown_request() -> RefusedError:
    """404."""
    return RefusedError(
        404,
        Problem(
            kind="unknown_request",
            expected="the id of a request, as the answer to its POST gave it",
            came="another one",
            todo="Check the id.",
        ),
    )
