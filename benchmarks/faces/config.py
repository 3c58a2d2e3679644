"""What a benchmark on faces runs: a TOML file, checked before anything starts."""

import math
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from benchmarks.data import LFW, MOBILEFACENET, RESULTS, ROOT
from faceforget.api import Method, make_method

Value = float | int | str
Kind = Literal["single", "together", "in_turn"]


class MethodPlan(BaseModel):
    """One row of the table.

    Attributes:
        method: Name in the registry.
        settings: Fixed hyperparameters.
        candidates: Hyperparameters to choose from on the search people; none: nothing is searched.
        runs: Whether it is among those that also erase several people at once and one after another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    settings: dict[str, Value] = {}
    candidates: tuple[dict[str, Value], ...] = ()
    several: bool = False

    def build(self, chosen: dict[str, Value] | None = None) -> Method:
        """The method, with a candidate's settings over the fixed ones."""
        return make_method(self.method, {**self.settings, **(chosen or {})})


class Config(BaseModel):
    """The protocol.

    Attributes:
        people: A folder of photos per person; with ``train_photos + unseen_photos`` photos or more they take part.
        backbone: Name or weights file.
        work: Where the model, the cells and the search are kept; a later run goes on from there.
        results: Where the tables go.
        erase: How many people are erased, one at a time.
        search_people: How many other people hyperparameters are chosen on.
        search_together: Erase these at once when choosing, not one at a time.
        seeds: Of each erasure.
        kinds: Of erasures: of one person, of several at once, of several one after another.
        together: Numbers of people erased at once, and one after another.
        groups: How many groups of people are erased at once, or one after another.
        passes: Over the photos of everybody erased at once, that a method's ``max_steps`` is set to; 0: it is kept.
        budget: The most candidates that a method may have.
        retained_photos: Train photos of each person who stays that Acc_r,train is measured on.
        methods: By the label of their row.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    people: Path = LFW
    backbone: str = str(MOBILEFACENET)
    work: Path = ROOT / "out" / "faces"
    results: Path = RESULTS / "faces"
    train_photos: int = Field(12, ge=2)
    unseen_photos: int = Field(8, ge=1)
    erase: int = Field(10, ge=1)
    search_people: int = Field(3, ge=1)
    search_together: bool = False
    seeds: tuple[int, ...] = (0, 1, 2)
    kinds: tuple[Kind, ...] = ("single", "together", "in_turn")
    together: tuple[int, ...] = ()
    groups: int = Field(1, ge=1, le=5)
    passes: int = Field(0, ge=0)
    budget: int = Field(8, ge=1)
    retained_photos: int = Field(4, ge=1)
    methods: dict[str, MethodPlan]

    @model_validator(mode="after")
    def _fair(self) -> "Config":
        for label, plan in self.methods.items():
            if len(plan.candidates) > self.budget:
                raise ValueError(f"{label} has {len(plan.candidates)} candidates, more than the budget {self.budget}")
            for candidate in plan.candidates or ({},):
                plan.build(candidate)  # a misspelt setting is found now, not after hours
        return self

    def budgeted(self, method: Method, people: int) -> Method:
        """The method with as many steps as ``passes`` over the photos of so many people take, if it counts steps."""
        if not self.passes or "max_steps" not in type(method.settings).model_fields:
            return method
        steps = self.passes * math.ceil(people * self.train_photos / method.settings.batch_size)
        return type(method)(method.settings.model_copy(update={"max_steps": steps}))


def read_config(path: Path, **over: object) -> Config:
    """Read a file; ``over`` replaces fields that are not None."""
    values = tomllib.loads(path.read_text())
    return Config.model_validate({**values, **{key: value for key, value in over.items() if value is not None}})
