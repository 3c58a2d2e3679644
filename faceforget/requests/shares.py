"""Which requests of a list are about which model, and where each model's batch goes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from faceforget.errors import UsageError
from faceforget.fields import problems
from faceforget.files import write_atomically
from faceforget.people.folder import person_key
from faceforget.requests.canonical import TamperedError, canonical, read_canonical
from faceforget.requests.request_lines import Asked, RequestListError

FORMAT = "faceforget-batches"


@dataclass(frozen=True)
class Share:
    """What a list asks of one model.

    Attributes:
        model: Its file, absolute.
        folder: Below the folder of results; ``.`` is that folder itself.
        asked: The requests; empty where the list was not read again.
    """

    model: Path
    folder: str
    asked: tuple[Asked, ...] = ()


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    model: str
    folder: str


class _Fields(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal["faceforget-batches"]
    version: Literal[1]
    models: tuple[_Model, ...]


def shares_of(asked: Sequence[Asked], default: Path | None) -> tuple[Share, ...]:
    """The requests by model, in the order in which the list names the models.

    One model's results go into the folder itself. Those of several go into folders named after the models' files, with
    eight digits of the hash of its path where two files have one name: the same list always gives the same folders.

    Args:
        asked: The requests.
        default: The model of those that name none.

    Raises:
        UsageError: A request names no model, and there is no default.
        RequestListError: A person is asked for twice on one model.
    """
    by_model: dict[Path, list[Asked]] = {}
    for line in asked:
        model = line.model or (default.resolve() if default else None)
        if model is None:
            raise UsageError(
                f"The request for {line.person} names no model.",
                "Add the column model, or give one for all that name none.",
                code="request-without-model",
            )
        by_model.setdefault(model, []).append(line)
    for model, lines in by_model.items():
        twice = [key for key, count in Counter(person_key(line.person) for line in lines).items() if count > 1]
        if twice:
            raise RequestListError(f"The list asks for {twice[0]!r} on {model} twice.", "Leave one of them.")
    names = Counter(model.stem for model in by_model)
    return tuple(
        Share(model, "." if len(by_model) == 1 else _folder(model, names), tuple(lines))
        for model, lines in by_model.items()
    )


def _folder(model: Path, names: Counter[str]) -> str:
    unique = f"{model.stem}-{sha256(str(model).encode()).hexdigest()[:8]}"
    return model.stem if names[model.stem] == 1 else unique


def write_shares(out: Path, shares: Sequence[Share]) -> None:
    """Write ``batches.json``: which model's batch is where, without names of people."""
    models = [{"model": str(share.model), "folder": share.folder} for share in shares]
    write_atomically(shares_path(out), canonical({"format": FORMAT, "version": 1, "models": models}))


def read_shares(out: Path) -> tuple[Share, ...]:
    """The models of the batches in a folder; none where nothing was written.

    Raises:
        TamperedError: The file is damaged.
    """
    path = shares_path(out)
    if not path.is_file():
        return ()
    try:
        fields = _Fields.model_validate(read_canonical(path.read_bytes(), str(path)))
    except ValidationError as error:
        raise TamperedError(f"{path} is damaged: {problems(error)}.", "Begin anew in another folder.") from error
    return tuple(Share(Path(line.model), line.folder) for line in fields.models)


def shares_path(out: Path) -> Path:
    """Where it is written which model's batch is where."""
    return out / "batches.json"
