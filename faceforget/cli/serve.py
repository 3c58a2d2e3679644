"""``faceforget serve``."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from faceforget.cli.console import out, warn
from faceforget.cli.inputs import check_models, check_people
from faceforget.cli.options import (
    AllowMismatch,
    DeleteModel,
    Device,
    LedgerFile,
    SigningKey,
    UnseenRetained,
    UnseenStrangers,
)
from faceforget.errors import UsageError

_EXTRA = ("fastapi", "starlette", "uvicorn", "python_multipart")
_LOCAL = ("127.0.0.1", "::1", "localhost")
# Calls at once; each may hold one photo in memory.
_MOST_CALLS = 32


class MissingExtraError(UsageError):
    """Packages that only this command needs are not installed."""


def serve(
    model: Annotated[Path, typer.Option(metavar="MODEL", help="Stays as it is, unless --delete-model.")],
    ledger: LedgerFile,
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Requests, receipts, and DIR/MODEL in use.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
    host: Annotated[str, typer.Option(help="There is no TLS: elsewhere than here put a proxy in front.")] = "127.0.0.1",
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What clients must bear; else FACEFORGET_TOKEN has it.")
    ] = None,
    key: SigningKey = None,
    retained: UnseenRetained = None,
    strangers: UnseenStrangers = None,
    delete_model: DeleteModel = False,
    allow_mismatch: AllowMismatch = False,
    device: Device = "auto",
) -> None:
    """Take erasure requests over HTTP and carry them out one after the other."""
    from faceforget.serve.settings import ServeSettings, read_token

    settings = ServeSettings(
        model=model,
        ledger=ledger,
        out=folder,
        token=read_token(token_file),
        key=key,
        retained=retained,
        strangers=strangers,
        delete_model=delete_model,
        allow_mismatch=allow_mismatch,
        device=device,
    )
    if not (folder / "service.json").is_file():  # from then on the service has a model of its own
        check_models(model)
    check_people(retained, strangers)
    try:
        import uvicorn

        from faceforget.serve.app import make_app
        from faceforget.serve.service import Service
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise MissingExtraError(
            f"`faceforget serve` needs {', '.join(_EXTRA)}; {error.name} is not installed.",
            "pip install 'faceforget[serve]'",
        ) from error

    if host not in _LOCAL:
        warn(f"The service listens on {host} without TLS: token and photos can be read on the way. Use a proxy.")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("faceforget").setLevel(logging.INFO)
    service = Service(settings)
    out.print(f"FaceForget serves http://{host}:{port}/openapi.json; Ctrl+C ends it.", highlight=False, soft_wrap=True)
    # No access log: what a client puts into a URL by mistake, a name for example, would be kept in it.
    uvicorn.run(
        make_app(service), host=host, port=port, access_log=False, server_header=False, limit_concurrency=_MOST_CALLS
    )
