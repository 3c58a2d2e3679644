"""What a batch is to do, fixed before it begins: a file beside the results, without names."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceforget import __version__
from faceforget.api.method_words import METHOD_OF_PROMISE
from faceforget.errors import UsageError
from faceforget.fields import problems
from faceforget.files import write_atomically
from faceforget.requests.canonical import TamperedError, canonical, digest, read_canonical
from faceforget.unlearn.registry import make_method

FORMAT = "faceforget-batch"


class Configuration(BaseModel):
    """How the requests of a batch are carried out; part of their key in the ledger.

    Attributes:
        promise: What is promised.
        method: How, where a request does not say; empty for the method of the promise.
        joint: All persons of one method in one pass, or each in a pass of their own.
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
    method: str = ""
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
    def method_used(self) -> str:
        """Name of the method: the one that was named, or that of the promise."""
        return self.method or METHOD_OF_PROMISE[self.promise]

    def with_method(self, name: str) -> "Configuration":
        """Of a request that names a method; the same one where it names none."""
        return self.model_copy(update={"method": name}) if name else self

    @property
    def settings(self) -> dict[str, Any]:
        """The method's settings, as far as they do not depend on the model; plain values for JSON."""
        return make_method(self.method_used).settings.model_dump(mode="json")

    def to_dict(self) -> dict[str, Any]:
        """With the method and its settings, plain values for JSON."""
        return {**self.model_dump(), "method": self.method_used, "settings": self.settings}

    @property
    def key(self) -> str:
        """SHA-256 of it."""
        return digest(self.to_dict())


@dataclass(frozen=True)
class BatchPlan:
    """A batch.

    Attributes:
        model: SHA-256 of the model before.
        configuration: How.
        requests: Their ids, in order.
        methods: By request: the name of the method.
    """

    model: str
    configuration: Configuration
    requests: tuple[str, ...]
    methods: Mapping[str, str] = field(default_factory=dict)

    def configuration_of(self, request: str) -> Configuration:
        """How one request is carried out."""
        return self.configuration.with_method(self.methods.get(request, ""))

    def method_of(self, request: str) -> str:
        """Name of the method of a request."""
        return self.configuration_of(request).method_used

    def by_method(self) -> tuple[tuple[str, ...], ...]:
        """The requests of each method, in the order in which the methods first come."""
        groups: dict[str, list[str]] = {}
        for request in self.requests:
            groups.setdefault(self.method_of(request), []).append(request)
        return tuple(map(tuple, groups.values()))


class _PlanFields(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal["faceforget-batch"]
    version: Literal[1, 2]  # 1: before requests could name a method
    model: str
    configuration: Configuration
    requests: tuple[str, ...]
    methods: dict[str, str] = Field(default_factory=dict)


def write_plan(folder: Path, plan: BatchPlan) -> None:
    """Write ``batch.json``."""
    content = {
        "format": FORMAT,
        "version": 2,
        "model": plan.model,
        "configuration": plan.configuration.model_dump(),
        "requests": list(plan.requests),
        "methods": {request: plan.method_of(request) for request in plan.requests},
    }
    write_atomically(plan_path(folder), canonical(content))


def read_plan(folder: Path) -> BatchPlan | None:
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
    return BatchPlan(fields.model, fields.configuration, fields.requests, fields.methods)


def plan_path(folder: Path) -> Path:
    """Where the plan of a batch is."""
    return folder / "batch.json"


def check_same(plan: BatchPlan, configuration: Configuration, model: str | None) -> None:
    """Check that a batch is resumed as it was begun.

    Raises:
        UsageError: With an option, or the model, that differs.
    """
    old, new = plan.configuration.model_dump(), configuration.model_dump()
    changed = [f"{name} was {_said(old[name])}, now {_said(new[name])}" for name in old if old[name] != new[name]]
    if changed:
        raise UsageError(f"The batch was begun otherwise: {'; '.join(changed)}.", "Resume it with the same options.")
    if model is not None and model != plan.model:
        raise UsageError(
            f"The batch was begun on another model: SHA-256 {plan.model[:12]}..., now {model[:12]}....",
            "Give the model that it was begun with.",
        )


def _said(value: object) -> str:
    return str(value) if value != "" else "not given"


def code_version() -> dict[str, str]:
    """Versions of what computes."""
    return {"faceforget": __version__, "torch": torch.__version__, "python": platform.python_version()}
