"""The routes. Paths hold nothing but the service's own random ids; names are in bodies alone."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from faceforget import __version__
from faceforget.api import ERASED, METHOD_OF_PROMISE, NOT_ERASED, methods_for, read_receipt, receipt_page, receipt_pdf
from faceforget.serve.advice import todo_about
from faceforget.serve.errors import answer_errors
from faceforget.serve.guard import Guard
from faceforget.serve.inbox import KeptRequest
from faceforget.serve.problem import Problem, RefusedError, declared, unknown_request
from faceforget.serve.receive import Received, body_too_large, receive
from faceforget.serve.service import Service
from faceforget.serve.settings import Limits

State = Literal["queued", "planned", "running", "erased", "audited", "purged", "failed", "closing", "closed"]
_ABOUT = """Erase a person from a face-recognition model using only their photos.

Requests are carried out one after the other; the photos are deleted when a request is closed."""


class RequestState(BaseModel):
    """Where a request is.

    Attributes:
        id: As in the paths.
        state: `closed` at the end; before that as in the ledger, or `queued`.
        promise: What is to be shown.
        method: How the person is erased.
        received: Time in UTC.
        request: Its id in the ledger and on the receipt; null until it is planned.
        outcome: Null until it is closed.
        reason: Why the person was not erased; null otherwise.
        kind: The same as a stable name for programs.
        todo: What to do about it, in the fields of a request; null where the reason says it.
        fault: Kind of what holds up all requests; null while all is well.
    """

    id: str
    state: State
    promise: str
    method: str
    received: str
    request: str | None
    outcome: Literal["ERASED", "NOT ERASED"] | None
    reason: str | None
    kind: str | None
    todo: str | None
    fault: str | None


class Health(BaseModel):
    """Whether requests are carried out."""

    status: Literal["ok", "stalled"]
    version: str


def make_app(service: Service) -> FastAPI:
    """The service as an ASGI application; it begins and ends with the application's lifespan."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await to_thread.run_sync(service.stop)

    # The pages that show an OpenAPI fetch scripts from elsewhere.
    app = FastAPI(
        title="FaceForget", version=__version__, description=_ABOUT, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.add_middleware(Guard)
    answer_errors(app)
    app.include_router(_public(service))
    app.include_router(_private(service))
    return app


def _public(service: Service) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["service"])

    @router.get("/health", responses={503: {"model": Health, "description": "Requests are held up."}})
    def health(response: Response) -> Health:
        """Whether requests are carried out; needs no token."""
        stalled = bool(service.worker.fault) or not service.worker.is_alive()
        response.status_code = 503 if stalled else 200
        return Health(status="stalled" if stalled else "ok", version=__version__)

    return router


def _private(service: Service) -> APIRouter:
    router = APIRouter(prefix="/v1/requests", tags=["requests"], dependencies=[Depends(_bearer(service))])
    limits = service.settings.limits

    @router.post(
        "",
        status_code=202,
        response_model=RequestState,
        responses=declared(400, 401, 408, 409, 413, 415, 422, 429, 500, 507),
        openapi_extra=_body(limits),
    )
    async def ask(
        request: Request,
        response: Response,
        idempotency_key: Annotated[
            str | None,
            Header(
                alias="Idempotency-Key",
                description="Random; the same key again gives the same request instead of a second one.",
                pattern="^[!-~]{16,128}$",
            ),
        ] = None,
    ) -> RequestState:
        """Ask for a person to be erased."""
        folder = service.inbox.room()
        try:
            upload = await _received(request, folder, limits)
            record = await to_thread.run_sync(service.inbox.accept, upload, idempotency_key or "")
        finally:
            await to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))
        response.headers["Location"] = f"/v1/requests/{record.id}"
        return await to_thread.run_sync(_state, service, record)

    @router.get("/{id}", responses=declared(401, 404, 422, 500))
    def state(id: str) -> RequestState:
        """Where a request is."""
        return _state(service, _known(service, id))

    @router.get(
        "/{id}/receipt",
        response_class=JSONResponse,
        responses={200: {"description": "Signed; the very bytes."}, **declared(401, 404, 409, 422, 500)},
    )
    def receipt(id: str) -> Response:
        """The receipt for machines, to be checked with `faceforget receipt verify`."""
        return Response(_receipt(service, id), media_type="application/json")

    @router.get("/{id}/receipt.html", responses=_pages("text/html"), response_class=Response)
    def page(id: str) -> Response:
        """The receipt for people."""
        read = read_receipt(_receipt(service, id))
        return Response(receipt_page(read.content, read.public_key), media_type="text/html; charset=utf-8")

    @router.get("/{id}/receipt.pdf", responses=_pages("application/pdf"), response_class=Response)
    def pdf(id: str) -> Response:
        """The receipt for print."""
        read = read_receipt(_receipt(service, id))
        return Response(receipt_pdf(read.content, read.public_key), media_type="application/pdf")

    return router


def _bearer(service: Service) -> Callable[..., None]:
    """Dependency that lets only the bearer of the token pass; before anything of the body is read."""
    scheme = HTTPBearer(auto_error=False, description="The token that the service was started with.")
    token = service.settings.token.encode()

    def check(given: Annotated[HTTPAuthorizationCredentials | None, Depends(scheme)]) -> None:
        if given is None or not secrets.compare_digest(given.credentials.encode(), token):
            problem = Problem(
                kind="unauthorised",
                expected="the service's token in the header Authorization: Bearer TOKEN",
                came="no token" if given is None else "another one",
                todo="Ask the operator.",
            )
            raise RefusedError(401, problem, WWW_Authenticate="Bearer")

    return check


async def _received(request: Request, folder: Path, limits: Limits) -> Received:
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limits.body:
        raise body_too_large(limits)
    try:
        async with asyncio.timeout(limits.seconds):
            return await receive(request.headers.get("content-type", ""), request.stream(), folder, limits)
    except TimeoutError as error:
        problem = Problem(
            kind="too_slow", expected=f"the body within {limits.seconds:.0f} s", came="a part of it", todo="Send again."
        )
        raise RefusedError(408, problem) from error


def _known(service: Service, request: str) -> KeptRequest:
    record = service.inbox.get(request)
    if record is None:
        raise unknown_request()
    return record


def _state(service: Service, record: KeptRequest) -> RequestState:
    # The fault first: the state is then at least as late as it, and never one from before it.
    fault = service.worker.fault or None
    state, request = service.worker.state(record)
    end = record.end
    return RequestState.model_validate(
        {
            "id": record.id,
            "state": state,
            "promise": record.promise,
            "method": record.method or METHOD_OF_PROMISE[record.promise],
            "received": record.received,
            "request": request,
            "outcome": None if end is None else ERASED if end.erased else NOT_ERASED,
            "reason": (end.reason or None) if end else None,
            "kind": (end.kind or None) if end else None,
            "todo": (todo_about(end.kind) or None) if end and end.kind else None,
            "fault": None if end else fault,
        }
    )


def _receipt(service: Service, request: str) -> bytes:
    path = service.live.receipt(_known(service, request))
    if path is None:
        problem = Problem(
            kind="not_closed",
            expected="a request that is closed",
            came="one that is still open",
            todo="Ask for its state until that is closed.",
        )
        raise RefusedError(409, problem)
    return path.read_bytes()


def _pages(media: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media: {"schema": {"type": "string"}}}}, **declared(401, 404, 409, 422, 500)}


def _body(limits: Limits) -> dict[str, Any]:
    photos = {"type": "array", "items": {"type": "string", "format": "binary", "contentMediaType": "image/*"}}
    schema = {
        "type": "object",
        "required": ["person", "photos"],
        "additionalProperties": False,
        "properties": {
            "person": {
                "type": "string",
                "minLength": 1,
                "maxLength": limits.name,
                "description": "As in the model; characters that print, and not `unknown`.",
            },
            "promise": {"type": "string", "enum": list(METHOD_OF_PROMISE), "default": "forgotten"},
            "method": {
                "type": "string",
                "enum": list(dict.fromkeys(name for promise in METHOD_OF_PROMISE for name in methods_for(promise))),
                "description": f"How; without it the promise picks it. {_methods_of_promises()}",
            },
            "photos": {
                **photos,
                "minItems": 1,
                "maxItems": limits.photos,
                "description": f"Of the person, for the erasure: JPEG, PNG or WebP of at most {limits.photo} bytes.",
            },
            "check": {
                **photos,
                "maxItems": limits.photos,
                "description": "Others, for the check alone; without them some of `photos` are held back.",
            },
        },
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def _methods_of_promises() -> str:
    return " ".join(f"With {promise}: {', '.join(methods_for(promise))}." for promise in METHOD_OF_PROMISE)
