"""What a batch is to do, fixed before it begins: a file beside the results, without names."""

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceforget import __version__
from faceforget.errors import UsageError
from faceforget.fields import problems
from faceforget.files import write_atomically
from faceforget.method.registry import PROMISES, make_method
from faceforget.requests.canonical import TamperedError, canonical, digest, read_canonical

FORMAT = "faceforget-batch"


class Configuration(BaseModel):
    """How the requests of a batch are carried out; part of their key in the ledger.

    Attributes:
        promise: What is promised, which picks the method.
        joint: All persons in one pass, or each in a pass of their own.
        seed: Of everything random.
        delete_photos: Remove the photos that the list names, once the person is erased.
        delete_model: Remove the model before, once the new one is live.
        allow_mismatch: Use photos that seem to show somebody else.
        retained: Whether the audit sees people who stay.
        strangers: Whether it sees strangers of the operator's.
        quarantine: Days for which the model before is put away, once the new one is live; 0 leaves it where it is.
        copies: How many copies the operator listed.
        delete_copies: Remove those, once somebody was erased.
        uploaded: The list and the photos came over HTTP and are this program's own: it removes the list once the
            requests are in the ledger, and a request's photos before its receipt, however it ends.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    promise: Literal["forgotten", "unrecognisable"] = "forgotten"
    joint: bool = True
    seed: int = 0
    delete_photos: bool = False
    delete_model: bool = False
    allow_mismatch: bool = False
    retained: bool = False
    strangers: bool = False
    quarantine: int = Field(0, ge=0)
    copies: int = Field(0, ge=0)
    delete_copies: bool = False
    uploaded: bool = False

    @property
    def method(self) -> str:
        """Name of the method."""
        return PROMISES[self.promise]

    def to_dict(self) -> dict[str, Any]:
        """With the method and its settings, plain values for JSON."""
        settings = make_method(self.method).settings.model_dump(mode="json")
        return {**self.model_dump(), "method": self.method, "settings": settings}

    @property
    def key(self) -> str:
        """SHA-256 of it."""
        return digest(self.to_dict())


@dataclass(frozen=True)
class Plan:
    """A batch.

    Attributes:
        model: SHA-256 of the model before.
        configuration: How.
        requests: Their ids, in order.
    """

    model: str
    configuration: Configuration
    requests: tuple[str, ...]


class _PlanFields(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal["faceforget-batch"]
    version: Literal[1]
    model: str
    configuration: Configuration
    requests: tuple[str, ...]


def write_plan(folder: Path, plan: Plan) -> None:
    """Write ``batch.json``."""
    content = {
        "format": FORMAT,
        "version": 1,
        "model": plan.model,
        "configuration": plan.configuration.model_dump(),
        "requests": list(plan.requests),
    }
    write_atomically(plan_path(folder), canonical(content))


def read_plan(folder: Path) -> Plan | None:
    """The plan of the batch in a folder, None where there is none.

    Raises:
        TamperedError: The file is damaged.
    """
    path = plan_path(folder)
    if not path.is_file():
        return None
    try:
        fields = _PlanFields.model_validate(read_canonical(path.read_bytes(), str(path)))
    except ValidationError as error:
        raise TamperedError(f"{path} is damaged: {problems(error)}.", "Begin anew in another folder.") from error
    return Plan(fields.model, fields.configuration, fields.requests)


def plan_path(folder: Path) -> Path:
    """Where the plan of a batch is."""
    return folder / "batch.json"


def check_same(plan: Plan, configuration: Configuration, model: str | None) -> None:
    """Check that a batch is resumed as it was begun.

    Raises:
        UsageError: With an option, or the model, that differs.
    """
    old, new = plan.configuration.model_dump(), configuration.model_dump()
    changed = [f"{name} was {old[name]}, now {new[name]}" for name in old if old[name] != new[name]]
    if changed:
        raise UsageError(f"The batch was begun otherwise: {'; '.join(changed)}.", "Resume it with the same options.")
    if model is not None and model != plan.model:
        raise UsageError(
            f"The batch was begun on another model: SHA-256 {plan.model[:12]}..., now {model[:12]}....",
            "Give the model that it was begun with.",
        )


def code_version() -> dict[str, str]:
    """Versions of what computes."""
    return {"faceforget": __version__, "torch": torch.__version__, "python": platform.python_version()}
