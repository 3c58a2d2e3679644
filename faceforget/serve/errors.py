"""Whatever goes wrong, the answer is the promised JSON."""

from collections.abc import Mapping

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from faceforget.serve.problem import Problem, ProblemBody, RefusedError


def answer_errors(app: FastAPI) -> None:
    """Let the application answer refusals, unknown paths and invalid fields."""
    app.exception_handler(RefusedError)(_refused)
    app.exception_handler(HTTPException)(_http_error)
    app.exception_handler(RequestValidationError)(_invalid)


def _refused(_: Request, error: RefusedError) -> Response:
    return _problem(error.status, error.problem, error.headers)


def _http_error(_: Request, error: HTTPException) -> Response:
    """Paths and methods that there are not."""
    unknown = Problem(kind="http", expected="a path and a method of /openapi.json", came="others", todo="Look there.")
    return _problem(error.status_code, unknown, error.headers or {})


def _invalid(_: Request, error: RequestValidationError) -> Response:
    """A header that is not as declared; its value is not repeated."""
    fields = ", ".join(sorted({str(part["loc"][-1]) for part in error.errors()}))
    problem = Problem(
        kind="field", expected=f"{fields} as in /openapi.json", came="something else", todo="Correct or leave it out."
    )
    return _problem(422, problem, {})


def _problem(status: int, problem: Problem, headers: Mapping[str, str]) -> JSONResponse:
    return JSONResponse(ProblemBody(error=problem).model_dump(), status, headers)
