"""The outermost layer: whatever goes wrong inside is answered with a problem, and logged without what clients sent."""

import errno
import logging
import traceback

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faceforget.serve.problem import Problem, ProblemBody

log = logging.getLogger("faceforget.serve")
# A full disk, a quota.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on."""
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except ClientDisconnect:  # nobody is there to be answered; what was sent so far is removed
            log.info("a client hung up")
        except Exception as error:
            # Where it happened, not its message: that may hold a name.
            places = "".join(traceback.format_tb(error.__traceback__))
            log.error("fault %s\n%s", type(error).__name__, places)
            if scope["type"] != "http":
                raise
            if not begun:  # else the server ends a half-sent answer; passed on, the message would come into its log
                await _answer(error)(scope, receive, send)


def _answer(error: Exception) -> JSONResponse:
    full = isinstance(error, OSError) and error.errno in _NO_ROOM
    problem = Problem(
        kind="no_room" if full else "fault",
        expected="room for the photos" if full else "an answer",
        came="a full disk" if full else "a fault of the service",
        todo="Tell the operator, and send it again later.",
    )
    return JSONResponse(ProblemBody(error=problem).model_dump(), 507 if full else 500)
