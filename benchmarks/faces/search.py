"""Hyperparameters of each method, chosen on people who are not reported."""

import json
from statistics import mean
from typing import Any

from benchmarks.faces.cells import Cell, outcome_of
from benchmarks.faces.config import MethodPlan, Value
from benchmarks.faces.measures import harmonic, measures
from benchmarks.faces.world import World
from faceforget.files import write_json


def trials_of(label: str, plan: MethodPlan, world: World) -> list[Cell]:
    """All cells of one method's search."""
    return [cell for candidate in plan.candidates for cell in _trials(label, plan, candidate, world)]


def _trials(label: str, plan: MethodPlan, candidate: dict[str, Value], world: World) -> list[Cell]:
    method = plan.build(candidate)
    return [Cell(label, world.config.budgeted(method, len(people)), people, 0) for people in world.search]


def choose(label: str, plan: MethodPlan, world: World) -> dict[str, Any]:
    """The candidate with the best H, the mean over the search people; all scores are recorded.

    H is the harmonic mean of 1 - Acc_f,test and Acc_r,test, on the search people's unseen photos. Ties go to
    the first candidate.
    """
    if not plan.candidates:
        return {}
    scores: list[dict[str, Any]] = []
    for candidate in plan.candidates:
        rows = [measures(cell, outcome_of(cell, world), world) for cell in _trials(label, plan, candidate, world)]
        scores.append(
            {
                "settings": candidate,
                "h": mean(harmonic(1 - row["acc_f_test"], row["acc_r_test"]) for row in rows),
                "acc_f_test": mean(row["acc_f_test"] for row in rows),
                "acc_r_test": mean(row["acc_r_test"] for row in rows),
            }
        )
    best = max(scores, key=lambda score: score["h"])
    path = world.config.results / "search.json"
    recorded = json.loads(path.read_text()) if path.is_file() else {}
    people, at_once = sum(map(len, world.search)), world.config.search_together
    found = {"chosen": best["settings"], "scores": scores, "people": people, "at_once": at_once}
    write_json(path, {**recorded, label: found})
    chosen: dict[str, Any] = best["settings"]
    return chosen
