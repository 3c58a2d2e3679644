"""How the service runs."""

import os
import shlex
import stat
from dataclasses import dataclass, field
from pathlib import Path

from faceforget.api import MAX_BYTES
from faceforget.errors import UsageError

TOKEN_VARIABLE = "FACEFORGET_TOKEN"  # noqa: S105 - the name of a variable
# 16 random characters of 64 are 96 bits.
SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class Limits:
    """What one client may ask of the service.

    Attributes:
        body: Bytes of one call.
        photo: Bytes of one photo.
        photos: Photos of one request, those for the check among them.
        name: Characters of a person's name.
        open_requests: Requests that wait.
        seconds: For the body of one call.
    """

    body: int = 200 * 2**20
    photo: int = MAX_BYTES
    photos: int = 100
    name: int = 100
    open_requests: int = 1000
    seconds: float = 300.0


@dataclass(frozen=True)
class ServeSettings:
    """What the operator decides.

    Attributes:
        model: The model that requests are about.
        ledger: The database; made if it is not there.
        out: Folder of requests, receipts and the live model.
        token: What clients must bear; never shown.
        key: Private key that signs the receipts; made beside the ledger if there is none.
        retained: A folder per person of people who stay, for the audit.
        strangers: A folder per person of strangers, for the audit.
        delete_model: Remove ``model`` once a new one is live.
        allow_mismatch: Use photos that seem to show somebody else.
        device: Where to compute.
        limits: Of one client.
        retry_s: Pause after a fault that concerns no request in particular, a full disk for example.
    """

    model: Path
    ledger: Path
    out: Path
    token: str = field(repr=False)
    key: Path | None = None
    retained: Path | None = None
    strangers: Path | None = None
    delete_model: bool = False
    allow_mismatch: bool = False
    device: str = "auto"
    limits: Limits = field(default_factory=Limits)
    retry_s: float = 60.0

    def __post_init__(self) -> None:
        check_token(self.token)


def read_token(file: Path | None) -> str:
    """The token from a file, or from the environment.

    Raises:
        UsageError: There is none, or others can read the file.
    """
    if file is None:
        return check_token(os.environ.get(TOKEN_VARIABLE, ""))
    try:
        token = file.read_text("ascii").strip()
        open_to_others = os.name == "posix" and bool(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot read a token from {file}: {type(error).__name__}.", "Check the path.") from error
    if open_to_others:
        raise UsageError(f"{file} can be read by others than its owner.", f"chmod 600 {shlex.quote(str(file))}")
    return check_token(token)


def check_token(token: str) -> str:
    """The token, if it is one.

    Raises:
        UsageError: Missing, short, or with characters that no header carries.
    """
    hint = f"Set {TOKEN_VARIABLE} or give a file with it, for example from `openssl rand -hex 32`."
    if not token:
        raise UsageError("The service does not start without a token.", hint, code="token-needed")
    if len(token) < SHORTEST_TOKEN or not all("!" <= character <= "~" for character in token):
        raise UsageError(
            f"Expected a token of at least {SHORTEST_TOKEN} visible ASCII characters.", hint, code="token-needed"
        )
    return token
